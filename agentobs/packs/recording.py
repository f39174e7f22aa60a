"""Recording rules: rates that several alerts share, and the ways to ask them for hours and days.

Each recorded rate is over five minutes and computed once a minute. Long windows sum these few series instead of reading
every raw series of days: cheap, and right also for processes that live shorter than the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agentobs.catalogue import Metric, own

from . import promql as q
from .config import PackConfig
from .names import INSTANCE, JOB, Label, Matcher

INTERVAL_S = 60
"""How often the rules are computed; `counted` relies on it, so the groups say it themselves."""
WINDOW = "5m"
WINDOW_S = 300


def grown(config: PackConfig, metric: Metric, window: str, *by: Label, where: tuple[Matcher, ...] = ()) -> q.Expr:
    """Growth of a counter over the window, with the first value of series that were born in it.

    `increase()` sees nothing of a series' first sample: the first error of a process, the first call of a rare model.
    A series counts as born where it had no sample in the day before the window although its service had, so a
    Prometheus that is new or was away does not take all that a process ever counted for growth.
    """
    identity: tuple[Label, ...] = (*metric.labels, JOB, INSTANCE)
    before = q.over_time("present", metric, "1d", *where, offset=window)
    # Least of a series born in the window: its first value, unless it was reset in the same window.
    first = q.over_time("min", metric, window, *where)
    born = q.sum_by(q.match("unless", first, before, on=identity), *by)
    known = q.max_by(q.over_time("present", own.INFO, "1d", offset=window), config.service)
    growth = q.sum_by(q.increase(metric, window, *where), *by)
    born = q.match("and", born, known, on=(config.service,))
    return (growth + (born | growth * 0)) | born


def rounded(expr: q.Expr) -> q.Expr:
    """Whole numbers: `increase()` extrapolates, so that four events may read 4.05."""
    return q.Function("round", expr, expr.labels)


def counted(recorded: q.Recorded, window: str, offset: str = "") -> q.Expr:
    """How many there were in the window, from a recorded rate: each sample stands for one interval."""
    return q.over_time("sum", recorded, window, offset=offset) * INTERVAL_S


def ratio(part: q.Recorded, whole: q.Recorded, window: str, offset: str = "") -> q.Expr:
    """Share of a window, from two recorded rates; nothing where the whole was 0."""
    total = q.over_time("sum", whole, window, offset=offset) > 0
    return q.over_time("sum", part, window, offset=offset) / total


def group(name: str, rules: list[dict[str, Any]]) -> Mapping[str, Any]:
    """A rule group as Prometheus reads it."""
    return {"name": name, "interval": f"{INTERVAL_S}s", "rules": rules}


def recorded_in(exprs: Iterable[q.Expr]) -> tuple[q.Recorded, ...]:
    """What the expressions read that recording rules must make, each once."""
    read = (selector.metric for expr in exprs for selector in q.selectors(expr))
    return tuple(dict.fromkeys(metric for metric in read if isinstance(metric, q.Recorded)))


def recording_group(config: PackConfig, exprs: Iterable[q.Expr]) -> Mapping[str, Any]:
    """The group of the recording rules that the expressions need."""
    rows = recorded_in(exprs)
    return group("agentobs-recording", [{"record": row.name, "expr": row.expr.render(config.naming)} for row in rows])
