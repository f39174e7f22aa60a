"""The one state of the process: what is in force after `instrument()`, behind one pointer.

Everything that is per instrumentation is reached from here, so that tests can capture what is emitted by swapping the
pointer, and a program that was instrumented again starts with counts of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from . import guard
from .exits import Exits

if TYPE_CHECKING:
    from .config import Config
    from .emit import Emitters


class State:
    """What is in force: options, emitters, how it ends, and the errors of agentobs itself since it came into force."""

    def __init__(self, config: Config, emitters: Emitters) -> None:
        self.config = config
        self.emitters = emitters
        self.capture = config.capture
        """Content capture: `none`, `redacted` or `full`."""
        self.provider_hosts = emitters.prices.provider_hosts
        """The user's own hosts with the provider behind each (the price file's `[providers]`)."""
        self.exits = Exits(emitters.flush, emitters.close, config.exit_timeout_s)
        self.errors = guard.Errors(emitters.telemetry.error)


_current: State | None = None


def current() -> State | None:
    """What is in force, `None` before `instrument()` and after `uninstrument()`."""
    return _current


def replace(state: State | None) -> State | None:
    """Put `state` in force, and return what was before."""
    global _current
    before, _current = _current, state
    return before


@contextmanager
def in_force(state: State) -> Iterator[None]:
    """Have `state` in force for a while."""
    before = replace(state)
    try:
        yield
    finally:
        replace(before)


def _errors() -> guard.Errors | None:
    return _current.errors if _current is not None else None


guard.count_in(_errors)
