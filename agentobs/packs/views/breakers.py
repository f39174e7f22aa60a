"""Breakers, retries, fallbacks, and what users got instead."""

from __future__ import annotations

from agentobs.catalogue import own

from .. import promql as q
from ..config import PackConfig
from ..names import equals, none_of
from ..panels import COUNT, PER_MINUTE, SHARE, WHOLE, Column, Limit, Panel, Query, Row, View, graph, stat, table
from . import figures
from .figures import NO_BREAKERS
from .scope import BREAKERS, Scope

_REJECTED = (equals(own.BREAKER_OUTCOME, "rejected"),)
_OPENED = (equals(own.BREAKER_STATE, "open"),)
_UNTOLD = (equals(own.NOTICE, "missing"),)
_DEGRADED = (none_of(own.NOTICE, "not_needed"),)
_NO_FALLBACKS = "no fallbacks"


def view(config: PackConfig) -> View:
    scope = Scope(config)
    return scope.view(
        BREAKERS,
        "Agents: breakers and degradation",
        "What protects the agent, how near it is to tripping, and what users get when it does.",
        Row(
            "",
            (
                figures.open_breakers(scope),
                _nearest(scope),
                _rejected_share(scope),
                _opened(scope),
                _fallbacks(scope),
                _failed_fallbacks(scope),
                figures.degraded_share(scope),
                _untold(scope),
            ),
        ),
        Row("Breakers", (figures.breaker_states(scope, width=12), _distance(scope))),
        Row("", (_guarded(scope), _rejected(scope), _openings(scope))),
        Row("Retries and fallbacks", (figures.retries_by_status(scope, width=12), _reasons(scope))),
        Row("", (_ladder(scope),)),
        Row("Users", (figures.degradation(scope), _notices(scope))),
    )


def _to_trip(scope: Scope) -> q.Expr:
    """Failures that are missing until a breaker opens, in the process that is nearest to it."""
    keys = (scope.service, own.BREAKER_NAME)
    limit = q.min_by(scope.now(own.BREAKER_FAIL_LIMIT), *keys)
    return q.clamp_min(limit - q.max_by(scope.now(own.BREAKER_FAIL_COUNT), *keys), 0)


def _nearest(scope: Scope) -> Panel:
    return stat(
        "To next trip",
        "Consecutive failures that are missing until the breaker that is nearest to it opens.",
        q.min_by(_to_trip(scope)),
        COUNT,
        nothing=NO_BREAKERS,
    )


def _rejected_share(scope: Scope) -> Panel:
    return stat(
        "Rejected calls",
        "Share of the guarded calls in the time range that a breaker turned away at once.",
        q.share(scope.total(own.BREAKER_CALLS, where=_REJECTED), scope.total(own.BREAKER_CALLS)),
        SHARE,
        nothing=NO_BREAKERS,
        limit=Limit(scope.config.thresholds.rejected_share),
        decimals=1,
    )


def _opened(scope: Scope) -> Panel:
    return stat(
        "Openings",
        "How often breakers opened in the time range, all processes together.",
        q.match("or", scope.total(own.BREAKER_TRANSITIONS, where=_OPENED), _none_of_the_breakers(scope)),
        WHOLE,
        nothing=NO_BREAKERS,
    )


def _none_of_the_breakers(scope: Scope) -> q.Expr:
    """0 where there are breakers."""
    return q.sum_by(scope.now(own.BREAKER_STATES)) * 0


def _fallbacks(scope: Scope) -> Panel:
    return stat(
        "Fallbacks",
        "How often something else than the first choice was tried in the time range.",
        q.or_zero(scope.total(own.FALLBACKS)),
        WHOLE,
        nothing=_NO_FALLBACKS,
    )


def _failed_fallbacks(scope: Scope) -> Panel:
    failed = scope.total(own.FALLBACKS, where=(equals(own.FALLBACK_OUTCOME, "failure"),))
    return stat(
        "Failed fallbacks",
        "Share of the fallbacks in the time range that did not serve either.",
        q.share(failed, scope.total(own.FALLBACKS)),
        SHARE,
        nothing=_NO_FALLBACKS,
        decimals=1,
    )


