"""The bytes of one response, watched without standing in their way: that they are closed, and what goes by.

The byte stream behind the response is replaced while it is open and put back when it has ended.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from .watch import StandIn, Watch, clock

_KEPT_BYTES = 16 * 1024 * 1024


class Body:
    """What went over a raw response, up to 16 MiB as it was sent; `whole` is `False` beyond that.

    `decode` undoes the response's content encoding.
    """

    __slots__ = ("_decode", "_parts", "size", "whole")

    def __init__(self, decode: Callable[[bytes], bytes]) -> None:
        self._decode = decode
        self._parts: list[bytes] = []
        self.size = 0
        self.whole = True

    def add(self, part: bytes) -> None:
        """Keep a part."""
        self.size += len(part)
        if self.size <= _KEPT_BYTES:
            self._parts.append(part)
        else:
            self.whole = False

    def read(self) -> bytes:
        """All of it, decoded as far as it came."""
        return self._decode(b"".join(self._parts))


def _decoder(response: Any) -> Callable[[bytes], bytes]:
    """Decodes by the HTTP library's own means, since it knows which encodings it asked for."""
    make, encoding = type(response), response.headers.get("content-encoding")
    if not encoding:
        return bytes
    return lambda body: make(200, headers={"content-encoding": encoding}, content=body).content


class _Bytes(StandIn):
    """Stands in for the byte stream of a response: sees that it is closed, and what goes by where that is asked for.

    `stream_observer` is what anthropic looks for on the byte stream at every chunk; it must not cost a lookup here.
    """

    __slots__ = ("_reading", "stream_observer")

    def __init__(self, inner: Any, watch: Watch) -> None:
        super().__init__(inner, watch)
        self._reading: Callable[[], Any] | None = None
        self.stream_observer = getattr(inner, "stream_observer", None)

    def _begin(self, iterator: Any) -> Any:
        if self._watch.body is not None:
            return (_PartsAsync if hasattr(iterator, "__anext__") else _Parts)(iterator, self._watch)
        if self._reading is None:
            try:
                self._reading = weakref.ref(iterator)
            except TypeError:
                self._reading = None
        return iterator

    def __iter__(self) -> Any:
        return self._begin(iter(self._inner))

    def __aiter__(self) -> Any:
        return self._begin(aiter(self._inner))

    def _note_end(self) -> None:
        """A library that closes in the middle of reading has seen the stream's end marker, or left the rest."""
        iterator = None if self._reading is None else self._reading()
        frame = getattr(iterator, "gi_frame", None) or getattr(iterator, "ag_frame", None)
        if frame is not None and self._watch.busy:
            self._watch.marked = True

    def close(self) -> Any:
        self._note_end()
        try:
            return self._inner.close()
        finally:
            self._watch.closed()

    async def aclose(self) -> Any:
        self._note_end()
        try:
            return await self._inner.aclose()
        finally:
            self._watch.closed()


class _Close:
    """`close` of one response. It refers to the response weakly, so no cycle is made."""

    __slots__ = ("_response", "_watch")

    def __init__(self, response: Any, watch: Watch) -> None:
        self._response: Callable[[], Any] = weakref.ref(response)
        self._watch = watch

    def __call__(self) -> Any:
        response = self._response()
        try:
            return None if response is None else type(response).close(response)
        finally:
            self._watch.closed()


class _AsyncClose(_Close):
    """`aclose` of one response."""

    __slots__ = ()

    async def __call__(self) -> Any:
        response = self._response()
        try:
            return None if response is None else await type(response).aclose(response)
        finally:
            self._watch.closed()


class _Parts:
    """Bytes that go by and are kept."""

    __slots__ = ("_iterator", "_watch")

    def __init__(self, iterator: Any, watch: Watch) -> None:
        self._iterator = iterator
        self._watch = watch

    def __iter__(self) -> _Parts:
        return self

    def __next__(self) -> Any:
        watch = self._watch
        own = watch.read is None
        watch.busy = own or watch.busy
        try:
            part = next(self._iterator)
        except StopIteration:
            if own:
                watch.complete()
            raise
        except BaseException as error:
            if own:
                watch.broken(error)
            raise
        _keep(watch, part, own)
        return part


class _PartsAsync:
    """The same, asynchronous."""

    __slots__ = ("_iterator", "_watch")

    def __init__(self, iterator: Any, watch: Watch) -> None:
        self._iterator = iterator
        self._watch = watch

    def __aiter__(self) -> _PartsAsync:
        return self

    async def __anext__(self) -> Any:
        watch = self._watch
        own = watch.read is None
        watch.busy = own or watch.busy
        try:
            part = await anext(self._iterator)
        except StopAsyncIteration:
            if own:
                watch.complete()
            raise
        except BaseException as error:
            if own:
                watch.broken(error)
            raise
        _keep(watch, part, own)
        return part


def _keep(watch: Watch, part: bytes, own: bool) -> None:
    if own:
        watch.busy = False
        watch.last_s = clock()
        watch.chunks += 1
        if watch.chunks == 1:
            watch.first_s = watch.last_s
    if watch.body is not None:
        watch.body.add(part)


def watch_response(response: Any, watch: Watch) -> None:
    """Watch the bytes of a response that the program reads itself (`with_streaming_response`, raw streams)."""
    watch.body = Body(_decoder(response))
    watch.replace(response, "stream", _Bytes(response.stream, watch))


def watch_closing(response: Any, watch: Watch, *, events: bool) -> None:
    """Watch the response behind a stream object for its end; without `events` its bytes are kept too.

    What is no event stream (a page, an error) gives no chunks: its bytes tell what it is.
    """
    if not events:
        watch.body = Body(_decoder(response))
    watch.replace(response, "stream", _Bytes(response.stream, watch))
    if response.is_closed:
        # A transport that has its answers in memory: such a response does not ask its bytes to close any more.
        watch.shadow(response, "close", _Close(response, watch))
        watch.shadow(response, "aclose", _AsyncClose(response, watch))
