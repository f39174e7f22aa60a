"""Middlewares that put a feedback token into the header of every answer in which an agent ran.

The headers of a streamed answer are sent before its first chunk, and the agent often starts with that chunk. A WSGI server
sends no header before the first chunk, so there the token can wait for it. An ASGI server sends headers at once: there
they wait for the agent `HOLD_S` at most, and go without a token then.

An answer that a shared cache may give to somebody else gets no token.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any

from ..context import ANSWER, Answer
from . import caching, tokens
from .contract import DEFAULT_NAMES

HEADER = "X-Agentobs-Feedback-Token"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


log = logging.getLogger("agentobs")

HOLD_S = 0.02
"""How long the headers of a streamed answer wait for an agent to start."""

CACHE_CONTROL = "Cache-Control"

Fields = list[tuple[str, str]]


class _Minter:
    """What both middlewares share: which headers an answer gets."""

    def __init__(
        self,
        maker: str,
        names: Iterable[str],
        ttl_s: float,
        secret: str | Iterable[str] | None,
        header: str,
    ) -> None:
        tokens.require_agreement(secret, maker)
        self._signer = tokens.signer_for(secret, maker)
        self._names = tokens.names_from(names)
        self._ttl_s = tokens.lifetime_from(ttl_s)
        self._warned = False
        self.header = header

    def headers(self, answer: Answer, method: str, status: int, fields: Fields) -> Fields:
        """The headers that the answer is to have: `fields` itself where no agent ran, else with a token."""
        if answer.run is None:
            return fields
        values = {name.lower(): value for name, value in fields}
        control = ", ".join(value for name, value in fields if name.lower() == CACHE_CONTROL.lower())
        if caching.is_shared(status, control.lower(), values):
            if not self._warned:
                self._warned = True
                log.warning(
                    "agentobs: an answer of an agent gets no feedback token, because others may get it from a cache "
                    "(status %d, Cache-Control %.100r); answer with Cache-Control: private, or no-store",
                    status,
                    control,
                )
            return fields
        token = tokens.mint_for(answer.run, self._signer, self._names, self._ttl_s)
        if token is None:
            return fields
        if method in ("GET", "HEAD") and not caching.keeps_out(control.lower()):
            fields = [(name, value) for name, value in fields if name.lower() != CACHE_CONTROL.lower()]
            fields.append((CACHE_CONTROL, f"{control}, private" if control else "private"))
        return [*fields, (self.header, token), ("Access-Control-Expose-Headers", self.header)]


class FeedbackTokenMiddleware:
    """ASGI: `app.add_middleware(agentobs.FeedbackTokenMiddleware)`.

    The token is that of the newest run in the request that is not inside another one. For a streamed answer it is made
    with the first chunk, or after `HOLD_S` where that is earlier, so that it does not know what happens later in the
    stream; where no agent has started by then, the answer has no token. Send one at the end of the stream
    (`agentobs.feedback_token()`) where model and degradation level must be exact, or the agent starts late.

    An answer that shared caches may keep gets no token (304, `Cache-Control: public`, `s-maxage`, `max-age` without
    `private`, and the like); an answer to GET that gets one is marked `Cache-Control: private`.

    Args:
        names, ttl_s, secret: as for `agentobs.feedback_token`.
        header: name of the header.

    Raises:
        ConfigError, ValueError: as `agentobs.feedback_token`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        names: Iterable[str] = DEFAULT_NAMES,
        ttl_s: float = tokens.TTL_S,
        secret: str | Iterable[str] | None = None,
        header: str = HEADER,
    ) -> None:
        self._app = app
        self._minter = _Minter("FeedbackTokenMiddleware", names, ttl_s, secret, header)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = _Start(send, self._minter, scope["method"])
        reset = ANSWER.set(start.answer)
        try:
            await self._app(scope, receive, start.send)
        except BaseException:
            start.forget()
            raise
        finally:
            ANSWER.reset(reset)
        await start.release()


