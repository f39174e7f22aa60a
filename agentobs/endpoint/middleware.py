"""Middlewares that put a feedback token into the header of every answer in which an agent ran.

The headers of a streamed answer are sent before its first chunk, and the agent often starts with that chunk. So where no
run has begun when the application sends its headers, they are held back until the first chunk is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping
from typing import Any

from ..context import ANSWER, Answer
from . import tokens
from .contract import DEFAULT_NAMES

HEADER = "X-Agentobs-Feedback-Token"

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Minter:
    """What both middlewares share: which token goes with an answer."""

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
        self.header = header

    def headers(self, answer: Answer) -> list[tuple[str, str]]:
        """What to add to the headers of the answer: nothing where no agent ran."""
        if answer.run is None:
            return []
        token = tokens.mint_for(answer.run, self._signer, self._names, self._ttl_s)
        return [] if token is None else [(self.header, token), ("Access-Control-Expose-Headers", self.header)]


class FeedbackTokenMiddleware:
    """ASGI: `app.add_middleware(agentobs.FeedbackTokenMiddleware)`.

    The token is that of the newest run in the request that is not inside another one. For a streamed answer it is made
    with the first chunk, so that it does not know what happens later in the stream; send a second one at the end of the
    stream (`agentobs.feedback_token()`) where model and degradation level must be exact.

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
        answer = Answer()
        held: list[Message] = []

        async def release() -> None:
            start = held.pop()
            added = [(name.lower().encode(), value.encode()) for name, value in self._minter.headers(answer)]
            await send({**start, "headers": [*start.get("headers", ()), *added]} if added else start)

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                held.append(message)
                if answer.run is not None:
                    await release()
                return
            if held:
                await release()
            await send(message)

        reset = ANSWER.set(answer)
        try:
            await self._app(scope, receive, sending)
        finally:
            ANSWER.reset(reset)
        if held:
            await release()


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
        started = _Started(start_response, self._minter)
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

    def __init__(self, start_response: Callable[..., Any], minter: _Minter) -> None:
        self.answer = Answer()
        self.released = False
        self._start_response = start_response
        self._minter = minter
        self._said: tuple[str, list[tuple[str, str]], Any] | None = None
        self._write: Callable[[bytes], object] | None = None

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        self._said = (status, headers, exc_info)
        if self.released or self.answer.run is not None:
            self.released = False
            self.release()
        return self.write

    def write(self, chunk: bytes) -> object:
        """The old way of sending a body, from inside the application."""
        self.release()
        return self._write(chunk) if self._write is not None else None

    def release(self) -> None:
        """Pass on what the application said, with the token where there is one."""
        if self.released or self._said is None:
            return
        self.released = True
        status, headers, exc_info = self._said
        headers = [*headers, *self._minter.headers(self.answer)]
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
