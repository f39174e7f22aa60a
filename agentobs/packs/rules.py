"""Recording rules: rates that several alerts share, and the ways to ask them for hours and days.

Each rule holds a rate over five minutes, computed once a minute. Long windows sum these few recorded series instead of
reading every raw series of days: cheap, and right also for processes that live shorter than the window.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from agentobs.catalogue import Metric, genai, own

from . import promql as q
from .config import PackConfig
from .names import INSTANCE, JOB, Label, Matcher, Recorded, equals

INTERVAL_S = 60
"""How often the rules are computed; `counted` relies on it, so the groups say it themselves."""
WINDOW = "5m"
_WINDOW_S = 300


def grown(config: PackConfig, metric: Metric, window: str, *by: Label, where: tuple[Matcher, ...] = ()) -> q.Expr:
    """Growth of a counter over the window, with the first value of series that were born in it.

    `increase()` sees nothing of a series' first sample: the first error of a process, the first call of a rare model.
    A series counts as born where it had no sample in the day before the window although its service had, so a
    Prometheus that is new or was away does not take all that a process ever counted for growth.
    """
    identity: tuple[Label, ...] = (*metric.labels, JOB, INSTANCE)
    before = q.over_time("present", metric, "1d", *where, offset=window)
    samples = q.Series(metric, matchers=where, window=window)
    # Least of a series born in the window: its first value, unless it was reset in the same window.
    first = q.Function("min_over_time", samples, samples.labels)
    born = q.sum_by(q.match("unless", first, before, on=identity), *by)
    known = q.max_by(q.over_time("present", own.INFO, "1d", offset=window), config.service)
    growth = q.sum_by(q.increase(metric, window, *where), *by)
    born = q.match("and", born, known, on=(config.service,))
    return (growth + (born | growth * 0)) | born


def _errors(config: PackConfig) -> q.Expr:
    total = q.sum_by(q.rate(own.CALLS, WINDOW), config.service)
    return q.sum_by(q.rate(own.CALLS, WINDOW, equals(own.OUTCOME, "error")), config.service) | total * 0


def _timed(config: PackConfig, *by: Label) -> q.Expr:
    return q.sum_by(q.rate(config.call_duration, WINDOW, *config.served, part="count"), config.service, *by)


def _slow(config: PackConfig) -> q.Expr:
    quick = q.at_most(config.slo.latency_s, config.call_duration)
    within = q.rate(config.call_duration, WINDOW, *config.served, quick, part="bucket")
    return q.clamp_min(_timed(config) - q.sum_by(within, config.service), 0)


def _latency(config: PackConfig) -> q.Expr:
    by = (config.service, genai.PROVIDER, genai.REQUEST_MODEL)
    return q.quantile(0.95, config.call_duration, "1h", *config.served, by=by)


@dataclass(frozen=True, slots=True)
class Recordings:
    """The recording rules under one configuration. Rates are in units per second, `latency_p95` in seconds."""

    calls: Recorded
    errors: Recorded
    timed: Recorded
    slow: Recorded
    cost: Recorded
    model_calls: Recorded
    model_tokens: Recorded
    latency_p95: Recorded

    def rows(self) -> tuple[Recorded, ...]:
        return tuple(getattr(self, row.name) for row in fields(self))


def recordings(config: PackConfig) -> Recordings:
    """The recording rules; all of them by service, the last three by model too."""
    service, model = config.service, (config.service, genai.PROVIDER, genai.REQUEST_MODEL)
    calls = q.sum_by(q.rate(own.CALLS, WINDOW), service)
    return Recordings(
        calls=Recorded("agentobs:calls:rate5m", calls, "Model calls a second."),
        errors=Recorded("agentobs:calls_error:rate5m", _errors(config), "Model calls a second that ended in an error."),
        timed=Recorded("agentobs:calls_timed:rate5m", _timed(config), "Model calls a second that ended well."),
        slow=Recorded("agentobs:calls_slow:rate5m", _slow(config), "Those that took longer than slo.latency_s."),
        cost=Recorded(
            "agentobs:cost_usd:rate5m",
            grown(config, own.COST, WINDOW, service) / _WINDOW_S,
            "USD a second, first values of new series included.",
        ),
        model_calls=Recorded(
            "agentobs:model_calls:rate5m",
            q.sum_by(q.rate(own.CALLS, WINDOW, equals(own.OUTCOME, "success")), *model),
            "Successful calls a second of one model.",
        ),
        model_tokens=Recorded(
            "agentobs:model_tokens:rate5m",
            q.sum_by(q.rate(own.TOKENS, WINDOW), *model),
            "Tokens a second of one model.",
        ),
        latency_p95=Recorded(
            "agentobs:call_seconds:p95_1h", _latency(config), "95th percentile of an hour's calls of one model."
        ),
    )


def rounded(expr: q.Expr) -> q.Expr:
    """Whole numbers: `increase()` extrapolates, so that four events may read 4.05."""
    return q.Function("round", expr, expr.labels)


def counted(recorded: Recorded, window: str, offset: str = "") -> q.Expr:
    """How many there were in the window, from a recorded rate: each sample stands for one interval."""
    return q.over_time("sum", recorded, window, offset=offset) * INTERVAL_S


def ratio(part: Recorded, whole: Recorded, window: str, offset: str = "") -> q.Expr:
    """Share of a window, from two recorded rates; nothing where the whole was 0."""
    total = q.over_time("sum", whole, window, offset=offset) > 0
    return q.over_time("sum", part, window, offset=offset) / total


def group(name: str, rules: list[dict[str, Any]]) -> Mapping[str, Any]:
    """A rule group as Prometheus reads it."""
    return {"name": name, "interval": f"{INTERVAL_S}s", "rules": rules}


def recording_group(config: PackConfig) -> Mapping[str, Any]:
    """The group of all recording rules."""
    rows = recordings(config).rows()
    return group("agentobs-recording", [{"record": row.name, "expr": row.expr.render(config.naming)} for row in rows])
