"""pybreaker, observed where the program has it: state, guarded calls by outcome, rejected ones, transitions.

Rejected calls reach no listener, exclusions are told as successes, and listeners that raise break the program's call, so
the private seams below are wrapped instead (facts read in pybreaker 1.4.1): `_handle_success` and `_handle_error` of the
states see every outcome, `CircuitOpenState.before_call` every rejection, the `state` setter every transition.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import weakref
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from ... import guard
from ...catalogue.values import BreakerOutcome, BreakerState
from ...records.breakers import BreakerChange, BreakerReading
from ..deferred import defer, drain
from ..observer import Observer
from ..patching import Installed, Patch

LIBRARY = "pybreaker"
_STATES: dict[str, BreakerState] = {"closed": "closed", "open": "open", "half-open": "half_open"}
_MAX_WARNED = 100


class _Known:
    """What is kept of one breaker: how many failures in a row were seen.

    The breaker's own counter is not read in a call: with Redis storage that is a round trip.
    """

    __slots__ = ("failures",)

    def __init__(self) -> None:
        self.failures = 0


def _name(breaker: Any) -> str:
    return breaker._name or "default"


def _references(breaker: Any) -> tuple[int, int]:
    """How many references there are to a breaker and to its state, as far as this Python counts them."""
    count: Callable[[object], int] = getattr(sys, "getrefcount", lambda _: 0)
    return count(breaker), count(breaker._state)


def _unreachable(reference: weakref.ref[Any]) -> bool:
    """Whether nothing but its own state refers to a breaker any more, or the collector has found it."""
    breaker = reference()
    return breaker is None or _references(breaker) == _ALONE


def _alone() -> tuple[int, int]:
    """What `_references` tells `_unreachable` of a breaker that only its state refers to."""
    breaker, state = _Stand(), _Stand()
    breaker._state, state._breaker = state, breaker
    del state
    return _references(breaker) if hasattr(sys, "getrefcount") else (-1, -1)


class _Stand:
    """Stands for a breaker and for its state."""

    _breaker: Any
    _state: Any


_ALONE = _alone()


def _read_redis(breaker: Any, storage: Any) -> BreakerReading | None:
    """What Redis has. The storage itself would log every error, and say `closed` of what it does not know."""
    try:
        state, failures, opened = (
            storage._redis.get(storage._namespace(key)) for key in ("state", "fail_counter", "opened_at")
        )
    except Exception:  # noqa: BLE001  Redis is away, or takes too long
        return None
    if state is None:
        return None
    known = _STATES.get(state.decode() if isinstance(state, bytes) else state, "closed")
    opened_at = datetime.fromtimestamp(int(opened), UTC) if opened else None
    return _reading(breaker, known, int(failures or 0), opened_at)


def _reading(breaker: Any, state: BreakerState, failures: int, opened_at: datetime | None) -> BreakerReading:
    trial_at_s = None
    if state == "open" and opened_at is not None:
        trial_at_s = opened_at.timestamp() + breaker._reset_timeout
    return BreakerReading(_name(breaker), state, failures, breaker._fail_max, trial_at_s)


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch the `pybreaker` module, and take up the breakers that were made before."""
    breakers = PyBreaker(observer)
    installed = Installed(breakers.patches(module))
    breakers.meet(module)
    return installed


