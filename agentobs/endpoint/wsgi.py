"""The endpoint as a WSGI application."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from . import options as options_
from .contract import BODY_BYTES
from .core import Endpoint
from .http import Head, below
from .problems import RefusedError

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

_SOCKETS = ("gunicorn.socket", "werkzeug.socket")


class FeedbackWSGI:
    """Serves the endpoint below its mount; other requests go to `app`, where there is one."""

    def __init__(self, endpoint: Endpoint, app: App | None, path: str) -> None:
        self._endpoint = endpoint
        self._app = app
        self._path = path

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self._endpoint.wake()
        inside: str | None = environ.get("PATH_INFO", "")
        if self._app is not None:
            inside = below(inside or "", self._path)
            if inside is None:
                return self._app(environ, start_response)
        head = _head(environ, inside or "")
        endpoint = self._endpoint
        try:
            response = endpoint.open(head)
            if response is None:
                response = endpoint.record(endpoint.examine(head, self._body(environ, head)))
        except RefusedError as refused:
            response = endpoint.refused(refused, head)
        except Exception as error:  # noqa: BLE001
            response = endpoint.failed(error, head)
        headers = [(name.title(), value) for name, value in endpoint.headers(head, response).items()]
        start_response(f"{response.status} {HTTPStatus(response.status).phrase}", headers)
        return [] if head.method == "HEAD" else [response.body]

    def _body(self, environ: Environ, head: Head) -> bytes:
        limit = self._endpoint.options.body_limit_bytes
        length = head.headers.get("content-length")
        if length is None and not environ.get("wsgi.input_terminated"):
            return b""
        wanted = limit + 1 if length is None else int(length)
        with _Deadline(environ, self._endpoint.options.body_timeout_s) as deadline:
            body = _read(environ["wsgi.input"], wanted)
        if deadline.passed:
            raise self._endpoint.too_slow()
        if len(body) > limit:
            raise self._endpoint.too_large()
        if length is not None and len(body) < wanted:
            raise RefusedError("malformed", "the body is shorter than its Content-Length")
        return body


def _read(stream: Any, wanted: int) -> bytes:
    body = bytearray()
    try:
        while len(body) < wanted:
            part = stream.read(wanted - len(body))
            if not part:
                break
            body += part
    except Exception:  # noqa: BLE001  each server has its own error for a sender that went away or was cut off
        return b""
    return bytes(body)


class _Deadline:
    """Cuts off a sender who takes too long, where the server lets us have the socket.

    WSGI has no time-outs, and a blocked read cannot be left in another way than by ending what it reads from. Servers
    that read the whole body before they call us (waitress, mod_wsgi, a buffering proxy) have limits of their own.
    """

    def __init__(self, environ: Environ, timeout_s: float) -> None:
        self._socket: Any = next((environ[name] for name in _SOCKETS if environ.get(name) is not None), None)
        self._timer = threading.Timer(timeout_s, self._cut)
        self._timer.daemon = True
        self.passed = False

    def _cut(self) -> None:
        self.passed = True
        try:
            # An SSL socket's own method would forget the encryption before the answer is sent.
            kind: Any = socket.socket if isinstance(self._socket, socket.socket) else type(self._socket)
            kind.shutdown(self._socket, socket.SHUT_RD)
        except OSError:
            pass

    def __enter__(self) -> _Deadline:
        if self._socket is not None:
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _head(environ: Environ, path: str) -> Head:
    headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    for key, name in (("CONTENT_TYPE", "content-type"), ("CONTENT_LENGTH", "content-length")):
        if environ.get(key):
            headers[name] = environ[key]
    return Head(
        environ["REQUEST_METHOD"], path, headers, environ.get("REMOTE_ADDR", ""), environ.get("QUERY_STRING", "")
    )


def feedback_wsgi(
    app: App | None = None,
    /,
    *,
    path: str = "/feedback",
    secret: str | Iterable[str] | None = None,
    origins: Iterable[str] = (),
    labels: Iterable[str] = (),
    store: str | None = None,
    strict: bool = False,
    spool: str | None = None,
    retention_days: float | None = None,
    per_token: int = options_.PER_TOKEN,
    per_address: int = options_.PER_ADDRESS,
    trusted_proxies: int = 0,
    body_limit_bytes: int = BODY_BYTES,
    body_timeout_s: float = options_.BODY_TIMEOUT_S,
    late_after_s: float = options_.LATE_AFTER_S,
) -> FeedbackWSGI:
    """The feedback endpoint as a WSGI application, for Flask and Django: `app.wsgi_app = feedback_wsgi(app.wsgi_app)`.

    With another application as first argument it stands in front of that one and answers for `path` only; without, it is
    to be mounted by a dispatcher. Arguments and errors are those of `feedback_app`.
    """
    return FeedbackWSGI(
        Endpoint(
            options_.resolve(
                secret=secret,
                origins=origins,
                labels=labels,
                store=store,
                strict=strict,
                spool=spool,
                retention_days=retention_days,
                per_token=per_token,
                per_address=per_address,
                trusted_proxies=trusted_proxies,
                body_limit_bytes=body_limit_bytes,
                body_timeout_s=body_timeout_s,
                late_after_s=late_after_s,
            )
        ),
        app,
        path,
    )
