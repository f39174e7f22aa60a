"""circuitbreaker, observed where the program has it: state, guarded calls by outcome, rejected ones, transitions.

The library has no listeners (facts read in 2.1.3): `__exit__` sees the end of every guarded call, whatever was guarded
(a function, coroutine or generator, or a `with` block); a decorated function asks `opened` and then raises, or answers by
`fallback_function` without a word; `half_open` is no state of its own but an open breaker whose time is over.
"""

from __future__ import annotations

import sys
import time
import weakref
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

from ... import guard
from ...catalogue.values import BreakerOutcome, BreakerState
from ...records.breakers import BreakerChange, BreakerReading
from ..deferred import defer, drain
from ..observer import Observer
from ..patching import Installed, Patch

LIBRARY = "circuitbreaker"
_STATES: dict[str, BreakerState] = {"closed": "closed", "open": "open", "half_open": "half_open"}
_DECORATED = frozenset({"wrapper", "gen_wrapper", "awrapper", "gen_awrapper"})
"""Names of the functions that stand for a decorated one in the library; only these ask `opened` to turn a call away."""


class _Known:
    """What is kept of one breaker: the state that was told last."""

    __slots__ = ("state",)

    def __init__(self, state: BreakerState) -> None:
        self.state = state


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch the `circuitbreaker` module, and take up the breakers that guard something already."""
    breakers = CircuitBreakers(module, observer)
    installed = Installed(breakers.patches())
    breakers.meet()
    return installed


class CircuitBreakers:
    """The patches of circuitbreaker."""

    def __init__(self, module: ModuleType, observer: Observer) -> None:
        self._module = module
        self._observer = observer
        self._known: weakref.WeakKeyDictionary[Any, _Known] = weakref.WeakKeyDictionary()

    def patches(self) -> Iterable[Patch]:
        """The patches, in the order in which they are applied."""
        breaker = self._module.CircuitBreaker
        yield Patch.wrap(breaker, "decorate", self._decorate)
        yield Patch.wrap(breaker, "__enter__", self._enter)
        yield Patch.wrap(breaker, "__exit__", self._exit)
        yield Patch.wrap(breaker, "reset", self._reset)
        yield Patch(breaker, "opened", self._opened)

    def meet(self) -> None:
        """Take up the breakers that the library's monitor knows."""
        for breaker in list(self._module.CircuitBreakerMonitor.get_circuits()):
            self._guarded(self._tell, breaker)

    def _guarded(self, work: Callable[..., Any], *args: Any) -> None:
        try:
            work(*args)
        except Exception as error:  # noqa: BLE001
            guard.failed("breaker", error)

    def _tell(self, breaker: Any) -> None:
        """Show how a breaker stands, and tell of a change since the last time."""
        known = self._known.get(breaker)
        state = _STATES.get(breaker.state, "closed")
        if known is None:
            drain()
            known = self._known[breaker] = _Known(state)
        watched = self._observer.watch_breaker(breaker, self)
        if watched is not None:
            if watched.new:
                watched.new = False
                weakref.finalize(breaker, defer, watched).atexit = False
            self._observer.show_breaker(watched, self.read(breaker))
        previous, known.state = known.state, state
        if state != previous:
            change = BreakerChange(_name(breaker), state, previous, LIBRARY, breaker._failure_count)
            self._observer.breaker_change(change)

    def _count(self, breaker: Any, outcome: BreakerOutcome) -> None:
        self._observer.breaker_call(_name(breaker), outcome)
        self._tell(breaker)

    # --- what the levels are read by ---
    def read(self, breaker: Any) -> BreakerReading:
        """How a breaker stands now."""
        state: BreakerState = "open" if breaker._state == "open" else "closed"
        trial_at_s = None
        if state == "open":
            trial_at_s = time.time() + breaker._opened + breaker._recovery_timeout - time.monotonic()
        return BreakerReading(_name(breaker), state, breaker._failure_count, breaker._failure_threshold, trial_at_s)

    def is_remote(self, _: Any) -> bool:
        """Its state is in the process."""
        return False

    def is_gone(self, reference: weakref.ref[Any]) -> bool:
        """Whether it is collected; the library's monitor keeps every breaker that decorates a function."""
        return reference() is None

    # --- wrappers ---
    def _decorate(self, wrapped: Any, breaker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = wrapped(*args, **kwargs)
        self._guarded(self._tell, breaker)
        return result

    def _enter(self, wrapped: Any, breaker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # A call that begins while the breaker is half open is its trial.
        self._guarded(self._tell, breaker)
        return wrapped(*args, **kwargs)

    def _exit(self, wrapped: Any, breaker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        failures = getattr(breaker, "_failure_count", 0)
        try:
            return wrapped(*args, **kwargs)
        finally:
            self._guarded(self._ended, breaker, failures, bool(args and args[0]))

    def _ended(self, breaker: Any, failures: int, raised: bool) -> None:
        """A guarded call is over; the library takes an exception that it does not expect for a success."""
        failed = breaker._failure_count > failures
        self._count(breaker, "failure" if failed else "ignored" if raised else "success")

    def _reset(self, wrapped: Any, breaker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return wrapped(*args, **kwargs)
        finally:
            self._guarded(self._tell, breaker)

    def _opened(self, original: property) -> property:
        fget: Callable[[Any], bool] = original.fget  # type: ignore[assignment]

        def opened(breaker: Any) -> bool:
            is_open = fget(breaker)
            if is_open:
                asking = sys._getframe(1).f_code
                if asking.co_name in _DECORATED and asking.co_filename == self._module.__file__:
                    self._guarded(self._count, breaker, "rejected")
            return is_open

        return property(opened, original.fset, original.fdel, original.__doc__)


def _name(breaker: Any) -> str:
    return breaker.name or "default"
