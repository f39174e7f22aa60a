"""Watching a stream to its end without standing in its way.

The program keeps the client library's own stream object. Two things behind it are replaced while it is open and put back
when it has ended, so that nothing of ours stays: the private iterator, and the byte stream of the one response. A chunk
costs a counter, a clock and one entry of a list; every 64 chunks the list is read and emptied, so that nothing is lost
however late it comes, and a stream of any length takes the memory of 64 chunks.

A stream ends once, with the first of: read to its end, an exception, closed by the program, dropped by it. Nothing here
keeps a stream or its response alive, because clients free a dropped stream's connection by reference counting.
"""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable
from typing import Any

from ... import guard
from ...catalogue.values import StreamEnding
from ..deferred import collecting, defer
from ..observer import OpenCall

clock = time.perf_counter
_BATCH = 64
_KEPT_BYTES = 16 * 1024 * 1024

Finish = Callable[["Watch", "StreamEnding | None", "BaseException | None", float], None]
"""Ends the call of a watch: `(watch, how the program left it, what was raised, when)`."""


class Watch:
    """The state of one stream: what is counted while it is read, and how it ended.

    It refers neither to the stream nor to its response, so it can be held by both.

    Attributes:
        call: the call whose answer it is.
        read: takes the chunks that have come since it was last called; `None` where bytes are watched.
        body: the bytes that went by, where they are kept.
        marked: whether the library stopped reading before the bytes ended, because the stream's end marker had come.
    """

    __slots__ = (
        "body",
        "busy",
        "call",
        "chunks",
        "ended_s",
        "ending",
        "finish",
        "first_s",
        "last_s",
        "marked",
        "newest",
        "over",
        "read",
        "replaced",
        "shadowed",
    )

    def __init__(self, call: OpenCall, finish: Finish, read: Callable[[list[Any]], None] | None) -> None:
        self.call = call
        self.finish = finish
        self.read = read
        self.body: Body | None = None
        self.busy = False
        self.over = False
        self.marked = False
        self.ending: StreamEnding | None = None
        self.ended_s = 0.0
        self.chunks = 0
        self.first_s = 0.0
        self.last_s = 0.0
        self.newest: list[Any] = []
        self.replaced: list[tuple[Callable[[], Any], str, Callable[[], Any]]] = []
        self.shadowed: list[tuple[Callable[[], Any], str]] = []

    def replace(self, thing: Any, name: str, stand_in: _StandIn) -> None:
        """Set an attribute of `thing`, until the end of the stream."""
        self.replaced.append((weakref.ref(thing), name, weakref.ref(stand_in)))
        setattr(thing, name, stand_in)

    def shadow(self, response: Any, name: str, method: Callable[[], Any]) -> None:
        """Set a method on this one response, until the end of the stream."""
        self.shadowed.append((weakref.ref(response), name))
        setattr(response, name, method)

    def came(self) -> None:
        """Read what has come since the last time: after the first chunk, every 64 chunks and at the end."""
        if self.chunks == 1:
            self.first_s = self.last_s
            if self.read is not None:
                # It is a stream after all, whatever its content type says (Bedrock has one of its own).
                self.body = None
        newest, self.newest = self.newest, []
        try:
            if self.read is not None and newest:
                self.read(newest)
        except Exception as fault:  # noqa: BLE001
            guard.failed("stream.read", fault)

    def complete(self) -> None:
        """The program has read the stream to its end."""
        self._end(None, None)

    def broken(self, error: BaseException) -> None:
        """Reading raised `error`."""
        self._end(None, error)

    def closed(self) -> None:
        """The response was closed, by the program or by its library.

        A helper of the library that refuses what it has read (`LengthFinishReasonError`) raises out of the `with` block
        of its stream, and the block's end closes the stream: the library's exception is how the call ended. An exception
        of the program's is not.
        """
        error = sys.exception()
        if error is not None and not self.over and not self.busy and _refuses(error):
            self._end(None, error)
        else:
            self.left("closed")

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
            self.came()
            self._put_back()
            call.chunks, call.first_chunk_s, call.last_chunk_s = self.chunks, self.first_s, self.last_s
            self.finish(self, ending, error, self.ended_s or clock())
        except Exception as fault:  # noqa: BLE001
            guard.failed("stream.end", fault)
        self.body = None

    def _put_back(self) -> None:
        replaced, self.replaced = self.replaced, []
        for thing_of, name, stand_in_of in replaced:
            thing = thing_of()
            current = getattr(thing, name, None)
            if isinstance(current, _StandIn) and current is stand_in_of():
                setattr(thing, name, current.inner)
        shadowed, self.shadowed = self.shadowed, []
        for response_of, name in shadowed:
            response = response_of()
            if response is not None:
                vars(response).pop(name, None)


