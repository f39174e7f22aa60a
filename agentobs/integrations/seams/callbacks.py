"""Libraries that call back when a call is over, at times of their own clock and in whatever thread they like.

Where the request begins and ends, a library says by other means; calls that a client below makes meanwhile are part of
this one. A call of which no callback ever comes (a stream that was broken off, a task that was cancelled) is over when
the library lets go of the object that stands for it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from ... import guard
from ...records.calls import ABANDONED, CANCELLED, SUCCESS, CallEnding
from ..apis.answer import Answer
from ..deferred import WAITING, defer, drain
from ..errors import ending_of
from ..observer import Entered, Observer, OpenCall, State


class _Told:
    """A call under way, as far as it must be found again from a callback."""

    __slots__ = ("_observer", "call", "entered")

    def __init__(self, observer: Observer, call: OpenCall) -> None:
        self._observer = observer
        self.call = call
        self.entered: Entered | None = None

    def settle(self) -> None:
        """End it, of which no callback came."""
        call = self.call
        call.covers = False
        answer: Answer = call.owner
        self._observer.end_call(call, answer.result, ABANDONED if call.request.stream else CANCELLED)


class CallbackCalls:
    """The calls of one library, by its own keys; `package` is where its code is."""

    def __init__(self, observer: Observer, package: str) -> None:
        self._observer = observer
        self._package = package
        self._calls: dict[Any, _Told] = {}

    def begin(self, key: Any, thing: Any, ask: Callable[[State], Answer | None], started_ns: int) -> None:
        """The request of the call that `thing` stands for is made from now on, in this context."""
        try:
            if WAITING:
                drain()
            told = self._calls.get(key)
            if told is not None:
                told.entered = self._observer.cover(told.call)
                return
            state = self._observer.ready()
            answer = None if state is None else ask(state)
            if answer is None:
                return
            call = self._observer.open_call(answer.request, started_ns=started_ns, covers=self._package, owner=answer)
            if call is None:
                return
            told = self._calls[key] = _Told(self._observer, call)
            told.entered = self._observer.cover(call)
            weakref.finalize(thing, self._gone, key).atexit = False
        except Exception as error:  # noqa: BLE001
            guard.failed("call.open", error)

    def requested(self, key: Any) -> None:
        """The request is over, in the context in which it was made."""
        told = self._calls.get(key)
        if told is not None and told.entered is not None:
            entered, told.entered = told.entered, None
            self._observer.leave(entered)

    def answered(self, key: Any, read: Callable[[Answer], None], ended_s: float) -> None:
        """The answer came; `read` reads it. `ended_s` is when, in seconds of the epoch."""
        told = self._calls.pop(key, None)
        if told is None:
            return
        answer: Answer = told.call.owner
        try:
            read(answer)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.read", error)
        self._end(told.call, answer.ending or SUCCESS, ended_s)

    def failed(self, key: Any, error: BaseException, ended_s: float) -> None:
        """The call failed."""
        told = self._calls.pop(key, None)
        if told is not None:
            self._end(told.call, ending_of(error), ended_s)

    def _end(self, call: OpenCall, ending: CallEnding, ended_s: float) -> None:
        call.covers = False
        duration_s = max(0.0, ended_s - call.started_ns / 1e9)
        answer: Answer = call.owner
        self._observer.end_call(call, answer.result, ending, call.started_s + duration_s)

    def _gone(self, key: Any) -> None:
        told = self._calls.pop(key, None)
        if told is not None:
            # The library may let go of it anywhere, with any lock taken.
            defer(told)
