"""The endpoint as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from . import options as options_
from .contract import BODY_BYTES
from .core import Endpoint, Entry
from .http import Head, Response, below
from .problems import RefusedError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_WRITERS = 4
_MOST_WAITING = 200
"""Requests that may wait for the database at once; what comes on top of them is to come again."""


class FeedbackASGI:
    """Serves the endpoint below its mount; other requests go to `app`, where there is one."""

    def __init__(self, endpoint: Endpoint, app: App | None, path: str) -> None:
        self._endpoint = endpoint
        self._app = app
        self._path = path
        self._waiting = 0
        self._writers: ThreadPoolExecutor | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._endpoint.wake()
        inside = self._inside(scope) if scope["type"] == "http" else None
        if inside is not None:
            await self._serve(_head(scope, inside), scope, receive, send)
        elif self._app is not None:
            await self._app(scope, receive, send)
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})

    def _inside(self, scope: Scope) -> str | None:
        path, root = scope["path"], scope.get("root_path", "")
        # A path holds its root path; before ASGI said so, frameworks took it away.
        rest = below(path, root)
        path = path if rest is None else rest
        return path if self._app is None else below(path, self._path)

    async def _serve(self, head: Head, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint = self._endpoint
        unread = head.method == "POST"
        try:
            response = endpoint.open(head)
            if response is None:
                body = await self._body(receive)
                if body is None:
                    return
                unread = False
                response = await self._record(endpoint.examine(head, body))
        except RefusedError as refused:
            response = endpoint.refused(refused, head)
        except Exception as error:  # noqa: BLE001
            response = endpoint.failed(error, head)
        headers = dict(endpoint.headers(head, response))
        if unread and scope.get("http_version", "1.1") in ("1.0", "1.1"):
            headers["connection"] = "close"  # nobody waits for the rest of the body
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": response.status, "headers": encoded})
        await send({"type": "http.response.body", "body": b"" if head.method == "HEAD" else response.body})

    async def _body(self, receive: Receive) -> bytes | None:
        """The body, `None` where the sender has gone away."""
        body = bytearray()
        try:
            async with asyncio.timeout(self._endpoint.options.body_timeout_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return None
                    body += message.get("body", b"")
                    if len(body) > self._endpoint.options.body_limit_bytes:
                        raise self._endpoint.too_large()
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise self._endpoint.too_slow() from None

    async def _record(self, entry: Entry) -> Response:
        if not self._endpoint.waits:
            return self._endpoint.record(entry)
        if self._waiting >= _MOST_WAITING:
            raise self._endpoint.out_of_reach()
        if self._writers is None:
            self._writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="agentobs-feedback")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._writers, self._endpoint.record, entry)
        finally:
            self._waiting -= 1


def _head(scope: Scope, path: str) -> Head:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    client = scope.get("client")
    query = scope.get("query_string", b"").decode("latin-1")
    return Head(scope["method"], path, headers, client[0] if client else "", query)


async def _live(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def feedback_app(
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
) -> FeedbackASGI:
    """The feedback endpoint as an ASGI application: `app.mount("/feedback", agentobs.feedback_app())`.

    It takes ratings by `POST` to the path that it is mounted at, and serves `widget.js` and `openapi.json` below it. With
    another application as first argument it stands in front of that one and answers for `path` only.

    Args:
        app: an ASGI application that serves every other path.
        path: where the endpoint is, if `app` is given.
        secret: what tokens are signed with, 32 bytes or more; of several the first one signs and all are believed, so that
            a new one can be put in front. Else AGENTOBS_FEEDBACK_SECRET. It becomes the secret of `feedback_token()`.
        origins: pages of which origins may post, besides those of the endpoint's own host.
        labels: free labels that the metrics may tell apart; others are counted as `_other`.
        store: `sqlite:///FILE` or `postgresql://...` to keep the feedback itself; else AGENTOBS_FEEDBACK_STORE, else it
            is telemetry only.
        strict: answer 503 to what the store does not take at the moment, instead of letting it wait in the spool.
        spool: file in which feedback waits while the store is out of reach; else AGENTOBS_FEEDBACK_SPOOL, else one in the
            state folder of the account (~/.local/state/agentobs).
        retention_days: delete from the store what has not changed for so long; without it everything is kept.
        per_token, per_address: requests a minute. Behind a reverse proxy see `trusted_proxies`.
        trusted_proxies: how many reverse proxies of yours stand in front and add to X-Forwarded-For.
        body_limit_bytes: longest body.
        body_timeout_s: longest time that a body may take to arrive.
        late_after_s: age of a token from which on its feedback is marked as late.

    Raises:
        ConfigError: no secret, a short one or two different ones, a malformed allow list, a store whose file cannot be used
            or whose tables are of another version, a number that is not allowed. A server that is out of reach is none:
            feedback waits in the spool.
    """
    return FeedbackASGI(
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
