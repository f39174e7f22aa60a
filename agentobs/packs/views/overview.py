"""Is my agent healthy: success, latency, cost, what is degraded now, which alerts fire."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..config import PackConfig
from ..names import ALERT_NAME, SEVERITY
from ..panels import (
    COUNT,
    PER_MINUTE,
    SECONDS,
    SHARE,
    USD,
    WHOLE,
    Column,
    Limit,
    Panel,
    Query,
    Row,
    View,
    graph,
    stat,
    table,
)
from . import figures
from .scope import ALL, BREAKERS, COST, DECISIONS, MODELS, OVERVIEW, Scope


def view(config: PackConfig) -> View:
    scope = Scope(config)
    return scope.view(
        OVERVIEW,
        "Agents: overview",
        "Is my agent healthy: success, latency, cost, what is degraded now, which alerts fire.",
        Row(
            "",
            (
                figures.success(scope, link=MODELS),
                figures.slow_end(scope, link=MODELS),
                figures.calls_per_minute(scope),
                figures.cost_per_hour(scope, link=COST),
                figures.degraded_share(scope, link=BREAKERS),
                figures.open_breakers(scope, link=BREAKERS),
                figures.satisfaction(scope, link=DECISIONS),
                _alerts_firing(scope),
            ),
        ),
        Row(
            "Model calls",
            (figures.calls_by_outcome(scope, link=MODELS), figures.errors_by_provider(scope), figures.latency(scope)),
        ),
        Row(
            "Service and cost",
            (
                figures.degradation(scope, width=8, link=BREAKERS),
                figures.breaker_states(scope, width=8, link=BREAKERS),
                figures.cost_by_model(scope, width=8, link=COST),
            ),
        ),
        Row("Agents and alerts", (_agents(scope), _alerts(scope))),
        Row("agentobs itself", (_own_errors(scope), _processes(scope))),
    )


def _alerts_firing(scope: Scope) -> Panel:
    return stat(
        "Alerts firing",
        "Alerts of this pack that fire now. They come from the rules in alerts/, which your Prometheus must have "
        "loaded.",
        q.count_by(scope.firing()),
        WHOLE,
        nothing="none",
        limit=Limit(1),
    )


def _agents(scope: Scope) -> Panel:
    agent = genai.AGENT_NAME
    failed = scope.total(own.RUNS, agent, where=figures.FAILED)
    degraded = scope.total(own.RUNS, agent, where=figures.NOT_FULL)
    runs = scope.total(own.RUNS, agent)
    return table(
        "Agents",
        "Every agent in the time range: its runs, how many failed, how many were degraded, how long they took and what "
        "they cost. Cost is of runs whose calls are all priced.",
        ((agent, "Agent"),),
        Column("Runs", runs, WHOLE),
        Column("Failed", q.share(failed, runs), SHARE),
        Column("Degraded", q.share(degraded, runs), SHARE, Limit(scope.config.thresholds.fallback_share)),
        Column("p95 duration", scope.quantile(0.95, genai.AGENT_DURATION, agent, window=ALL), SECONDS),
        Column("Cost of a run", scope.mean(own.RUN_COST, agent, window=ALL), USD),
        nothing=figures.NO_RUNS,
        width=14,
    )


def _alerts(scope: Scope) -> Panel:
    return table(
        "Alerts that fire now",
        "Alerts of this pack that fire now, with their severity. The runbook says what each means and how to mend it.",
        ((ALERT_NAME, "Alert"), (SEVERITY, "Severity"), (scope.service, "Service")),
        Column("Firing", scope.firing(), WHOLE, Limit(1)),
        nothing="no alert fires",
        widths=(("Severity", 100), ("Service", 120), ("Firing", 80)),
        width=10,
    )


def _own_errors(scope: Scope) -> Panel:
    return graph(
        "Own errors and drops",
        "What went wrong in agentobs itself, per minute: errors that it caught, by the stage in which they happened, "
        "and telemetry that it dropped, by reason. The program is not disturbed by either, but figures are missing.",
        PER_MINUTE,
        Query(scope.per_minute(own.INTERNAL_ERRORS, own.STAGE), f"error: {scope.name(own.STAGE)}"),
        Query(scope.per_minute(own.DROPPED, own.DROP_REASON), f"dropped: {scope.name(own.DROP_REASON)}"),
        nothing="neither errors nor drops",
        stack="normal",
    )


def _processes(scope: Scope) -> Panel:
    keys = (scope.service, own.VERSION)
    return graph(
        "Processes",
        "Processes that report, by service and by version of agentobs. A fall to nothing is silence, not health.",
        COUNT,
        Query(q.sum_by(scope.now(own.INFO), *keys), scope.name(*keys)),
        nothing="no process reports",
        stack="normal",
    )
