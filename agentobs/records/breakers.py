"""Circuit breakers."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..catalogue.values import BreakerState


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """A circuit breaker changed its state; `failures` is its count of consecutive failures, `None` if unknown."""

    name: str
    state: BreakerState
    previous: BreakerState | None
    library: str
    failures: int | None = None


@dataclass(frozen=True, slots=True)
class BreakerReading:
    """How a breaker stands at one moment.

    `failures` are its consecutive failures, `limit` how many open it. `trial_at_s` is when an open one lets a call through
    to try, in seconds of the epoch, `None` where nobody knows; from then on it is open in name only.
    """

    name: str
    state: BreakerState
    failures: int
    limit: int
    trial_at_s: float | None = None

    def at(self, now_s: float) -> BreakerReading:
        """The same at `now_s`: an open breaker whose time is over waits for its trial."""
        waits = self.state == "open" and self.trial_at_s is not None and self.trial_at_s <= now_s
        return replace(self, state="half_open", trial_at_s=None) if waits else self

    @property
    def nearness(self) -> tuple[int, int]:
        """How near it is to turning calls away; of two breakers of one name the nearer one is shown."""
        return ("closed", "half_open", "open").index(self.state), self.failures - self.limit
