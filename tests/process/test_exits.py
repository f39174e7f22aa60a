"""However a process ends in order, what it had has been sent; however dead the backend is, it ends in time."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import needs
from tests.support.process.programs import command, environ, run
from tests.support.process.receiver import Receiver
from tests.support.stack import poll, redis

WORK = """
import agentobs, os, sys
from tests.support import model

def work(number=1):
    with agentobs.agent("support"):
        model.client().chat.completions.create(**model.ask(number))
    return number
"""


def arrived(received: Receiver, service: str, calls: int) -> tuple[float, int]:
    """How many calls the metrics and the spans have that came, once there are at least so many."""

    def counted() -> float:
        return sum(received.last(service, "agentobs.calls").values())

    def spans() -> int:
        return len([item for item in received.items("traces", service) if item.name.startswith("chat")])

    poll(lambda: counted() >= calls and spans() >= calls, f"{calls} calls of {service}")
    return counted(), spans()


def program(folder: Path, text: str) -> list[str]:
    """A program in a file, which the children that multiprocessing spawns can import."""
    path = folder / "program.py"
    path.write_text(WORK + textwrap.dedent(text))
    return [sys.executable, "-W", "ignore:This process:DeprecationWarning", str(path)]


def test_a_script_that_gets_sigterm(received: Receiver) -> None:
    text = f"{WORK}\nagentobs.instrument()\nwork()\nprint('ready', flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        command(text), env=environ(received.otlp("term")), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.terminate()
        assert process.wait(30) == -signal.SIGTERM
    assert arrived(received, "term", 1) == (1, 1)


@pytest.mark.parametrize("handler", ["lambda *_: sys.exit(7)", "signal.SIG_IGN"])
def test_what_the_program_does_about_sigterm_itself_stays(handler: str) -> None:
    shown = run(
        f"""
        import signal, sys, os, agentobs
        handler = {handler}
        signal.signal(signal.SIGTERM, handler)
        with agentobs.instrument(metrics="off"):
            assert signal.getsignal(signal.SIGTERM) is handler
        assert signal.getsignal(signal.SIGTERM) is handler
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with agentobs.instrument(metrics="off"):
            signal.signal(signal.SIGTERM, handler)
        assert signal.getsignal(signal.SIGTERM) is handler
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with agentobs.instrument(metrics="off"):
            pass
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        with agentobs.instrument(metrics="off", exit_timeout_s=0):
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        print("as it was")
        """
    ).stdout
    assert shown == "as it was\n"


@pytest.fixture
def dead() -> Iterator[socket.socket]:
    """A backend that takes connections and answers nothing."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        server.setblocking(False)
        yield server


def address(server: socket.socket) -> str:
    return f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("end", "status"), [("pass", 0), ("os.kill(os.getpid(), 15)", -signal.SIGTERM)], ids=["return", "SIGTERM"]
)
def test_a_dead_backend_is_not_waited_for(dead: socket.socket, end: str, status: int) -> None:
    text = f"{WORK}\nagentobs.instrument()\nwork()\n{end}"
    # An exporter would wait for ten minutes, `run` waits for one.
    done = run(text, check=False, OTEL_EXPORTER_OTLP_ENDPOINT=address(dead), OTEL_EXPORTER_OTLP_TIMEOUT="600")
    assert done.returncode == status, done.stderr
    connection, _ = dead.accept()
    with connection:
        assert connection.recv(9) == b"POST /v1/", "it was tried"


def test_no_time_at_all_sends_nothing(dead: socket.socket) -> None:
    done = run(f"{WORK}\nagentobs.instrument(exit_timeout_s=0)\nwork()", OTEL_EXPORTER_OTLP_ENDPOINT=address(dead))
    assert not done.stderr
    with pytest.raises(BlockingIOError):
        dead.accept()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_children_of_multiprocessing(received: Receiver, tmp_path: Path, method: str) -> None:
    service = f"children-{method}"
    text = f"""
    import multiprocessing

    def child(number):
        agentobs.instrument()
        work(number)

    if __name__ == "__main__":
        agentobs.instrument()
        context = multiprocessing.get_context({method!r})
        children = [context.Process(target=child, args=(number,)) for number in (1, 2)]
        for one in children:
            one.start()
        for one in children:
            one.join()
        assert [one.exitcode for one in children] == [0, 0]
        work(3)
    """
    subprocess.run(program(tmp_path, text), env=environ(received.otlp(service)), timeout=60, check=True)
    assert arrived(received, service, 3) == (3, 3)


@pytest.mark.parametrize(("method", "options"), [("fork", ""), ("spawn", ""), ("spawn", ", max_tasks_per_child=1")])
def test_a_pool_of_processes(received: Receiver, tmp_path: Path, method: str, options: str) -> None:
    service = f"pool-{method}-{bool(options)}"
    text = f"""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    agentobs.instrument()
    if __name__ == "__main__":
        context = multiprocessing.get_context({method!r})
        with ProcessPoolExecutor(2, mp_context=context{options}) as pool:
            assert sorted(pool.map(work, range(1, 7))) == list(range(1, 7))
    """
    subprocess.run(program(tmp_path, text), env=environ(received.otlp(service)), timeout=120, check=True)
    assert arrived(received, service, 6) == (6, 6)


def test_a_pool_that_is_terminated(received: Receiver, tmp_path: Path) -> None:
    text = """
    import multiprocessing

    agentobs.instrument()
    if __name__ == "__main__":
        with multiprocessing.get_context("fork").Pool(2) as pool:
            assert pool.map(work, range(1, 7)) == list(range(1, 7))
    """
    subprocess.run(program(tmp_path, text), env=environ(received.otlp("terminated")), timeout=60, check=True)
    assert arrived(received, "terminated", 6) == (6, 6)


@pytest.mark.parametrize("options", [(), ("--max-tasks-per-child", "1")], ids=["", "one task each"])
def test_celery(received: Receiver, tmp_path: Path, options: tuple[str, ...]) -> None:
    needs.module("celery")
    service = f"celery-{len(options)}"
    (tmp_path / "tasks.py").write_text(
        WORK
        + textwrap.dedent("""
            from celery import Celery
            agentobs.instrument()
            app = Celery(broker=os.environ["BROKER"], backend=os.environ["BROKER"])
            app.conf.broker_connection_retry_on_startup = True
            call = app.task(name="call")(work)
        """)
    )
    with redis() as server:
        env = environ({**received.otlp(service), "BROKER": server.url})
        env["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{env['PYTHONPATH']}"
        ask = """
        import tasks
        results = [tasks.app.send_task("call", (number,)) for number in range(1, 7)]
        assert [result.get(timeout=60) for result in results] == list(range(1, 7))
        """
        argv = [sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", "prefork", "-c", "2", *options]
        with subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=tmp_path) as worker:
            try:
                subprocess.run(command(ask), env=env, timeout=90, check=True)
            finally:
                worker.terminate()
            log, _ = worker.communicate(timeout=60)
    assert worker.returncode == 0, log.decode()
    assert arrived(received, service, 6) == (6, 6)
