"""Circuit breakers as metrics and events.

Levels are read from the breakers when somebody collects, so that what changes by itself, or in another process, is shown
as it is. A storage that is on the network is asked then, never in a call of the program, and only for so long. Where the
processes of a server share their metrics nobody asks the idle ones, so levels are written at every event as well.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Iterable
from typing import Any, Protocol

from .. import guard
from ..catalogue import own
from ..catalogue.values import BreakerOutcome
from ..records.breakers import BreakerChange, BreakerReading
from .events import Events
from .sinks import Instruments

_DEADLINE_S = 1.0
"""Longest time that a collection waits for the storages of breakers, all together."""


class BreakerReader(Protocol):
    """What knows breakers of one kind."""

    def read(self, breaker: Any) -> BreakerReading | None:
        """How it stands now, `None` where nobody knows; may ask a storage on the network where `is_remote`."""
        ...

    def is_remote(self, breaker: Any) -> bool:
        """Whether its storage may be on the network."""
        ...

    def is_gone(self, reference: weakref.ref[Any]) -> bool:
        """Whether it is out of the program's reach, though it may not be collected yet."""
        ...


class Watched:
    """One breaker: where it is read, and how it stood the last time. It is not kept alive."""

    def __init__(self, breaker: Any, reader: BreakerReader, emitter: BreakerEmitter) -> None:
        self.reference: weakref.ref[Any] = weakref.ref(breaker)
        self.reader = reader
        self.new = True
        """Until whoever tells of the breaker has seen to it that `settle` is called when the breaker is gone."""
        self.reading: BreakerReading | None = None
        self.asked: threading.Thread | None = None
        self._emitter: weakref.ref[BreakerEmitter] = weakref.ref(emitter)

    def settle(self) -> None:
        """Take a breaker that is gone out of the levels."""
        emitter = self._emitter()
        try:
            if emitter is not None:
                emitter.show(self, None)
        except Exception as error:  # noqa: BLE001
            guard.failed("breaker", error)


class BreakerEmitter:
    """Emits what breakers do, and shows how they stand: of several with one name the one that is nearest to opening."""

    def __init__(self, instruments: Instruments, events: Events) -> None:
        self._instruments = instruments
        self._events = events
        self._watched: weakref.WeakKeyDictionary[Any, Watched] = weakref.WeakKeyDictionary()
        self._names: dict[str, set[Watched]] = {}
        self._levels: dict[str, _Level] = {}
        self._lock = threading.RLock()
        self._closed = False

    def call(self, name: str, outcome: BreakerOutcome) -> None:
        """Count a guarded call."""
        self._instruments.add(own.BREAKER_CALLS, {own.BREAKER_NAME: name, own.BREAKER_OUTCOME: outcome})

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

    def watch(self, breaker: Any, reader: BreakerReader) -> Watched:
        """What is known of `breaker`, from now on read by `reader` whenever somebody collects."""
        with self._lock:
            watched = self._watched.get(breaker)
            if watched is None:
                watched = self._watched[breaker] = Watched(breaker, reader, self)
            return watched

    def show(self, watched: Watched, reading: BreakerReading | None) -> None:
        """Have the levels show how a breaker stands; `None` where it is gone or nobody knows."""
        with self._lock:
            if self._closed:
                return
            before, watched.reading = watched.reading, reading
            if before is not None and (reading is None or reading.name != before.name):
                self._names.get(before.name, set()).discard(watched)
                self._show(before.name)
            if reading is not None:
                self._names.setdefault(reading.name, set()).add(watched)
                self._show(reading.name)

    def _show(self, name: str) -> None:
        level = self._levels.get(name)
        if level is None:
            level = self._levels[name] = _Level(self._instruments, name)
        now_s = time.time()
        readings = [watched.reading.at(now_s) for watched in self._names.get(name, ()) if watched.reading is not None]
        level.show(max(readings, key=lambda reading: reading.nearness, default=None))

    def refresh(self) -> None:
        """Read every breaker, before anybody reads the levels."""
        with self._lock:
            every = list(self._watched.values())
        remote = [watched for watched in every if self._is_remote(watched)]
        if remote:
            self._ask(remote)

    def _is_remote(self, watched: Watched) -> bool:
        """Whether a breaker has to be asked over the network; any other is read at once, or found to be gone."""
        # By the reference only, and before anything here refers to it: how many know it tells whether it is gone.
        if watched.reader.is_gone(watched.reference):
            self.show(watched, None)
            return False
        breaker = watched.reference()
        if breaker is None:
            return False
        if watched.reader.is_remote(breaker):
            return True
        self._read(watched)
        return False

    def _read(self, watched: Watched) -> None:
        breaker = watched.reference()
        try:
            reading = None if breaker is None else watched.reader.read(breaker)
            if breaker is not None and reading is None:
                guard.count("breaker.storage")
            self.show(watched, reading)
        except Exception as error:  # noqa: BLE001
            guard.failed("breaker", error)

    def _ask(self, remote: Iterable[Watched]) -> None:
        """Read breakers whose storages are on the network; what gives no answer in time is unknown."""
        ends_s = time.monotonic() + _DEADLINE_S
        asked = []
        for watched in remote:
            if watched.asked is None or not watched.asked.is_alive():
                watched.asked = threading.Thread(
                    target=self._read, args=(watched,), name="agentobs-breaker", daemon=True
                )
                watched.asked.start()
            asked.append((watched, watched.asked))
        for watched, thread in asked:
            thread.join(max(0.0, ends_s - time.monotonic()))
            if thread.is_alive():
                guard.count("breaker.storage")
                self.show(watched, None)

    def start_again(self) -> None:
        """In a forked child, show the breakers of the child, by levels of its own."""
        self._lock = threading.RLock()
        self._levels.clear()
        for watched in list(self._watched.values()):
            watched.asked = None
            self.show(watched, watched.reading)

    def close(self) -> None:
        """Take all breakers out of the levels."""
        with self._lock:
            self._closed = True
            for level in self._levels.values():
                level.show(None)
            self._levels.clear()
            self._names.clear()
            self._watched.clear()


class _Level:
    """The levels of one name."""

    def __init__(self, instruments: Instruments, name: str) -> None:
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

    def show(self, reading: BreakerReading | None) -> None:
        """Show one breaker, or none."""
        for state, total in self._states.items():
            total.set(0 if reading is None or reading.state != state else 1)
        self._states["open"].until(reading.trial_at_s if reading is not None else None)
        self._failures.set(0 if reading is None else reading.failures)
        self._limit.set(0 if reading is None else reading.limit)
