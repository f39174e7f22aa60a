"""The built-in provider: a loopback HTTP server that answers as OpenAI and Anthropic do, and keeps a ledger.

What it answers, and how it misbehaves, depends on nothing but its seed and on the key that each request carries in the
header `x-demo-call` (or, without one, on what is asked and how often it was asked before). So threads and timing do not
change what is served.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from hashlib import blake2b
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from .answer import Question, compose
from .exchange import Exchange, send_json
from .faults import Faults
from .ledger import Ledger
from .luck import Luck
from .wire import Wire, openai_error
from .wire.chat import Chat
from .wire.embeddings import Embeddings
from .wire.messages import Messages
from .wire.responses import Responses

KEY_HEADER = "x-demo-call"

_WIRES: dict[str, Wire] = {
    "/chat/completions": Chat(),
    "/responses": Responses(),
    "/embeddings": Embeddings(),
    "/messages": Messages(),
}
_LARGEST_BODY_BYTES = 32 * 1024 * 1024


class Provider:
    """Serves from `with Provider(...) as provider:` until the block ends, on a free port of 127.0.0.1.

    `OpenAI(base_url=provider.base_url + "/v1")` and `Anthropic(base_url=provider.base_url)` talk to it; any other base
    path does as well. `think_s` is the longest time that a right answer takes to begin.
    """

    def __init__(self, *, seed: int = 0, faults: Faults | None = None, think_s: float = 0.0, port: int = 0) -> None:
        self.seed = seed
        self.faults = Faults() if faults is None else faults
        self.think_s = think_s
        self.ledger = Ledger()
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """`http://127.0.0.1:PORT`; raises `RuntimeError` while it does not serve."""
        if self._server is None:
            raise RuntimeError("the provider serves inside its `with` block only")
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Provider:
        self._server = _Server(self, self._port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="demo-provider", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.hang_up()
            self._server.server_close()
            self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def __init__(self, provider: Provider, port: int) -> None:
        self.provider = provider
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self._open.add(request)
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._open.discard(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that leaves in the middle is no error of the server."""

    def hang_up(self) -> None:
        """End the connections that clients keep open."""
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if not 0 <= length <= _LARGEST_BODY_BYTES:
            self.close_connection = True
            return self._refuse(413, "Request body too large.")
        raw = self.rfile.read(length)
        path = self.path.split("?")[0].rstrip("/")
        wire = next((wire for end, wire in _WIRES.items() if path.endswith(end)), None)
        if wire is None:
            return self._refuse(404, f"Unknown request URL: POST {path}.")
        try:
            body = json.loads(raw)
            question = wire.question(body)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            return send_json(self, 400, wire.error(400, f"Invalid request: {type(error).__name__} {error}"))
        return self._serve(wire, question, _provider_name(wire, path), raw)

    def do_GET(self) -> None:
        self._refuse(404, f"Unknown request URL: GET {self.path}.")

    def log_message(self, *args: object) -> None:
        """The ledger is the log."""

    def _serve(self, wire: Wire, question: Question, provider_name: str, raw: bytes) -> None:
        provider = self.server.provider
        number = _whole(self.headers.get("x-stainless-retry-count"))
        key = self.headers.get(KEY_HEADER) or blake2b(self.path.encode() + raw, digest_size=12).hexdigest()
        call, place = provider.ledger.open(
            key,
            number,
            provider=provider_name,
            model=question.model,
            operation=wire.operation,
            streamed=question.streamed,
        )
        leading = key.split(".")[0]
        luck = Luck(provider.seed, f"{key}#{call.ordinal}")
        fault = provider.faults.decide(
            luck=luck,
            key=key,
            index=int(leading) if leading.isdecimal() else place,
            model=question.model,
            attempt=number,
            streamed=question.streamed,
        )
        time.sleep(luck.draw("think") * provider.think_s)
        exchange = Exchange(self, wire, question, compose(question, luck), provider.ledger, provider.faults, call)
        exchange.serve(number, fault)

    def begin(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        request_id = f"req_{time.monotonic_ns():x}"
        for name, value in {**headers, "x-request-id": request_id, "request-id": request_id}.items():
            self.send_header(name, value)
        self.end_headers()

    def write(self, data: bytes) -> None:
        self.wfile.write(data)

    def client_left(self, patience_s: float) -> bool:
        # A readable connection means that it was closed: no client sends a request before it has read the answer.
        return bool(select.select([self.connection], [], [], patience_s)[0])

    def hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _refuse(self, status: int, message: str) -> None:
        send_json(self, status, openai_error(status, message))


def _provider_name(wire: Wire, path: str) -> str:
    """Who a client believes to talk to: an Azure deployment has its own path."""
    return "azure.ai.openai" if "/openai/deployments/" in path else wire.provider


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0
