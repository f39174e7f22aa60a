"""`agentobs run` follows the process that serves: reloaders, masters that replace themselves, console scripts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import needs
from tests.support.process.programs import environ, served
from tests.support.process.receiver import Receiver
from tests.support.stack import free_port, poll

RUN = (sys.executable, "-m", "agentobs", "run")
APP = """
    import os
    from tests.support import model

    def answer(path):
        if path == "/pid":
            return str(os.getpid())
        number = int(path.rsplit("/", 1)[-1])
        return model.client().chat.completions.create(**model.ask(number)).choices[0].message.content
"""
FLASK = (
    APP
    + """
    from flask import Flask
    app = Flask(__name__)
    app.route("/<path:path>")(lambda path: answer("/" + path))
"""
)
DJANGO = (
    APP
    + """
    import sys
    from django.conf import settings
    from django.core.management import execute_from_command_line
    from django.http import HttpResponse
    from django.urls import re_path

    settings.configure(DEBUG=True, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="x", USE_TZ=True)
    urlpatterns = [re_path("", lambda request: HttpResponse(answer(request.path)))]
    if __name__ == "__main__":
        execute_from_command_line(sys.argv)
"""
)


def _spans(received: Receiver, service: str) -> int:
    return len([item for item in received.items("traces", service) if item.name.startswith("chat")])


def _otlp(received: Receiver, service: str) -> dict[str, str]:
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": received.http,
        "OTEL_SERVICE_NAME": service,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "OTEL_METRICS_EXPORTER": "none",
    }


def test_the_reloader_of_flask(received: Receiver) -> None:
    port = free_port()
    command = [*RUN, "flask", "--app", "shop", "run", "--debug", "--port", str(port)]
    with served(command, {"shop.py": FLASK}, port, **_otlp(received, "flask")) as server:
        assert server.pids() != {server.process.pid}, "it serves from a second process"
        server.call(1, 2)
        poll(lambda: _spans(received, "flask") == 2, "spans of both calls")


def test_the_reloader_of_django(received: Receiver) -> None:
    port = free_port()
    command = [*RUN, "manage.py", "runserver", str(port)]
    with served(command, {"manage.py": DJANGO}, port, **_otlp(received, "django")) as server:
        assert server.pids() != {server.process.pid}
        server.call(1, 2)
        poll(lambda: _spans(received, "django") == 2, "spans of both calls")


@pytest.mark.parametrize("program", [["gunicorn"], ["-m", "gunicorn"]], ids=" ".join)
def test_the_master_that_gunicorn_starts_on_usr2(received: Receiver, program: list[str]) -> None:
    port, service = free_port(), f"usr2-{len(program)}"
    command = [*RUN, *program, "shop:app", "--bind", f"127.0.0.1:{port}", "--pid", "master.pid"]
    with served(command, {"shop.py": FLASK}, port, **_otlp(received, service)) as server:
        server.call(1)
        poll(lambda: _spans(received, service) == 1, "the span of the first call")
        pids = server.process.folder
        os.kill(server.process.pid, signal.SIGUSR2)
        second = int(poll(lambda: (pids / "master.pid.2").exists() and (pids / "master.pid.2").read_text(), "its pid"))
        try:
            poll(lambda: "Booting worker" in server.process.log().rpartition("Listening at")[2], "the new worker")
            server.stop()
            server.call(2)
            poll(lambda: _spans(received, service) == 2, "the span of the new master's call")
        finally:
            os.kill(second, signal.SIGTERM)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "app.py").write_text(
        textwrap.dedent("""
            from tests.support import model
            from opentelemetry import trace
            with trace.get_tracer("own").start_as_current_span("of the program"):
                model.client().chat.completions.create(**model.ask(1))
        """)
    )
    return tmp_path


def _run(folder: Path, *command: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environ(env), capture_output=True, text=True, timeout=60, check=False
    )


def _instrument() -> str:
    needs.module("opentelemetry.distro", sdks="contrib")
    return str(Path(sys.executable).with_name("opentelemetry-instrument"))


def test_beside_opentelemetry_instrument(received: Receiver, folder: Path) -> None:
    done = _run(folder, _instrument(), sys.executable, *RUN[1:], "app.py", **_otlp(received, "beside"))
    assert done.returncode == 0, done.stderr
    names = poll(lambda: sorted(item.name for item in received.items("traces", "beside")), "spans")
    assert names == ["chat gpt-4.1-mini", "of the program"]
    assert len({item.raw["traceId"] for item in received.items("traces", "beside")}) == 1


def test_opentelemetry_instrument_inside_is_refused_with_the_right_order(folder: Path) -> None:
    done = _run(
        folder, *RUN, "opentelemetry-instrument", "--metrics_exporter", "none", "python", "app.py", "--port", "1"
    )
    assert done.returncode == 2
    assert "opentelemetry-instrument --metrics_exporter none agentobs run app.py --port 1" in done.stderr


def test_a_script_of_another_python_is_refused(folder: Path) -> None:
    other = folder / "bin" / "serve"
    other.parent.mkdir()
    other.write_text("#!/opt/other/bin/python\n")
    other.chmod(0o755)
    done = _run(folder, *RUN, "serve", PATH=f"{other.parent}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == 2
    assert f"{other} is not run by {sys.executable}" in done.stderr


def test_a_sitecustomize_that_fails_is_told_by_python_and_the_program_is_observed(folder: Path) -> None:
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text("raise OSError('no such site')")
    (folder / "seen.py").write_text("import agentobs.process; print(agentobs.process.current() is not None)")
    path = f"{folder / 'site'}{os.pathsep}{environ()['PYTHONPATH']}"
    alone = _run(folder, sys.executable, "seen.py", PYTHONPATH=path)
    observed = _run(folder, *RUN, "seen.py", PYTHONPATH=path)
    assert "no such site" in alone.stderr
    assert observed.stderr.count("no such site") == 2, "once for agentobs run itself, once for the program"
    assert observed.stdout == "True\n"


def test_what_keeps_a_program_from_being_observed_is_told(folder: Path) -> None:
    (folder / "own.py").write_text("print('runs')")
    (folder / "broken").mkdir()
    (folder / "broken" / "wrapt.py").write_text("raise ImportError('this wrapt is broken')")
    done = _run(folder, *RUN, "own.py", PYTHONPATH=f"{folder / 'broken'}{os.pathsep}{environ()['PYTHONPATH']}")
    assert done.stdout == "runs\n"
    assert done.stderr == "agentobs run: the program runs without being observed (ImportError: this wrapt is broken)\n"