class _Start:
    """The first message of an answer, which is passed on when the run is known, or has been waited for long enough."""

    def __init__(self, send: Send, minter: _Minter, method: str) -> None:
        self.answer = Answer()
        self._send = send
        self._minter = minter
        self._method = method
        self._message: Message | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._releasing: asyncio.Task[None] | None = None

    async def send(self, message: Message) -> None:
        """Send a message of the application, after the first one."""
        if message["type"] != "http.response.start":
            await self.release()
            await self._send(message)
            return
        self._message = message
        if self.answer.run is not None:
            await self.release()
            return
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a server that runs on something else
            await self.release()
            return
        self._timer = loop.call_later(HOLD_S, self._release_later, loop)

    def _release_later(self, loop: asyncio.AbstractEventLoop) -> None:
        self._releasing = loop.create_task(self._pass_on())

    async def release(self) -> None:
        """Pass the first message on, where that has not been done."""
        if self._timer is not None:
            self._timer.cancel()
        if self._releasing is not None:
            # What goes wrong in sending is raised where the application sends next.
            await self._releasing
        else:
            await self._pass_on()

    async def _pass_on(self) -> None:
        message, self._message = self._message, None
        if message is None:
            return
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message.get("headers", ())]
        headers = self._minter.headers(self.answer, self._method, message["status"], fields)
        if headers is not fields:
            encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
            message = {**message, "headers": encoded}
        await self._send(message)

    def forget(self) -> None:
        """Pass nothing on: the application has failed, and the server answers."""
        self._message = None
        if self._timer is not None:
            self._timer.cancel()


class FeedbackTokenWSGI:
    """WSGI: `app.wsgi_app = agentobs.FeedbackTokenWSGI(app.wsgi_app)`; otherwise as `FeedbackTokenMiddleware`."""

    def __init__(
        self,
        app: WSGIApp,
        *,
        names: Iterable[str] = DEFAULT_NAMES,
        ttl_s: float = tokens.TTL_S,
        secret: str | Iterable[str] | None = None,
        header: str = HEADER,
    ) -> None:
        self._app = app
        self._minter = _Minter("FeedbackTokenWSGI", names, ttl_s, secret, header)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = _Started(start_response, self._minter, environ.get("REQUEST_METHOD", "GET"))
        reset = ANSWER.set(started.answer)
        try:
            result = self._app(environ, started)
        finally:
            ANSWER.reset(reset)
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(result, (list, tuple)) or (isinstance(wrapper, type) and isinstance(result, wrapper)):
            started.release()
        return result if started.released else _Chunks(result, started)


class _Started:
    """A `start_response` that is passed on when the run is known, or the first chunk is there."""

    def __init__(self, start_response: Callable[..., Any], minter: _Minter, method: str) -> None:
        self.answer = Answer()
        self.released = False
        self._start_response = start_response
        self._minter = minter
        self._method = method
        self._start: tuple[str, list[tuple[str, str]], Any] | None = None
        self._write: Callable[[bytes], object] | None = None

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        self._start = (status, headers, exc_info)
        if self.released or self.answer.run is not None:
            self.released = False
            self.release()
        return self.write

    def write(self, chunk: bytes) -> object:
        """The old way of sending a body, from inside the application."""
        self.release()
        return self._write(chunk) if self._write is not None else None

    def release(self) -> None:
        """Pass on how the application starts its answer, with the token where there is one."""
        if self.released or self._start is None:
            return
        self.released = True
        status, headers, exc_info = self._start
        headers = self._minter.headers(self.answer, self._method, int(status[:3]), headers)
        self._write = (
            self._start_response(status, headers, exc_info) if exc_info else self._start_response(status, headers)
        )


class _Chunks:
    """A streamed body whose chunks are made with the answer as context."""

    def __init__(self, chunks: Iterable[bytes], started: _Started) -> None:
        self._chunks = chunks
        self._started = started
        self._iterator: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        reset = ANSWER.set(self._started.answer)
        try:
            if self._iterator is None:
                self._iterator = iter(self._chunks)
            chunk = next(self._iterator)
        except StopIteration:
            self._started.release()
            raise
        finally:
            ANSWER.reset(reset)
        self._started.release()
        return chunk

    def close(self) -> None:
        """Close the application's body, as the server would have done."""
        close = getattr(self._chunks, "close", None)
        if close is not None:
            close()
