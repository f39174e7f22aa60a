"""The dashboards: arrangements of figures, and nothing else.

A figure that no arrangement places stands at the end of its subject's own dashboard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agentobs.catalogue import Metric, genai, own

from . import promql as q
from .boards import BREAKERS, COST, DECISIONS, MODELS, OVERVIEW, Board
from .config import PackConfig
from .figure import Definition, Form, Subject
from .figures import (
    SUBJECTS,
    agents,
    breakers,
    calls,
    cost,
    decisions,
    degradation,
    feedback,
    latency,
    retries,
    services,
    telemetry,
    tokens,
    tools,
)
from .names import ALERT_NAME, SEVERITY, Matcher, differs, equals, like
from .panels import ORANGE, RED, YELLOW, Annotation, Dashboard, Placed, Row, Variable
from .selection import series_name

COLUMNS = 24
"""Width of Grafana's grid."""
_MOST: dict[Form, int] = {"stat": 8, "graph": 3, "table": 1}
"""Panels of one form that still can be read side by side."""


@dataclass(frozen=True, slots=True)
class Line:
    """Figures of one form side by side, under a heading or none; they share the width evenly unless `widths` say else."""

    title: str
    form: Form
    figures: tuple[Definition, ...]
    widths: tuple[int, ...] = ()


def stats(*figures: Definition) -> Line:
    """The first line of a dashboard: numbers."""
    return Line("", "stat", figures)


def graphs(title: str, *figures: Definition, widths: tuple[int, ...] = ()) -> Line:
    """Curves."""
    return Line(title, "graph", figures, widths)


def tables(title: str, *figures: Definition, widths: tuple[int, ...] = ()) -> Line:
    """Tables."""
    return Line(title, "table", figures, widths)


ARRANGEMENTS: tuple[tuple[Board, tuple[Line, ...]], ...] = (
    (
        OVERVIEW,
        (
            stats(
                agents.served,
                agents.duration,
                feedback.satisfaction,
                degradation.degraded,
                tools.failed,
                calls.availability,
                cost.pace,
                telemetry.firing,
            ),
            tables("", services.fleet),
            graphs("Agents", agents.served, degradation.degraded, agents.duration),
            graphs("Calls, tools, breakers", agents.calls_per_run, tools.failed, breakers.states),
            graphs("Model calls", calls.ended, calls.provider_errors, latency.duration),
            graphs("", calls.active, cost.spent),
            tables("Agents and alerts", agents.runs, telemetry.firing, widths=(14, 10)),
            graphs("agentobs itself", telemetry.own_errors, telemetry.processes),
        ),
    ),
    (
        MODELS,
        (
            stats(
                calls.availability,
                latency.duration,
                latency.first_chunk,
                calls.ended,
                calls.active,
                retries.per_call,
                retries.rate_limits,
                calls.errors,
            ),
            tables("By model", calls.by_model),
            graphs("Rate, errors, duration", calls.by_model, calls.provider_errors, latency.duration_by_model),
            graphs("Latency and streams", latency.duration, latency.first_chunk, latency.per_chunk),
            graphs("Errors and retries", calls.errors, retries.by_status, retries.per_call),
            graphs("", calls.active, calls.request_errors, retries.rate_limits),
            graphs("", latency.distribution),
        ),
    ),
    (
        COST,
        (
            stats(
                cost.spent,
                cost.pace,
                cost.projection,
                cost.per_run,
                cost.per_success,
                cost.per_call,
                tokens.cache_hits,
                cost.unpriced,
            ),
            graphs("Pace", cost.spent, cost.pace, cost.against_last_week),
            tables("Who spends", cost.spent),
            graphs("Tokens", tokens.used, tokens.per_call, tokens.cache_hits),
            graphs("Runs, and what has no price", cost.per_run, cost.per_call, cost.unpriced),
        ),
    ),
    (
        BREAKERS,
        (
            stats(
                breakers.states,
                breakers.to_trip,
                breakers.rejected,
                breakers.openings,
                degradation.fallbacks,
                degradation.failed_fallbacks,
                degradation.degraded,
                degradation.untold,
            ),
            graphs("Breakers", breakers.states, breakers.to_trip),
            graphs("", breakers.guarded, breakers.rejected, breakers.openings),
            graphs("Retries and fallbacks", retries.by_status, degradation.fallbacks),
            tables("", degradation.fallbacks),
            graphs("Users", degradation.degraded, degradation.untold),
        ),
    ),
    (
        DECISIONS,
        (
            stats(
                decisions.made,
                decisions.alone,
                decisions.escalated,
                decisions.confidence,
                feedback.given,
                feedback.satisfaction,
                feedback.against_last_week,
                feedback.refused,
            ),
            graphs("Decisions", decisions.escalated, decisions.made, decisions.confidence),
            tables("", decisions.made),
            graphs("Feedback", feedback.against_last_week, feedback.satisfaction, feedback.by_level),
            graphs("", feedback.given, feedback.by_rater, feedback.storage),
        ),
    ),
)
"""What stands where, in the order in which people read."""


