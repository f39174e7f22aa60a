"""The demo's customers: what they think of an answer goes to the feedback endpoint, over HTTP, as from a browser."""

from __future__ import annotations

import http.client
import json
import secrets
import threading
from socketserver import ThreadingMixIn
from types import TracebackType
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import agentobs

_NAME = "thumbs"
_PER_MINUTE = 10**6
"""All customers of the demo post from one address."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's word
        """Posts are not worth a line in the demo."""


class Visitors:
    """A web server with the endpoint in it while the block runs, and those who post to it."""

    def __init__(self) -> None:
        # The demo is the one place where nobody has to think of a secret.
        self._secret = secrets.token_urlsafe(32)

    def __enter__(self) -> Visitors:
        endpoint = agentobs.feedback_wsgi(secret=self._secret, per_address=_PER_MINUTE)
        self._server = make_server("127.0.0.1", 0, endpoint, _Server, _Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="demo-feedback", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def rate(self, *, happy: bool) -> None:
        """Have a customer rate the answer of the current run.

        Raises:
            RuntimeError: the endpoint did not take it.
        """
        token = agentobs.feedback_token(names=[_NAME], secret=self._secret)
        if token is None:
            return
        rating = {"token": token, "name": _NAME, "label": "thumbs_up" if happy else "thumbs_down"}
        connection = http.client.HTTPConnection("127.0.0.1", self._server.server_port, timeout=10)
        try:
            connection.request("POST", "/", json.dumps(rating), {"Content-Type": "text/plain;charset=UTF-8"})
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.ACCEPTED:
                raise RuntimeError(f"the feedback endpoint answered {answer.status}: {answer.read().decode()}")
        finally:
            connection.close()
