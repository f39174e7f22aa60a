"""Clients that tell of their calls by events, with a context of their own that is passed from one event to the next.

No event comes where the program interrupts a call (Ctrl-C); the call then ends when the library lets its context go. A
stream of events is watched on the instance: the program keeps the library's own object, of the same type.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, MutableMapping
from typing import Any

from ...catalogue.values import StreamEnding
from ...records.calls import CANCELLED, CallResult
from ..deferred import collecting, defer
from ..observer import Entered, OpenCall, State
from .answers import Asked, Calls, Exchange

_KEY = "agentobs"


class _Told:
    """What stands in the library's context while a call is made."""

    __slots__ = ("asked", "call", "entered", "observer")

    def __init__(self, asked: Any) -> None:
        self.asked = asked
        self.call: OpenCall | None = None
        self.entered: Entered | None = None
        self.observer: Any = None

    def __del__(self) -> None:
        if self.call is not None and self.entered is not None:
            self.observer.leave(self.entered)
            self.observer.end_call(self.call, CallResult(), CANCELLED)


class EventCalls(Calls):
    """Calls of which a library tells by events; `context` is what it passes along."""

    def asked(self, context: MutableMapping[str, Any], asked: Any) -> None:
        """The program asks for a call, in terms that `begin` is to be given."""
        context[_KEY] = _Told(asked)

    def begin(self, context: MutableMapping[str, Any], ask: Callable[[State, Any], Asked | None]) -> None:
        """The request is made from now on, in this context."""
        told = context.get(_KEY)
        if type(told) is not _Told or told.call is not None:
            return
        asked, told.asked = told.asked, None
        call = self.open(lambda state: ask(state, asked))
        if call is not None:
            told.observer = self.observer
            told.call, told.entered = call, self.observer.enter(call)

    def attempt(self, context: MutableMapping[str, Any]) -> None:
        """An attempt begins."""
        told = context.get(_KEY)
        if type(told) is _Told:
            self.next_attempt(told.call)

    def attempted(self, context: MutableMapping[str, Any], cause: str) -> None:
        """An attempt is over; if there is another, this was the cause."""
        told = context.get(_KEY)
        if type(told) is _Told and told.call is not None and type(told.call.owner) is Exchange:
            told.call.owner.cause = cause

    def over(self, context: MutableMapping[str, Any]) -> OpenCall | None:
        """The request is over; returns its call, for the caller to end."""
        told = context.pop(_KEY, None)
        if type(told) is not _Told or told.call is None or told.entered is None:
            return None
        call, told.call = told.call, None
        self.observer.leave(told.entered)
        return call


class _Watch:
    """The state of one event stream. It does not refer to the stream, so that it can be held by it."""

    __slots__ = ("_call", "_calls", "_ended_s", "_how")

    def __init__(self, calls: Calls, call: OpenCall) -> None:
        self._calls = calls
        self._call: OpenCall | None = call
        self._how: StreamEnding | None = None
        self._ended_s = 0.0

    def chunk(self, chunk: Any) -> None:
        if self._call is not None:
            self._call.chunk()
            self._calls.add(self._call, chunk)

    def complete(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._calls.ended(call, left=False)

    def broken(self, error: BaseException) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._calls.failed(call, error)

    def left(self, how: StreamEnding) -> None:
        if self._call is None or self._how is not None:
            return
        self._how, self._ended_s = how, time.perf_counter()
        if collecting():
            defer(self)
        else:
            self.settle()

    def settle(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._calls.ended(call, left=True, how=self._how, ended_s=self._ended_s)


class _Raw:
    """Stands in for the iterator over a stream's undecoded events: sees its end, its breaking, and its being dropped."""

    __slots__ = ("_inner", "_watch")

    def __init__(self, inner: Any, watch: _Watch) -> None:
        self._inner = inner
        self._watch = watch

    def __iter__(self) -> _Raw:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._inner)
        except StopIteration:
            self._watch.complete()
            raise
        except BaseException as error:
            self._watch.broken(error)
            raise

    def __aiter__(self) -> _Raw:
        return self

    async def __anext__(self) -> Any:
        try:
            return await anext(self._inner)
        except StopAsyncIteration:
            self._watch.complete()
            raise
        except BaseException as error:
            self._watch.broken(error)
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def __del__(self) -> None:
        self._watch.left("dropped")


class _Parse:
    """Stands in for a stream's decoding of one event: sees what the program gets, and the error that an event can be."""

    __slots__ = ("_stream", "_watch")

    def __init__(self, stream: Any, watch: _Watch) -> None:
        self._stream: Callable[[], Any] = weakref.ref(stream)
        self._watch = watch

    def __call__(self, event: Any) -> Any:
        stream = self._stream()
        try:
            parsed = type(stream)._parse_event(stream, event)
        except BaseException as error:
            self._watch.broken(error)
            raise
        if parsed:
            self._watch.chunk(parsed)
        return parsed


class _Close:
    __slots__ = ("_stream", "_watch")

    def __init__(self, stream: Any, watch: _Watch) -> None:
        self._stream: Callable[[], Any] = weakref.ref(stream)
        self._watch = watch

    def __call__(self) -> Any:
        stream = self._stream()
        try:
            return type(stream).close(stream)
        finally:
            self._watch.left("closed")


def watch_events(stream: Any, calls: Calls, call: OpenCall) -> None:
    """Watch a botocore event stream to its end.

    `_event_generator`, `_parse_event` and `close` are shadowed on this one instance; none of them is shown by `dir`
    otherwise than before.
    """
    watch = _Watch(calls, call)
    stream._event_generator = _Raw(stream._event_generator, watch)
    stream._parse_event = _Parse(stream, watch)
    stream.close = _Close(stream, watch)
