"""A backend of the tests: takes OTLP over HTTP, keeps what it got, and can be down for a while."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.stack import free_port

REQUESTS = {
    "/v1/traces": ExportTraceServiceRequest,
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
}


class Backend:
    """What came in, by signal; `raw` holds the bytes of every request."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.raw: list[bytes] = []
        self.requests: dict[str, list[Any]] = {path: [] for path in REQUESTS}
        self._server: ThreadingHTTPServer | None = None

    def spans(self) -> list[Any]:
        requests = list(self.requests["/v1/traces"])
        return [s for r in requests for rs in r.resource_spans for ss in rs.scope_spans for s in ss.spans]

    def logs(self) -> list[Any]:
        requests = list(self.requests["/v1/logs"])
        return [s for r in requests for rs in r.resource_logs for ss in rs.scope_logs for s in ss.log_records]

    def metrics(self) -> list[Any]:
        requests = list(self.requests["/v1/metrics"])
        return [s for r in requests for rs in r.resource_metrics for ss in rs.scope_metrics for s in ss.metrics]

    def up(self) -> None:
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.headers.get("content-encoding") == "gzip":
                    body = gzip.decompress(body)
                request = REQUESTS[self.path]()
                request.ParseFromString(body)
                backend.raw.append(body)
                backend.requests[self.path].append(request)
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                """Requests are not worth a line in the output of the tests."""

        ThreadingHTTPServer.allow_reuse_address = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def down(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


@contextmanager
def backend(*, up: bool = True) -> Iterator[Backend]:
    """A backend that is up, or one that is down until `up()`."""
    server = Backend()
    if up:
        server.up()
    try:
        yield server
    finally:
        server.down()


def attributes(item: Any) -> dict[str, Any]:
    """The attributes of a span, event, log record or data point as plain values."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in item.attributes}