def _refuses(error: BaseException) -> bool:
    """Whether `error` is a client library's way of refusing an answer that came whole."""
    return any(base.__name__ in _REFUSALS for base in type(error).__mro__)


_REFUSALS = frozenset({"LengthFinishReasonError", "ContentFilterFinishReasonError"})


class _StandIn:
    """Looks like what it stands in for: its class, its attributes, what it says of itself, and that it is not copied."""

    __slots__ = ("__weakref__", "_inner", "_watch")

    def __init__(self, inner: Any, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    @property
    def inner(self) -> Any:
        """What it stands in for."""
        return self._inner

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._inner)

    def __repr__(self) -> str:
        return repr(self._inner)

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._inner.__reduce_ex__(protocol)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class WatchedIterator(_StandIn):
    """Stands in for the iterator behind a synchronous stream."""

    __slots__ = ("_next",)

    def __init__(self, inner: Any, watch: Watch) -> None:
        super().__init__(inner, watch)
        self._next = inner.__next__

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
        watch.newest.append(chunk)
        if watch.chunks % _BATCH == 1:
            watch.came()
        return chunk

    def __del__(self) -> None:
        if not self._watch.over:
            self._watch.left("dropped")


class WatchedAsyncIterator(_StandIn):
    """Stands in for the iterator behind an asynchronous stream."""

    __slots__ = ("_next",)

    def __init__(self, inner: Any, watch: Watch) -> None:
        super().__init__(inner, watch)
        self._next = inner.__anext__

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
        watch.newest.append(chunk)
        if watch.chunks % _BATCH == 1:
            watch.came()
        return chunk

    def __del__(self) -> None:
        if not self._watch.over:
            self._watch.left("dropped")


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


class _Bytes(_StandIn):
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


def watch_stream(stream: Any, watch: Watch) -> None:
    """Watch a typed stream object of a client library.

    `_iterator` and `response` are attributes of the streams of all clients made by the same generator (openai,
    anthropic); anthropic's `_iterator` is made on first use, and once made it is an ordinary instance attribute.
    What is no event stream (a page, an error) gives no chunks: then its bytes are kept, to see what it says.
    """
    response = stream.response
    if not str(response.headers.get("content-type", "text/event-stream")).startswith("text/event-stream"):
        watch.body = Body(_decoder(response))
    watch.replace(response, "stream", _Bytes(response.stream, watch))
    if response.is_closed:
        # A transport that has its answers in memory: such a response does not ask its bytes to close any more.
        watch.shadow(response, "close", _Close(response, watch))
        watch.shadow(response, "aclose", _AsyncClose(response, watch))
    make = WatchedAsyncIterator if hasattr(stream, "__anext__") else WatchedIterator
    watch.replace(stream, "_iterator", make(stream._iterator, watch))


def watch_response(response: Any, watch: Watch) -> None:
    """Watch the bytes of a response that the program reads itself (`with_streaming_response`, raw streams)."""
    watch.body = Body(_decoder(response))
    watch.replace(response, "stream", _Bytes(response.stream, watch))