class PyBreaker:
    """The patches of pybreaker."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._known: weakref.WeakKeyDictionary[Any, _Known] = weakref.WeakKeyDictionary()
        self._inside = threading.local()
        self._warned: set[str] = set()

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """The patches for the `pybreaker` module."""
        breaker, state = module.CircuitBreaker, module.CircuitBreakerState
        yield Patch.wrap(breaker, "__init__", self._made)
        yield Patch.wrap(breaker, "call", self._call)
        yield Patch(breaker, "state", self._state)
        yield Patch.wrap(state, "_handle_success", self._success)
        yield Patch.wrap(state, "_handle_error", self._error)
        yield Patch.wrap(module.CircuitOpenState, "before_call", self._rejected)

    def meet(self, module: ModuleType) -> None:
        """Take up the breakers that were made before agentobs was there."""
        classes = [module.CircuitBreaker]
        for cls in classes:
            classes.extend(cls.__subclasses__())
        references = [
            weakref.ref(candidate)
            for candidate in gc.get_referrers(*classes)
            if type(candidate) in classes and "_state" in vars(candidate)
        ]
        for reference in references:
            self._guarded(self._take_up, reference)

    def _take_up(self, reference: weakref.ref[Any]) -> None:
        if not _unreachable(reference) and (breaker := reference()) is not None:
            self._meet(breaker)

    def _guarded(self, work: Callable[..., Any], *args: Any) -> None:
        try:
            work(*args)
        except Exception as error:  # noqa: BLE001
            guard.failed("breaker", error)

    def _meet(self, breaker: Any) -> _Known:
        known = self._known.get(breaker)
        if known is None:
            drain()
            known = self._known[breaker] = _Known()
        watched = self._observer.watch_breaker(breaker, self)
        if watched is not None and watched.new:
            watched.new = False
            # A breaker and its state refer to each other, so it is the collector that finds it, whenever it comes: a
            # reader of the levels looks before that. A breaker in a cycle of the program's is found by the collector.
            weakref.finalize(breaker, defer, watched).atexit = False
            if breaker._name is not None:
                # One that has no name yet may get it before its first call.
                self._show(breaker, known)
        return known

    def _show(self, breaker: Any, known: _Known) -> None:
        """Tell how a breaker stands, by what is known here without asking its storage."""
        watched = self._observer.watch_breaker(breaker, self)
        if watched is not None:
            state = _STATES.get(breaker._state.name, "closed")
            opened_at = None if self.is_remote(breaker) else breaker._state_storage.opened_at
            if state == "open" and opened_at is None:
                opened_at = datetime.now(UTC)
            self._observer.show_breaker(watched, _reading(breaker, state, known.failures, opened_at))

    # --- what the levels are read by ---
    def read(self, breaker: Any) -> BreakerReading | None:
        """How a breaker stands by its storage; `None` where that does not say."""
        storage = breaker._state_storage
        if type(storage).__name__ == "CircuitRedisStorage":
            return _read_redis(breaker, storage)
        state = _STATES.get(storage.state, "closed")
        return _reading(breaker, state, storage.counter, storage.opened_at if state == "open" else None)

    def is_remote(self, breaker: Any) -> bool:
        """Whether the storage is another than pybreaker's own in memory."""
        return type(breaker._state_storage).__name__ != "CircuitMemoryStorage"

    def is_gone(self, reference: weakref.ref[Any]) -> bool:
        """Whether nothing but its own state refers to it."""
        return _unreachable(reference)

    def _count(self, breaker: Any, outcome: BreakerOutcome) -> None:
        known = self._meet(breaker)
        if breaker._name is None and "name" not in self._warned:
            self._warned.add("name")
            guard.log.warning(
                "agentobs: a pybreaker.CircuitBreaker has no name and is shown as 'default'; give it name=..."
            )
        if outcome == "failure":
            known.failures += 1
        elif outcome != "rejected":
            # pybreaker takes an excluded exception for a success, which ends the row of failures.
            known.failures = 0
        self._observer.breaker_call(_name(breaker), outcome)
        self._show(breaker, known)

    def _change(self, breaker: Any, previous: str | None) -> None:
        known = self._meet(breaker)
        state = _STATES.get(breaker._state.name)
        before = _STATES.get(previous or "")
        if state is None or state == before:
            return
        if state == "closed":
            known.failures = 0
        self._show(breaker, known)
        self._observer.breaker_change(BreakerChange(_name(breaker), state, before, LIBRARY, known.failures))

    # --- wrappers ---
    def _made(self, wrapped: Any, breaker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = wrapped(*args, **kwargs)
        self._guarded(self._meet, breaker)
        return result

    def _call(self, wrapped: Any, breaker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if args and asyncio.iscoroutinefunction(args[0]):
            self._guarded(self._warn_of_coroutine, breaker)
        return wrapped(*args, **kwargs)

    def _warn_of_coroutine(self, breaker: Any) -> None:
        name = _name(breaker)
        if name not in self._warned and len(self._warned) < _MAX_WARNED:
            self._warned.add(name)
            guard.log.warning(
                "agentobs: breaker %r is called with a coroutine function, which pybreaker counts as a success before it "
                "has run; use `with breaker.calling(): await ...`",
                name,
            )

    def _success(self, wrapped: Any, state: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        handling = getattr(self._inside, "error", None)
        if handling is not None and handling[0] is state:
            handling[1].append("ignored")
            return wrapped(*args, **kwargs)
        try:
            return wrapped(*args, **kwargs)
        finally:
            self._guarded(self._count, state._breaker, "success")

    def _error(self, wrapped: Any, state: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # The error handler calls the success handler for excluded exceptions; asking `is_system_error` here would run
        # the program's own exclusion functions a second time.
        outer = getattr(self._inside, "error", None)
        outcomes: list[BreakerOutcome] = []
        self._inside.error = (state, outcomes)
        try:
            return wrapped(*args, **kwargs)
        finally:
            self._inside.error = outer
            self._guarded(self._count, state._breaker, outcomes[0] if outcomes else "failure")

    def _rejected(self, wrapped: Any, state: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return wrapped(*args, **kwargs)
        except Exception as error:
            # Raised by `before_call` itself, not by the trial call that it may go on to make.
            frame = error.__traceback__.tb_next if error.__traceback__ is not None else None
            if type(error).__name__ == "CircuitBreakerError" and frame is not None and frame.tb_next is None:
                self._guarded(self._count, state._breaker, "rejected")
            raise

    def _state(self, original: property) -> property:
        fset: Callable[[Any, str], None] = original.fset  # type: ignore[assignment]

        def set_state(breaker: Any, state: str) -> None:
            previous = getattr(getattr(breaker, "_state", None), "name", None)
            try:
                fset(breaker, state)
            finally:
                self._guarded(self._change, breaker, previous)

        return property(original.fget, set_state, original.fdel, original.__doc__)
