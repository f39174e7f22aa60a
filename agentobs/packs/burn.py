"""Burn rates of error budgets: several windows, several factors.

Windows and factors are those of the SRE Workbook, chapter "Alerting on SLOs": a burn rate of 1 spends the budget of 30
days in 30 days. The short window makes an alert stop soon after the cause has stopped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

from . import promql as q
from .config import PackConfig
from .recording import counted, ratio


@dataclass(frozen=True, slots=True)
class Burn:
    """A burn rate that must be exceeded in both windows."""

    factor: float
    long: str
    short: str


FAST = (Burn(14.4, "1h", "5m"), Burn(6, "6h", "30m"))
SLOW = (Burn(3, "1d", "2h"), Burn(1, "3d", "6h"))


def any_burning(burns: tuple[Burn, ...], one: Callable[[Burn], q.Expr]) -> q.Expr:
    """Where at least one of the burn rates is exceeded."""
    return reduce(lambda left, right: left | right, map(one, burns))


def burning(config: PackConfig, bad: q.Recorded, all_: q.Recorded, budget: float, burns: tuple[Burn, ...]) -> q.Expr:
    """The share of bad calls in the long window, where both windows burn and the long one has enough of them.

    Calls are no guard: of 21 calls in six hours two failures are chance, of 2 calls an hour five failures are not.
    """

    def one(burn: Burn) -> q.Expr:
        # A budget of 5 % burnt 14.4 times is 72 %; no factor may ask for more than all.
        limit = min(burn.factor * budget, 0.99)
        both = (ratio(bad, all_, burn.long) > limit) & (ratio(bad, all_, burn.short) > limit)
        return both & (counted(bad, burn.long) >= config.slo.minimum_bad)

    return any_burning(burns, one)
