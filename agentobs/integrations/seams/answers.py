"""What the adapters share: a model call, the answer that is read part by part, its attempts, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from ... import guard
from ...catalogue.values import StreamEnding
from ...records.calls import ABANDONED, INCOMPLETE_STREAM, SUCCESS, CallEnding, CallRequest, CallResult
from ...records.fallbacks import Retry
from ..deferred import WAITING, drain
from ..errors import ending_of
from ..observer import Observer, OpenCall, State


class Accumulator(Protocol):
    """What one API's answer says so far, fed with its chunks; a whole answer is one chunk."""

    ending: CallEnding | None
    """How the call ended, where the answer itself says that it failed."""

    @property
    def complete(self) -> bool:
        """Whether the provider said that the answer is whole."""

    def add(self, chunk: Any) -> None:
        """Take up one chunk."""

    def result(self) -> CallResult:
        """What is known."""


class Asked(NamedTuple):
    """A model call that is about to be made, and what will read its answer."""

    request: CallRequest
    answer: Accumulator


class Exchange:
    """What an open call keeps: how its answer is read, and what its last attempt failed with."""

    __slots__ = ("answer", "cause")

    def __init__(self, answer: Accumulator) -> None:
        self.answer = answer
        self.cause: str | None = None


class Calls:
    """The stages of the calls of one library; each is guarded.

    Args:
        observer: where everything is told.
        parse: makes what answers read of what the library returns or yields.
        end: how a call ended that raised this.
        cause: what a failed attempt got: its HTTP status, else timeout or connection.
    """

    def __init__(
        self,
        observer: Observer,
        parse: Callable[[Any], Any],
        end: Callable[[BaseException], CallEnding] = ending_of,
        cause: Callable[[BaseException], str] | None = None,
    ) -> None:
        self.observer = observer
        self._parse = parse
        self._end = end
        self._cause = cause

    def open(self, ask: Callable[[State], Asked | None]) -> OpenCall | None:
        """Open the call that is about to be made, as `ask` reads it; `None` where there is nothing to observe."""
        try:
            if WAITING:
                drain()
            state = self.observer.ready()
            asked = None if state is None else ask(state)
            if asked is None:
                return None
            return self.observer.open_call(asked.request, owner=Exchange(asked.answer))
        except Exception as error:  # noqa: BLE001
            guard.failed("call.open", error)
            return None

    def answered(self, call: OpenCall, answer: Any) -> None:
        """The whole answer came."""
        self.add(call, answer)
        self._finish(call, SUCCESS)

    def add(self, call: OpenCall, chunk: Any) -> None:
        """A part of the answer came."""
        try:
            call.owner.answer.add(self._parse(chunk))
        except Exception as error:  # noqa: BLE001
            guard.failed("call.read", error)

    def failed(self, call: OpenCall, error: BaseException, ended_s: float = 0.0) -> None:
        """The call raised `error`."""
        try:
            ending = self._end(error)
        except Exception as fault:  # noqa: BLE001
            guard.failed("call.failed", fault)
            ending = ending_of(error)
        self._finish(call, ending, ended_s)

    def ended(self, call: OpenCall, *, left: bool, how: StreamEnding | None = None, ended_s: float = 0.0) -> None:
        """The stream is at its end, or the program has `left` it, in a way that may be known."""
        if call.owner.answer.complete:
            ending = SUCCESS
        elif left:
            ending = ABANDONED if how is None else CallEnding("abandoned", how)
        else:
            ending = INCOMPLETE_STREAM
        self._finish(call, ending, ended_s)

    def _finish(self, call: OpenCall, ending: CallEnding, ended_s: float = 0.0) -> None:
        exchange: Exchange = call.owner
        result = CallResult()
        try:
            result = exchange.answer.result()
            if ending is SUCCESS:
                ending = exchange.answer.ending or SUCCESS
        except Exception as error:  # noqa: BLE001
            guard.failed("call.read", error)
        self.observer.end_call(call, result, ending, ended_s)

    def next_attempt(self, call: OpenCall | None) -> Exchange | None:
        """An attempt of `call` begins; if one failed before, this makes it a retry."""
        if call is None or type(call.owner) is not Exchange:
            return None
        exchange = call.owner
        if exchange.cause is not None:
            cause, exchange.cause = exchange.cause, None
            self.observer.attempt_failed(call, Retry(cause))
        return exchange

    def attempt_failed(self, exchange: Exchange | None, error: BaseException) -> None:
        """An attempt raised `error`; whether there is another is not known yet."""
        if exchange is None or self._cause is None:
            return
        try:
            exchange.cause = self._cause(error)
        except Exception as fault:  # noqa: BLE001
            guard.failed("call.retry", fault)
