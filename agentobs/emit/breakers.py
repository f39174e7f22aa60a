"""Circuit breakers as metrics and events."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any

from .. import guard
from ..catalogue import own
from ..catalogue.values import BreakerOutcome, BreakerState
from ..records.breakers import BreakerChange
from .events import Events
from .sinks import Instruments


class BreakerEmitter:
    """Emits what breakers do; keeps the level gauges of each."""

    def __init__(self, instruments: Instruments, events: Events) -> None:
        self._instruments = instruments
        self._events = events
        self._levels: weakref.WeakKeyDictionary[Any, BreakerLevel] = weakref.WeakKeyDictionary()

    def call(self, name: str, outcome: BreakerOutcome) -> None:
        """Count a guarded call."""
        self._instruments.add(own.BREAKER_CALLS, {own.BREAKER_NAME: name, own.BREAKER_OUTCOME: outcome})

    def level(self, breaker: Any, name: str) -> BreakerLevel:
        """The gauges of `breaker`, made when it is first asked for; they do not keep it alive."""
        level = self._levels.get(breaker)
        if level is None:
            level = self._levels[breaker] = BreakerLevel(self._instruments, name)
        return level

    def change(self, change: BreakerChange) -> None:
        """Count and tell a change of state."""
        labels = {own.BREAKER_NAME: change.name, own.BREAKER_STATE: change.state}
        self._instruments.add(own.BREAKER_TRANSITIONS, labels)
        values = {
            **labels,
            own.BREAKER_PREVIOUS: change.previous,
            own.BREAKER_FAILURES: change.failures,
            own.LIBRARY: change.library,
        }
        self._events.emit(own.BREAKER_CHANGE, values)

    def refresh(self) -> None:
        """Take the levels of breakers back that the program has let go of, before anybody reads them."""
        for level in list(self._levels.values()):
            if level.gone():
                level.clear()

    def close(self) -> None:
        """Take the levels of all breakers back."""
        for level in list(self._levels.values()):
            level.clear()
        self._levels.clear()


class BreakerLevel:
    """The levels of one breaker as differences: an up-down counter is only ever added to."""

    def __init__(self, instruments: Instruments, name: str) -> None:
        self.new = True
        """Until whoever tells of the breaker has seen to it that `clear` is called when the breaker is gone."""
        self.gone: Callable[[], bool] = lambda: False
        """Whether the breaker is out of the program's reach, though it has not been collected yet."""
        breaker = {own.BREAKER_NAME: name}
        self._states = {
            state: instruments.sum(own.BREAKER_STATES, {**breaker, own.BREAKER_STATE: state})
            for state in own.BREAKER_STATE.values
        }
        for state in own.BREAKER_STATE.values:
            # From 0 on, because Prometheus cannot tell an increase from the first value of a new series.
            instruments.sum(own.BREAKER_TRANSITIONS, {**breaker, own.BREAKER_STATE: state})
        for outcome in own.BREAKER_OUTCOME.values:
            instruments.sum(own.BREAKER_CALLS, {**breaker, own.BREAKER_OUTCOME: outcome})
        self._failures = instruments.sum(own.BREAKER_FAIL_COUNT, breaker)
        self._limit = instruments.sum(own.BREAKER_FAIL_LIMIT, breaker)
        self._shown: tuple[BreakerState | None, int, int] = (None, 0, 0)
        self._lock = threading.Lock()

    def show(self, state: BreakerState | None, failures: int, limit: int) -> None:
        """Have the gauges show these; a state of `None` with zeros takes the breaker out of them."""
        # Two threads that start from the same level would leave a difference in the gauge for good.
        with self._lock:
            shown_state, shown_failures, shown_limit = self._shown
            if shown_state != state:
                if shown_state is not None:
                    self._states[shown_state].add(-1)
                if state is not None:
                    self._states[state].add(1)
            if failures != shown_failures:
                self._failures.add(failures - shown_failures)
            if limit != shown_limit:
                self._limit.add(limit - shown_limit)
            self._shown = (state, failures, limit)

    def clear(self) -> None:
        """Take the breaker out of the gauges."""
        self.show(None, 0, 0)

    def settle(self) -> None:
        """`clear` for a breaker that is gone."""
        try:
            self.clear()
        except Exception as error:  # noqa: BLE001
            guard.failed("breaker", error)
