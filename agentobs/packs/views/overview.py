"""Is my agent healthy: success, latency, cost, what is degraded now, which alerts fire."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..config import PackConfig
from ..names import ALERT_NAME, SEVERITY
from ..panels import SECONDS, SHARE, USD, WHOLE, Column, Limit, Panel, Row, View, stat, table
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
        width=10,
    )
