"""Decisions of agents."""

from __future__ import annotations

from dataclasses import dataclass

from ..catalogue.values import DecisionOutcome


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of an agent. `chosen` is `None` where it is unknown, `confidence` where nobody measured it (0 to 1)."""

    id: str
    kind: str
    chosen: str | None
    outcome: DecisionOutcome
    alternatives: tuple[str, ...] = ()
    reason: str | None = None
    policy: str | None = None
    confidence: float | None = None
    confidence_source: str | None = None
