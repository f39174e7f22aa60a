"""Circuit breakers."""

from __future__ import annotations

from dataclasses import dataclass

from ..catalogue.values import BreakerState


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """A circuit breaker changed its state; `failures` is its count of consecutive failures, `None` if unknown."""

    name: str
    state: BreakerState
    previous: BreakerState | None
    library: str
    failures: int | None = None
