"""Servers of two workers, started as the examples say: a scrape shows both, and a dead worker leaves no state behind."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import needs
from tests.support.process.programs import ROOT
from tests.support.process.receiver import Receiver
from tests.support.scenario import total
from tests.support.stack import Process, fetch, free_port, poll
from tests.support.stack.process import answers, running, temporary_folder

EXAMPLES = ROOT / "examples" / "servers"
# uWSGI as `uwsgi` starts it, by the Python of the tests.
_UWSGI = "import sys, pyuwsgi; pyuwsgi.run(sys.argv[1:])"


def command(line: str, port: int, folder: Path) -> list[str]:
    """The line of an example with a free port in it."""
    program, *arguments = line.split()
    if program == "uvicorn":
        return [sys.executable, "-m", program, *arguments, "--port", str(port)]
    if program == "gunicorn":
        return [sys.executable, "-m", program, *arguments, "--bind", f"127.0.0.1:{port}"]
    needs.module("pyuwsgi")
    (own := folder / "uwsgi.ini").write_text((EXAMPLES / "uwsgi.ini").read_text().replace(":8000", f":{port}"))
    return [sys.executable, "-c", _UWSGI, "--ini", str(own)]


def lines(name: str) -> list[str]:
    """What the first lines of an example tell to run."""
    return re.findall(r"^(?:uvicorn|gunicorn|uwsgi) .*$", (EXAMPLES / name).read_text(), re.MULTILINE)


@contextlib.contextmanager
def serving(line: str, env: dict[str, str]) -> Iterator[tuple[int, Process]]:
    """Run the server of a line; its port and the process."""
    with temporary_folder("server") as folder:
        port = free_port()
        (shared := folder / "metrics").mkdir()
        (folder / "examples").symlink_to(ROOT / "examples")
        environ = env | {"PROMETHEUS_MULTIPROC_DIR": str(shared), "PYTHONPATH": str(ROOT)}
        process = Process(command(line, port, folder), folder, lambda process: ready(line, port, process), env=environ)
        with running(process):
            yield port, process
        assert "Traceback" not in process.log(), process.log()


def ready(line: str, port: int, process: Process) -> bool:
    """Whether both workers have loaded the program."""
    if line.startswith("uwsgi") and process.log().count("WSGI app 0") < 2:
        return False
    return answers(port, "/metrics/") and total(scrape(port), "agentobs_info") == 2


def scrape(port: int) -> str:
    status, body = fetch(port, "/metrics/")
    assert status == 200
    return body.decode()


def workers(process: Process) -> set[int]:
    """The children of a process."""
    return {int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()}


@pytest.mark.parametrize("line", [*lines("asgi.py"), *lines("wsgi.py")])
def test_every_scrape_shows_the_calls_of_all_workers(line: str, shell: dict[str, str]) -> None:
    with serving(line, shell | {"OTEL_SERVICE_NAME": "shop"}) as (port, process):
        for number in range(8):
            status, body = fetch(port, f"/answer?question={number}")
            assert status == 200, process.log()
            assert b"answer" in body
        for _ in range(8):
            text = scrape(port)
            assert total(text, "agentobs_calls_total", agentobs_outcome="success") == 8
            assert total(text, "agentobs_agent_runs_total") == 8
            assert total(text, "target_info", service_name="shop") == 1


@pytest.mark.parametrize("line", [*lines("asgi.py"), *lines("wsgi.py")])
def test_nothing_is_lost_when_the_server_is_ended(line: str, shell: dict[str, str], received: Receiver) -> None:
    service = re.sub(r"\W+", "-", line)
    # Machines that run tests are slow at times.
    env = shell | {"AGENTOBS_EXIT_TIMEOUT_S": "20"}
    env |= {"OTEL_SERVICE_NAME": service, "OTEL_EXPORTER_OTLP_ENDPOINT": received.http}
    with serving(line, env | {"OTEL_METRICS_EXPORTER": "none"}) as (port, process):
        for number in range(6):
            assert fetch(port, f"/answer?question={number}")[0] == 200
        process.stop()
    poll(lambda: [span.name for span in received.items("traces", service)].count("invoke_agent support") == 6, "6 runs")


@pytest.mark.parametrize("line", lines("wsgi.py"))
def test_a_killed_worker_leaves_no_open_breaker(line: str, shell: dict[str, str]) -> None:
    with serving(line, shell | {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}) as (port, process):

        def is_open() -> float:
            return total(scrape(port), "agentobs_circuit_breaker_state", agentobs_circuit_breaker_state="open")

        def trip() -> bool:
            assert fetch(port, "/answer?question=why")[0] == 200
            return is_open() == 1

        poll(trip, "a breaker opens")
        killed = workers(process)
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        poll(lambda: len(workers(process) - killed) >= 2, "new workers")
        poll(lambda: is_open() == 0, "no breaker is open")
