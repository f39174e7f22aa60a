"""Watching a stream to its end without standing in its way.

The program keeps the client library's own stream object. Two things behind it are replaced while it is open and put back
when it has ended, so that nothing of ours stays: the private iterator, and the byte stream of the one response. A chunk
costs a counter, a clock and one entry of a list; every 64 chunks the list is read and emptied, so that nothing is lost
however late it comes, and a stream of any length takes the memory of 64 chunks.
"""

from __future__ import annotations

from typing import Any

from .responses import watch_closing
from .watch import StandIn, Watch, clock

_BATCH = 64


class WatchedIterator(StandIn):
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


class WatchedAsyncIterator(StandIn):
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


def watch_stream(stream: Any, watch: Watch) -> None:
    """Watch a typed stream object of a client library.

    `_iterator` and `response` are attributes of the streams of all clients made by the same generator (openai,
    anthropic); anthropic's `_iterator` is made on first use, and once made it is an ordinary instance attribute.
    """
    content_type = str(stream.response.headers.get("content-type", "text/event-stream"))
    watch_closing(stream.response, watch, events=content_type.startswith("text/event-stream"))
    make = WatchedAsyncIterator if hasattr(stream, "__anext__") else WatchedIterator
    watch.replace(stream, "_iterator", make(stream._iterator, watch))
