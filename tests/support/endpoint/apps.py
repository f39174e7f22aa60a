"""Small applications with the endpoint in them, for real servers to run; options come from the environment."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterable
from typing import Any

import agentobs

OPTIONS = json.loads(os.environ.get("FEEDBACK_OPTIONS", "{}"))
WIDGET_PAGE = os.environ.get("FEEDBACK_PAGE", "")
METRICS: Any = os.environ.get("FEEDBACK_METRICS", "off")
_CSP = "default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:; require-trusted-types-for 'script'"

agentobs.instrument(metrics=METRICS, libraries=[])


async def host(scope: Any, receive: Any, send: Any) -> None:
    """An application of its own: a page, a token for it, and nothing else."""
    if scope["type"] != "http":
        return
    with agentobs.agent("support"):
        token = agentobs.feedback_token() or ""
    page = WIDGET_PAGE.replace("TOKEN", token).encode() if scope["path"] == "/page" else token.encode()
    headers = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", str(len(page)).encode()),
        (b"content-security-policy", _CSP.encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": page})


def wsgi_host(environ: Any, start_response: Any) -> Iterable[bytes]:
    with agentobs.agent("support"):
        token = (agentobs.feedback_token() or "").encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(token)))])
    return [token]


asgi = agentobs.feedback_app(host, **OPTIONS)
wsgi = agentobs.feedback_wsgi(wsgi_host, **OPTIONS)


async def _streams(scope: Any, receive: Any, send: Any) -> None:
    """A stream whose first chunk comes when /go-on has been asked for."""
    if scope["type"] != "http":
        return
    streamed = scope["path"] == "/stream"
    if scope["path"] == "/go-on":
        GO_ON.set()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    if streamed:
        await GO_ON.wait()
    await send({"type": "http.response.body", "body": b"chunk" if streamed else b""})


GO_ON = asyncio.Event()
streaming = agentobs.FeedbackTokenMiddleware(_streams)
