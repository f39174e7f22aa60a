"""Real web servers with the endpoint in them, and a real collector that keeps what they emit."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.stack import Collector, Process, collector, free_port
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

_CONFIG = """
receivers: {otlp: {protocols: {http: {endpoint: 127.0.0.1:4318}}}}
exporters: {file: {path: telemetry.json, flush_interval: 50ms}}
extensions: {health_check: {endpoint: 127.0.0.1:13133}}
service:
  extensions: [health_check]
  pipelines:
    logs: {receivers: [otlp], exporters: [file]}
    traces: {receivers: [otlp], exporters: [file]}
"""


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


class Telemetry:
    """What a collector has received."""

    def __init__(self, server: Collector) -> None:
        self.url = server.otlp_http
        self._path = server.folder / "telemetry.json"

    def _scopes(self, signal: str) -> Iterator[Any]:
        for line in self._path.read_text().splitlines() if self._path.exists() else ():
            for resource in json.loads(line).get(f"resource{signal}", ()):
                yield from resource[f"scope{signal}"]

    def events(self, **attributes: Any) -> list[dict[str, Any]]:
        """Events that have these attributes, given with underscores for dots."""
        found = []
        for scope in self._scopes("Logs"):
            for record in scope["logRecords"]:
                values = {a["key"].replace(".", "_"): next(iter(a["value"].values())) for a in record["attributes"]}
                if all(values.get(name) == value for name, value in attributes.items()):
                    found.append({**record, "values": values})
        return found

    def spans(self) -> dict[tuple[str, str], str]:
        """Names of the spans by trace and span id."""
        return {
            (span["traceId"], span["spanId"]): span["name"]
            for scope in self._scopes("Spans")
            for span in scope["spans"]
        }


@contextmanager
def receiving() -> Iterator[Telemetry]:
    """Run a collector that writes what it receives into a file."""
    with collector(_CONFIG) as server:
        yield Telemetry(server)
