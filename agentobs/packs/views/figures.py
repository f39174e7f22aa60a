"""Figures that more than one view shows."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..names import Label, equals, none_of
from ..panels import (
    COUNT,
    GREEN,
    PER_MINUTE,
    RED,
    SECONDS,
    SHARE,
    USD,
    WHOLE,
    YELLOW,
    Limit,
    Panel,
    Query,
    State,
    graph,
    stat,
)
from .scope import ALL, Scope

FAILED = (equals(own.OUTCOME, "error"),)
NOT_FULL = (none_of(own.DEGRADATION, "full"),)
FROM_USERS = (equals(own.FEEDBACK_SOURCE, "end_user"),)
RATE_LIMITED = (equals(own.ERROR_CLASS, "rate_limit"),)
RETRIED_429 = (equals(own.RETRY_STATUS, "429"),)

NO_CALLS = "no calls yet"
NO_RUNS = "no agent runs yet"
NO_COST = "nothing priced yet"
NO_BREAKERS = "no breakers seen"
NO_FEEDBACK = "no feedback yet"
NO_DECISIONS = "no decisions yet"


def error_share(scope: Scope, *by: Label) -> q.Expr:
    return q.share(scope.per_second(own.CALLS, *by, where=FAILED), scope.per_second(own.CALLS, *by))


def success(scope: Scope, *, link: str = "") -> Panel:
    failed = q.share(scope.total(own.CALLS, where=FAILED), scope.total(own.CALLS))
    return stat(
        "Success",
        "Share of model calls in the time range that did not end in an error, after the client's own retries. Red "
        "below the availability objective.",
        q.match("-", q.Number(1), failed),
        SHARE,
        nothing=NO_CALLS,
        limit=Limit(scope.config.slo.availability, "below"),
        decimals=2,
        link=link,
    )


def slow_end(scope: Scope, *, link: str = "") -> Panel:
    level = scope.config.slo.latency
    return stat(
        f"Latency, p{level * 100:g}",
        f"{level:.0%} of the model calls in the time range were quicker than this, of those that ended well, retries "
        "included, streams to their end. Red above the limit of the latency objective. Embeddings are not counted.",
        scope.quantile(level, scope.config.call_duration, where=scope.config.served, window=ALL),
        SECONDS,
        nothing=NO_CALLS,
        limit=Limit(scope.config.slo.latency_s),
        link=link,
    )


def calls_per_minute(scope: Scope) -> Panel:
    return stat(
        "Model calls",
        "Model calls that ended, per minute; mean of the time range.",
        scope.per_minute(own.CALLS),
        PER_MINUTE,
        nothing=NO_CALLS,
        whole=False,
        calc="mean",
    )


def even_budget(scope: Scope) -> Limit:
    """USD an hour that spend the budget of 30 days in 30 days."""
    return Limit(scope.config.thresholds.budget_usd_month / 720)


def cost_per_hour(scope: Scope, *, link: str = "") -> Panel:
    budget = scope.config.thresholds.budget_usd_month
    return stat(
        "Cost per hour",
        f"USD per hour at the mean pace of the time range, priced calls only. Red above an even share of the budget of "
        f"{budget:g} USD a month.",
        scope.per_hour(own.COST),
        USD,
        nothing=NO_COST,
        limit=even_budget(scope),
        whole=False,
        calc="mean",
        decimals=2,
        link=link,
    )


def degraded_share(scope: Scope, *, link: str = "") -> Panel:
    return stat(
        "Degraded runs",
        "Share of the agent runs in the time range whose user got less than the full service: a fallback model, a "
        "reduced or canned answer, or none.",
        q.share(scope.total(own.RUNS, where=NOT_FULL), scope.total(own.RUNS)),
        SHARE,
        nothing=NO_RUNS,
        limit=Limit(scope.config.thresholds.fallback_share),
        decimals=1,
        link=link,
    )


def open_breakers(scope: Scope, *, link: str = "") -> Panel:
    is_open = q.max_by(
        scope.now(own.BREAKER_STATES, equals(own.BREAKER_STATE, "open")), scope.service, own.BREAKER_NAME
    )
    return stat(
        "Open breakers",
        "Breakers that are open in at least one process: their calls are turned away at once.",
        q.sum_by(is_open),
        WHOLE,
        nothing=NO_BREAKERS,
        limit=Limit(1),
        link=link,
    )


def breaker_states(scope: Scope, *, width: int = 24, link: str = "") -> Panel:
    keys = (scope.service, own.BREAKER_NAME)

    def any_in(state: str) -> q.Expr:
        return q.max_by(scope.now(own.BREAKER_STATES, equals(own.BREAKER_STATE, state)), *keys)

    return Panel(
        kind="timeline",
        title="Breaker states",
        description="State of each breaker over time, the worst of all processes: open turns calls away, half-open "
        "lets one through to try.",
        unit="none",
        width=width,
        height=8,
        nothing=NO_BREAKERS,
        queries=(Query(any_in("open") * 2 + any_in("half_open"), scope.name(own.BREAKER_NAME)),),
        states=(
            State(0, "closed", GREEN),
            State(1, "half-open", YELLOW),
            State(2, "open", RED),
            State(3, "open", RED),
        ),
        link=link,
    )


def degradation(scope: Scope, *, width: int = 12, link: str = "") -> Panel:
    runs = scope.per_second(own.RUNS)
    return graph(
        "What users got",
        "Agent runs by the level of service, as shares: green is the full service, the rest had a fallback model, a "
        "reduced or canned answer, or nothing. Where green falls below the dashed line, the alert fires.",
        SHARE,
        *(
            Query(q.share(scope.per_second(own.RUNS, where=(equals(own.DEGRADATION, level),)), runs), level)
            for level in own.DEGRADATION.values
        ),
        nothing=NO_RUNS,
        limit=Limit(1 - scope.config.thresholds.fallback_share, "below"),
        stack="normal",
        top=1,
        width=width,
        link=link,
    )


def satisfaction(scope: Scope, *, link: str = "") -> Panel:
    return stat(
        "Satisfaction",
        "Mean score that users gave in the time range, from 0 (bad) to 100 % (good).",
        scope.mean(own.FEEDBACK_SCORE, where=FROM_USERS, window=ALL),
        SHARE,
        nothing=NO_FEEDBACK,
        decimals=0,
        link=link,
    )


def retries_per_call(scope: Scope, *, width: int = 8) -> Panel:
    by = (genai.PROVIDER,)
    return graph(
        "Retries per call by provider",
        "Hidden retries for each model call, by provider. The dashed line is the limit of the alert.",
        COUNT,
        Query(q.share(scope.per_second(own.CALL_RETRIES, *by), scope.per_second(own.CALLS, *by)), scope.name(*by)),
        nothing=NO_CALLS,
        limit=Limit(scope.config.thresholds.retries_per_call),
        width=width,
    )


def retries_by_status(scope: Scope, *, width: int = 8) -> Panel:
    return graph(
        "Hidden retries by status",
        "Attempts per minute that client libraries, frameworks or the program made again, by the HTTP status (or "
        "timeout, connection) of the failed attempt. The program sees none of these; they cost time.",
        PER_MINUTE,
        Query(scope.per_minute(own.CALL_RETRIES, own.RETRY_STATUS), scope.name(own.RETRY_STATUS)),
        nothing="no retries",
        stack="normal",
        width=width,
    )


def calls_by_outcome(scope: Scope, *, width: int = 8, link: str = "") -> Panel:
    return graph(
        "Model calls by outcome",
        "Model calls per minute by how they ended. Abandoned: the program left a stream before its end.",
        PER_MINUTE,
        Query(scope.per_minute(own.CALLS, own.OUTCOME), scope.name(own.OUTCOME)),
        nothing=NO_CALLS,
        stack="normal",
        width=width,
        link=link,
    )


def errors_by_provider(scope: Scope, *, width: int = 8) -> Panel:
    return graph(
        "Error share by provider",
        "Share of the model calls that ended in an error, by provider. The dashed line is the limit of the alert.",
        SHARE,
        Query(error_share(scope, genai.PROVIDER), scope.name(genai.PROVIDER)),
        nothing=NO_CALLS,
        limit=Limit(scope.config.thresholds.error_share),
        width=width,
    )


def latency(scope: Scope, *, width: int = 8) -> Panel:
    return graph(
        "Latency",
        "Duration of model calls as the program waits for them: retries included, streams to their end. The dashed "
        "line is the limit of the latency objective; the dots are single calls that lead to their traces. Embeddings "
        "are not counted.",
        SECONDS,
        *scope.percentiles(scope.config.call_duration, *scope.config.served),
        nothing=NO_CALLS,
        limit=Limit(scope.config.slo.latency_s),
        width=width,
    )


def cost_by_model(scope: Scope, *, width: int = 12, link: str = "") -> Panel:
    return graph(
        "Cost per hour by model",
        "USD per hour at the present pace, by the model that was asked for; priced calls only. The dashed line is an "
        "even share of the budget.",
        USD,
        Query(scope.per_hour(own.COST, genai.REQUEST_MODEL), scope.name(genai.REQUEST_MODEL)),
        nothing=NO_COST,
        limit=even_budget(scope),
        stack="normal",
        width=width,
        link=link,
    )


def rate_limits(scope: Scope, *by: Label) -> q.Expr:
    """Attempts per minute that a provider turned away with 429, retried or not."""
    retried = scope.per_minute(own.CALL_RETRIES, *by, where=RETRIED_429)
    final = scope.per_minute(own.CALLS, *by, where=RATE_LIMITED)
    return q.match("or", q.match("or", retried + final, retried), final)
