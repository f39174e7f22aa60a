"""A scripted HTTP server on the loopback interface: it answers as the script says and keeps every request as it came."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GATE_S = 20.0
"""The longest wait for a gate, in seconds; a test that forgets to open one fails instead of hanging."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request exactly as received. `connection` numbers the connections of one script from 0 up."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int

    def header(self, name: str) -> str | None:
        """The first header of this name in whatever case, `None` without any."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes:
        body: sent with its length, unless there are `chunks`.
        chunks: sent one by one in chunked transfer coding; an event among them is waited for before what follows it.
        cut: close the connection before the answer is whole; without body and chunks, before there is any answer.
        gate: waited for before the answer begins.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: Sequence[bytes | threading.Event] | None = None
    cut: bool = False
    gate: threading.Event | None = None

    def but(self, **changes: Any) -> Answer:
        """The same answer with some attributes changed."""
        return replace(self, **changes)


_NOTHING_LEFT = Answer(599, b'{"error": {"message": "the script has no answer left"}}', {"x-should-retry": "false"})


class Loopback:
    """The server. `play` gives it a new script; the script's last answer is given only once, like the others."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.never = threading.Event()
        """A gate that opens only when the server is closed."""
        self._answers: deque[Answer] = deque()
        self._connections: dict[tuple[str, int], int] = {}
        self._lock = threading.Lock()
        outer = self

        class Handler(_Handler):
            loopback = outer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def play(self, *answers: Answer) -> None:
        """Forget what was received, and answer the next requests with these."""
        with self._lock:
            self.requests = []
            self._connections.clear()
            self._answers = deque(answers)

    def _take(self, method: str, path: str, headers: Any, body: bytes, peer: tuple[str, int]) -> Answer:
        with self._lock:
            connection = self._connections.setdefault(peer, len(self._connections))
            self.requests.append(Request(method, path, tuple(headers), body, connection))
            return self._answers.popleft() if self._answers else _NOTHING_LEFT

    def serve(self) -> None:
        """Serve until `close`."""
        self._server.serve_forever(poll_interval=0.01)

    def close(self) -> None:
        """Stop serving and free the port."""
        self.never.set()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    # All that is ready goes out at once, so that what a client reads does not depend on who is faster.
    wbufsize = 1 << 16
    loopback: Loopback

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        answer = self.loopback._take(self.command, self.path, self.headers.items(), body, self.client_address)
        try:
            self._answer(answer)
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    do_GET = do_POST = do_DELETE = _handle  # noqa: N815  the names that http.server looks for

    def _answer(self, answer: Answer) -> None:
        if answer.gate is not None:
            answer.gate.wait(GATE_S)
        self.close_connection = self.close_connection or answer.cut
        if answer.cut and not answer.body and answer.chunks is None:
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.chunks is None:
            self.send_header("content-length", str(len(answer.body) + answer.cut))
            self.end_headers()
            self.wfile.write(answer.body)
            return
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in answer.chunks:
            if isinstance(chunk, threading.Event):
                self.wfile.flush()
                chunk.wait(GATE_S)
            else:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        if not answer.cut:
            self.wfile.write(b"0\r\n\r\n")

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Always the same, because clients hand headers on in what they answer."""
        return "Wed, 25 Nov 2026 08:00:00 GMT"

    def log_message(self, *args: object) -> None:
        """Requests are not worth a line in the output of the tests."""


@contextmanager
def serve() -> Iterator[Loopback]:
    """A server that runs while the block does."""
    server = Loopback()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.close()
        thread.join()
