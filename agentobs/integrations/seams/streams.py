"""Watching a stream to its end without standing in its way.

The program keeps the client library's own stream object. What is replaced is the private iterator behind it, and, on the
one response object of this call, `close` and (for raw responses only) the byte iterators. A chunk costs a counter, a
clock and one entry of a short ring; usage and finish reasons are read from the first and last chunks when it is over.

A stream ends once, with the first of: read to its end, an exception, closed by the program, dropped by it. Nothing here
keeps a stream or its response alive, because clients free a dropped stream's connection by reference counting.
"""

from __future__ import annotations

import time
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from ... import guard
from ...catalogue.values import StreamEnding
from ..deferred import collecting, defer
from ..observer import OpenCall

clock = time.perf_counter
_TAIL = 8
_KEPT_CHUNKS = 20_000
_KEPT_BYTES = 16 * 1024 * 1024

Finish = Callable[[OpenCall, list[Any], StreamEnding | None, BaseException | None, float], None]
"""Reads the chunks that were kept and ends the call: `(call, chunks, how the program left it, what was raised, when)`."""


class Watch:
    """The state of one stream: what is counted while it is read, and how it ended.

    It refers neither to the stream nor to its response, so it can be held by both.
    """

    __slots__ = (
        "busy",
        "call",
        "chunks",
        "ended_s",
        "ending",
        "finish",
        "first_s",
        "head",
        "kept",
        "last_s",
        "over",
        "tail",
    )

    def __init__(self, call: OpenCall, finish: Finish, keep_all: bool) -> None:
        self.call = call
        self.finish = finish
        self.busy = False
        self.over = False
        self.ending: StreamEnding | None = None
        self.ended_s = 0.0
        self.chunks = 0
        self.first_s = 0.0
        self.last_s = 0.0
        self.head: Any = None
        choices = call.request.parameters.get("choice_count")
        self.tail: deque[Any] = deque(maxlen=_TAIL + 2 * min(choices, 128) if type(choices) is int else _TAIL)
        self.kept: list[Any] | None = [] if keep_all else None

    def first(self, chunk: Any) -> None:
        self.first_s = self.last_s
        self.head = chunk

    def chunks_kept(self) -> list[Any]:
        """The chunks to read from: all of them under content capture, else the first and the last few."""
        if self.kept is not None and self.chunks <= _KEPT_CHUNKS:
            return self.kept
        newest = list(self.tail)
        return newest if self.head is None or any(chunk is self.head for chunk in newest) else [self.head, *newest]

    def complete(self) -> None:
        """The program has read the stream to its end."""
        self._end(None, None)

    def broken(self, error: BaseException) -> None:
        """Reading raised `error`."""
        self._end(None, error)

    def left(self, ending: StreamEnding) -> None:
        """The program left the stream early: `closed` it, or `dropped` it."""
        if self.over or self.busy:
            # While a chunk is being fetched, whoever fetches it sees how that ends.
            return
        if collecting():
            if self.ending is None:
                self.ending = ending
                self.ended_s = clock()
                defer(self)
            return
        self._end(ending, None)

    def settle(self) -> None:
        """End a stream whose end was put off."""
        self._end(self.ending, None)

    def _end(self, ending: StreamEnding | None, error: BaseException | None) -> None:
        if self.over:
            return
        self.over = True
        call = self.call
        try:
            call.chunks, call.first_chunk_s, call.last_chunk_s = self.chunks, self.first_s, self.last_s
            self.finish(call, self.chunks_kept(), ending, error, self.ended_s or clock())
        except Exception as fault:  # noqa: BLE001
            guard.failed("stream.end", fault)
        self.head = self.kept = None
        self.tail.clear()


class WatchedIterator:
    """Stands in for the iterator behind a synchronous stream."""

    __slots__ = ("_inner", "_next", "_watch")

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner = inner
        self._next = inner.__next__
        self._watch = watch

    def __iter__(self) -> WatchedIterator:
        return self

    def __next__(self) -> Any:
        watch = self._watch
        watch.busy = True
        try:
            chunk = self._next()
        except StopIteration:
            watch.complete()
            raise
        except BaseException as error:
            watch.broken(error)
            raise
        watch.busy = False
        watch.last_s = clock()
        watch.chunks += 1
        watch.tail.append(chunk)
        if watch.chunks == 1:
            watch.first(chunk)
        if watch.kept is not None and watch.chunks <= _KEPT_CHUNKS:
            watch.kept.append(chunk)
        return chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __del__(self) -> None:
        if not self._watch.over:
            self._watch.left("dropped")