def _untold(scope: Scope) -> Panel:
    return stat(
        "Not told",
        "Share of the degraded runs in the time range whose user was not told that the service is reduced.",
        q.share(scope.total(own.RUNS, where=_UNTOLD), scope.total(own.RUNS, where=_DEGRADED)),
        SHARE,
        nothing="no degraded runs",
        limit=Limit(scope.config.thresholds.missing_notice_share),
        decimals=1,
    )


def _distance(scope: Scope) -> Panel:
    return graph(
        "Failures to trip",
        "Consecutive failures that are missing until each breaker opens, in the process that is nearest to it. At 0 it "
        "has opened.",
        COUNT,
        Query(_to_trip(scope), scope.name(own.BREAKER_NAME)),
        nothing=NO_BREAKERS,
    )


def _guarded(scope: Scope) -> Panel:
    return graph(
        "Guarded calls by outcome",
        "Calls through breakers per minute. Rejected ones were never made; ignored ones raised an exception that the "
        "breaker was told not to count.",
        PER_MINUTE,
        Query(scope.per_minute(own.BREAKER_CALLS, own.BREAKER_OUTCOME), scope.name(own.BREAKER_OUTCOME)),
        nothing=NO_BREAKERS,
        stack="normal",
        width=8,
    )


def _rejected(scope: Scope) -> Panel:
    keys = (own.BREAKER_NAME,)
    part = scope.per_second(own.BREAKER_CALLS, *keys, where=_REJECTED)
    return graph(
        "Rejected share by breaker",
        "Share of the guarded calls that each breaker turned away. The dashed line is the limit of the alert.",
        SHARE,
        Query(q.share(part, scope.per_second(own.BREAKER_CALLS, *keys)), scope.name(*keys)),
        nothing=NO_BREAKERS,
        limit=Limit(scope.config.thresholds.rejected_share),
        top=1,
        width=8,
    )


def _openings(scope: Scope) -> Panel:
    metric = own.BREAKER_TRANSITIONS
    opened = q.sum_by(q.increase(metric, "1h", *scope.limits(metric), *_OPENED), own.BREAKER_NAME)
    return graph(
        "Openings in the hour before",
        "How often each breaker opened within an hour. Above the dashed line it flaps: it closes before the provider "
        "is well.",
        COUNT,
        Query(opened, scope.name(own.BREAKER_NAME)),
        nothing="no breaker opened",
        limit=Limit(scope.config.thresholds.breaker_openings_per_hour),
        width=8,
    )


def _reasons(scope: Scope) -> Panel:
    return graph(
        "Fallbacks by reason",
        "Fallbacks per minute, by why the first choice did not serve.",
        PER_MINUTE,
        Query(scope.per_minute(own.FALLBACKS, own.FALLBACK_REASON), scope.name(own.FALLBACK_REASON)),
        nothing=_NO_FALLBACKS,
        stack="normal",
    )


def _ladder(scope: Scope) -> Panel:
    keys = (own.FALLBACK_FROM, own.FALLBACK_TO, own.FALLBACK_KIND, own.FALLBACK_REASON)
    total = scope.total(own.FALLBACKS, *keys)
    served = scope.total(own.FALLBACKS, *keys, where=(equals(own.FALLBACK_OUTCOME, "success"),))
    return table(
        "Fallback ladder",
        "From what to what it fell in the time range, why, how often, and how often that served.",
        (
            (own.FALLBACK_FROM, "From"),
            (own.FALLBACK_TO, "To"),
            (own.FALLBACK_KIND, "Kind"),
            (own.FALLBACK_REASON, "Reason"),
        ),
        Column("Times", total, WHOLE),
        Column("Served", q.share(served, total), SHARE),
        nothing=_NO_FALLBACKS,
    )


def _notices(scope: Scope) -> Panel:
    degraded = scope.per_second(own.RUNS, where=_DEGRADED)

    def told(notice: str) -> Query:
        return Query(q.share(scope.per_second(own.RUNS, where=(equals(own.NOTICE, notice),)), degraded), notice)

    return graph(
        "Degraded runs: was the user told",
        "Degraded runs by whether their user was told that the service is reduced, as shares; red was not told. Where "
        "red rises above the dashed line, the alert fires.",
        SHARE,
        told("missing"),
        told("shown"),
        nothing="no degraded runs",
        limit=Limit(scope.config.thresholds.missing_notice_share),
        stack="normal",
        top=1,
    )
