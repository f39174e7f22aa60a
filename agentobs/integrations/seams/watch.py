"""The state of one stream: what is counted while it is read, and how it ended.

A stream ends once, with the first of: read to its end, an exception, closed by the program, dropped by it. Nothing here
keeps a stream or its response alive, because clients free a dropped stream's connection by reference counting.
"""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ... import guard
from ...catalogue.values import StreamEnding
from ..deferred import collecting, defer
from ..observer import OpenCall

if TYPE_CHECKING:
    from .responses import Body

clock = time.perf_counter

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

    def replace(self, thing: Any, name: str, stand_in: StandIn) -> None:
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
            if isinstance(current, StandIn) and current is stand_in_of():
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


class StandIn:
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