class WatchedAsyncIterator:
    """Stands in for the iterator behind an asynchronous stream."""

    __slots__ = ("_inner", "_next", "_watch")

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner = inner
        self._next = inner.__anext__
        self._watch = watch

    def __aiter__(self) -> WatchedAsyncIterator:
        return self

    async def __anext__(self) -> Any:
        watch = self._watch
        watch.busy = True
        try:
            chunk = await self._next()
        except StopAsyncIteration:
            watch.complete()
            raise
        except BaseException as error:
            watch.broken(error)
            raise
        watch.busy = False
        watch.last_s = clock()
        watch.chunks += 1
        watch.tail.append(chunk)
        if watch.chunks == 1:
            watch.first(chunk)
        if watch.kept is not None and watch.chunks <= _KEPT_CHUNKS:
            watch.kept.append(chunk)
        return chunk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __del__(self) -> None:
        if not self._watch.over:
            self._watch.left("dropped")


class _OnResponse:
    """A method of one response, shadowed on the instance. It refers to the response weakly, so no cycle is made.

    The collector clears weak references before it closes the generators that call this; the response's own stream is
    then what there is left to close.
    """

    __slots__ = ("_response", "_stream", "_watch")

    def __init__(self, response: Any, watch: Watch) -> None:
        self._response: Callable[[], Any] = weakref.ref(response)
        self._stream: Any = getattr(response, "stream", None)
        self._watch = watch


class _Close(_OnResponse):
    __slots__ = ()

    def __call__(self) -> Any:
        response = self._response()
        try:
            return self._stream.close() if response is None else type(response).close(response)
        finally:
            self._watch.left("closed")


class _AsyncClose(_OnResponse):
    __slots__ = ()

    async def __call__(self) -> Any:
        response = self._response()
        try:
            return await (self._stream.aclose() if response is None else type(response).aclose(response))
        finally:
            self._watch.left("closed")


class Body:
    """What went over the byte iterators of a raw response, up to 16 MiB; `whole` is `False` beyond that."""

    __slots__ = ("_parts", "size", "whole")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.size = 0
        self.whole = True

    def add(self, part: bytes) -> None:
        self.size += len(part)
        if self.size <= _KEPT_BYTES:
            self._parts.append(part)
        else:
            self.whole = False

    def read(self) -> bytes:
        return b"".join(self._parts)


class _Bytes(_OnResponse):
    __slots__ = ("_body",)

    def __init__(self, response: Any, watch: Watch, body: Body) -> None:
        super().__init__(response, watch)
        self._body = body

    def _part(self, part: bytes) -> None:
        watch = self._watch
        watch.last_s = clock()
        watch.chunks += 1
        if watch.chunks == 1:
            watch.first_s = watch.last_s
        self._body.add(part)


class _IterBytes(_Bytes):
    __slots__ = ()

    def __call__(self, chunk_size: int | None = None) -> Iterator[bytes]:
        response, watch = self._response(), self._watch
        parts = type(response).iter_bytes(response, chunk_size)
        while True:
            watch.busy = True
            try:
                part = next(parts)
            except StopIteration:
                watch.complete()
                return
            except BaseException as error:
                watch.broken(error)
                raise
            watch.busy = False
            self._part(part)
            yield part


class _AsyncIterBytes(_Bytes):
    __slots__ = ()

    async def __call__(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        response, watch = self._response(), self._watch
        parts = type(response).aiter_bytes(response, chunk_size)
        while True:
            watch.busy = True
            try:
                part = await anext(parts)
            except StopAsyncIteration:
                watch.complete()
                return
            except BaseException as error:
                watch.broken(error)
                raise
            watch.busy = False
            self._part(part)
            yield part


def watch_stream(stream: Any, watch: Watch) -> None:
    """Watch a typed stream object of a client library.

    `_iterator` and `response` are attributes of the streams of all clients made by the same generator (openai,
    anthropic); anthropic's `_iterator` is made on first use, and once made it is an ordinary instance attribute.
    """
    if hasattr(stream, "__anext__"):
        stream._iterator = WatchedAsyncIterator(stream._iterator, watch)
        stream.response.aclose = _AsyncClose(stream.response, watch)
    else:
        stream._iterator = WatchedIterator(stream._iterator, watch)
        stream.response.close = _Close(stream.response, watch)


def watch_response(response: Any, watch: Watch, body: Body) -> None:
    """Watch the bytes of a response that the program reads itself (`with_streaming_response`, raw streams)."""
    response.iter_bytes = _IterBytes(response, watch, body)
    response.aiter_bytes = _AsyncIterBytes(response, watch, body)
    response.close = _Close(response, watch)
    response.aclose = _AsyncClose(response, watch)
