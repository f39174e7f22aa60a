"""A small HTTP server of the tests: something to scrape, and a webhook that keeps what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Loopback:
    """Answers every GET with the text of `page` and every POST with 200, on a free port of 127.0.0.1."""

    def __init__(self, page: Callable[[], str]) -> None:
        self.received: list[bytes] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(page().encode())

            def do_POST(self) -> None:
                received.append(self.rfile.read(int(self.headers.get("content-length", "0"))))
                self._answer(b"")

            def _answer(self, body: bytes) -> None:
                self.send_response(200)
                self.send_header("content-type", "text/plain; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Requests are not worth a line in the output of the tests."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]

    @property
    def address(self) -> str:
        """`127.0.0.1:PORT`, as scrape configs want it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT/`."""
        return f"http://{self.address}/"

    def json(self) -> list[Any]:
        """The bodies received so far, decoded, in the order in which they came."""
        return [json.loads(body) for body in self.received]

    def run(self) -> None:
        """Serve until `close`."""
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def loopback(page: str | Callable[[], str] = "") -> Iterator[Loopback]:
    """Serve a page (a fixed text, or a function that gives the text of the moment) while the block runs."""
    server = Loopback(page if callable(page) else lambda: page)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