def dashboards(config: PackConfig, subjects: tuple[Subject, ...] = SUBJECTS) -> tuple[Dashboard, ...]:
    """All dashboards under a configuration."""
    homes = {define: subject.home for subject in subjects for define in subject.figures}
    variables, annotations = _variables(config), _annotations(config)
    return tuple(
        Dashboard(
            board,
            tuple(_row(line, board, homes, config) for line in (*lines, *_rest(board, subjects, config))),
            variables,
            annotations,
        )
        for board, lines in ARRANGEMENTS
    )


def _row(line: Line, board: Board, homes: dict[Definition, Board], config: PackConfig) -> Row:
    widths = line.widths or _even(len(line.figures))
    placed = (
        Placed(define(config).panel(line.form, config), width, homes[define] if homes[define] != board else None)
        for define, width in zip(line.figures, widths, strict=True)
    )
    return Row(line.title, tuple(placed))


def _even(count: int) -> tuple[int, ...]:
    """Widths that fill a line, the first ones a column wider where they must."""
    width, wider = divmod(COLUMNS, count)
    return (width + 1,) * wider + (width,) * (count - wider)


def _rest(board: Board, subjects: Iterable[Subject], config: PackConfig) -> Iterator[Line]:
    """What no arrangement places, of the subjects whose home the dashboard is."""
    placed = {(define, line.form) for _, lines in ARRANGEMENTS for line in lines for define in line.figures}
    for subject in subjects:
        title = subject.title
        for form, most in _MOST.items() if subject.home == board else ():
            rest = [d for d in subject.figures if form in d(config).forms and (d, form) not in placed]
            for start in range(0, len(rest), most):
                yield Line(title, form, tuple(rest[start : start + most]))
                title = ""


def _variables(config: PackConfig) -> tuple[Variable, ...]:
    service = like(config.service, "$service")
    provider = like(genai.PROVIDER, "$provider")
    return (
        Variable("service", "Service", config.service, _selected(own.INFO)),
        Variable("agent", "Agent", genai.AGENT_NAME, _selected(own.RUNS, service)),
        Variable("provider", "Provider", genai.PROVIDER, _selected(own.CALLS, service)),
        Variable("model", "Model", genai.REQUEST_MODEL, _selected(own.CALLS, service, provider)),
    )


def _selected(metric: Metric, *matchers: Matcher) -> q.Expr:
    return q.Selector(metric, "", matchers)


def _annotations(config: PackConfig) -> tuple[Annotation, ...]:
    # The state and not its changes: so the band is as long as the breaker was open, to the scrape.
    open_ = q.read(own.BREAKER_STATES, like(config.service, "$service"), equals(own.BREAKER_STATE, "open"))
    breaker = (config.service, own.BREAKER_NAME)
    critical, others = equals(SEVERITY, "critical"), differs(SEVERITY, "critical")
    return (
        Annotation("Breaker open", q.max_by(open_, *breaker) > 0, f"{series_name(config, *breaker)} open", ORANGE),
        Annotation(
            "Critical alert",
            telemetry.firing_by(config, critical),
            series_name(config, ALERT_NAME, config.service),
            RED,
        ),
        # Bands of every warning would hide the curves.
        Annotation(
            "Other alert",
            telemetry.firing_by(config, others),
            series_name(config, ALERT_NAME, config.service),
            YELLOW,
            shown=False,
        ),
    )
