"""Real web servers with the endpoint in them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.support.stack import Process, free_port
from tests.support.stack.process import answers, running, temporary_folder

from .twins import SECRET

ROOT = Path(__file__).parents[3]

_GUNICORN = ("-m", "gunicorn", "{app}", "--bind", "127.0.0.1:{port}", "--log-level", "warning")
SERVERS = {
    "uvicorn": ("-m", "uvicorn", "{app}", "--port", "{port}", "--log-level", "warning"),
    "uvicorn-workers": ("-m", "uvicorn", "{app}", "--port", "{port}", "--log-level", "warning", "--workers", "2"),
    "gunicorn": _GUNICORN,
    "gunicorn-workers": (*_GUNICORN, "--workers", "4"),
    "gunicorn-threads": (*_GUNICORN, "--worker-class", "gthread", "--threads", "4"),
    "gunicorn-asgi": (*_GUNICORN, "--worker-class", "asgi"),
}


@contextmanager
def serving(
    app: str, server: str, env: Mapping[str, str] | None = None, ready: str = "/feedback/openapi.json"
) -> Iterator[int]:
    """Run an application (`module:name`) under a real server; gives its port on the loopback interface."""
    with temporary_folder(server) as folder:
        port = free_port()
        argv = [sys.executable, *(part.format(app=app, port=port) for part in SERVERS[server])]
        environ = {
            "AGENTOBS_FEEDBACK_SECRET": SECRET,
            "AGENTOBS_STRICT": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            "OTEL_METRICS_EXPORTER": "none",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "OTEL_BLRP_SCHEDULE_DELAY": "50",
            **(env or {}),
        }
        process = Process(argv, folder, lambda _: answers(port, ready), env=environ)
        with running(process):
            yield port
            assert "Traceback" not in process.log(), process.log()
