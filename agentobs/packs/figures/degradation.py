"""What users get: levels of service, whether they are told, and the fallbacks behind it."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..boards import BREAKERS
from ..config import PackConfig
from ..figure import PERCENT, Alert, Figure, Graph, Stat, Subject, Table, enough
from ..names import Label, differs, equals
from ..panels import PER_MINUTE, SHARE, WHOLE, Column, Limit, Query
from ..selection import Selection, over_all, over_range, over_time
from .conditions import FAILED, NO_RUNS

_NOT_FAILED = (differs(own.OUTCOME, "error"),)
"""A run that failed left its user with nothing, whatever level it had reached before."""
_DEGRADED = (differs(own.DEGRADATION, "full"),)
_UNTOLD = (*_DEGRADED, equals(own.NOTICE, "missing"))
_NO_FALLBACKS = "no fallbacks"
_NO_DEGRADED = "no degraded runs"


def degraded(config: PackConfig) -> Figure:
    """Share of the runs whose user got less than the full service."""
    limits, by = config.thresholds, (config.service, genai.AGENT_NAME)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        in_full = over.growth(own.RUNS, *by, where=(equals(own.DEGRADATION, "full"), *_NOT_FAILED))
        return q.match("-", q.Number(1), q.share(in_full, over.growth(own.RUNS, *by)))

    def level(name: str) -> Query:
        over = over_time(config)
        part = over.growth(own.RUNS, where=(equals(own.DEGRADATION, name), *_NOT_FAILED))
        if name == "unavailable":
            none = over.growth(own.RUNS) * 0
            part = (part | none) + (over.growth(own.RUNS, where=FAILED) | none)
        return Query(q.share(part, over.growth(own.RUNS)), name)

    limit = Limit(limits.fallback_share)
    return Figure(
        measure=measure,
        unit=SHARE,
        empty=NO_RUNS,
        limit=limit,
        stat=Stat(
            "Degraded runs",
            "Share of the agent runs in the time range whose user got less than the full service: a fallback model, a "
            "reduced or canned answer, or none. A run that failed gave none.",
            decimals=1,
        ),
        graph=Graph(
            "What users got",
            "Agent runs by the level of service, as shares: green is the full service, the rest had a fallback model, "
            "a reduced or canned answer, or nothing. Where green falls below the dashed line, the alert fires.",
            queries=tuple(level(name) for name in own.DEGRADATION.values),
            limit=Limit(1 - limits.fallback_share, "below"),
            stack="normal",
            top=1,
        ),
        alerts=(
            Alert(
                name="AgentObsFallbackShare",
                expr=limit.past(measure(over_all(config, "15m"), *by))
                & enough(own.RUNS, "15m", limits.minimum_calls, *by),
                by=by,
                for_="5m",
                severity="warning",
                summary="A large share of an agent's runs is not served in full.",
                description=f"{PERCENT} of the runs of {{1}} in {{0}} in 15 minutes were degraded.",
                meaning="More than `thresholds.fallback_share` of the runs ended on a fallback model, with reduced or "
                "canned answers, unavailable, or in an error.",
                impact="Users get answers, but worse ones; calls without error hide it.",
                check=("Which level, and why: fallbacks by reason.", "Which breaker is open, which provider fails?"),
                fix=(
                    "Treat the reason: see AgentObsProviderErrors and AgentObsBreakerOpen.",
                    "If the fallback is good enough for long, make it the first choice.",
                ),
                options=("thresholds.fallback_share", "thresholds.minimum_calls"),
            ),
        ),
    )


def untold(config: PackConfig) -> Figure:
    """Share of the degraded runs whose user was not told."""
    limits, by = config.thresholds, (config.service, genai.AGENT_NAME)
    limit = Limit(limits.missing_notice_share)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.share(over.growth(own.RUNS, *by, where=_UNTOLD), over.growth(own.RUNS, *by, where=_DEGRADED))

    def notice(name: str) -> Query:
        over = over_time(config)
        part = over.growth(own.RUNS, where=(*_DEGRADED, equals(own.NOTICE, name)))
        return Query(q.share(part, over.growth(own.RUNS, where=_DEGRADED)), name)

    return Figure(
        measure=measure,
        unit=SHARE,
        empty=_NO_DEGRADED,
        limit=limit,
        stat=Stat(
            "Not told",
            "Share of the degraded runs in the time range whose user was not told that the service is reduced.",
            decimals=1,
        ),
        graph=Graph(
            "Degraded runs: was the user told",
            "Degraded runs by whether their user was told that the service is reduced, as shares; red was not told. "
            "Where red rises above the dashed line, the alert fires.",
            queries=(notice("missing"), notice("shown")),
            stack="normal",
            top=1,
        ),
        alerts=(
            Alert(
                name="AgentObsDegradedUntold",
                expr=limit.past(measure(over_all(config, "1h"), *by))
                & enough(own.RUNS, "1h", limits.minimum_calls, *by, where=_DEGRADED),
                by=by,
                for_="5m",
                severity="warning",
                summary="Users of an agent get a degraded service and are not told.",
                description=f"{PERCENT} of the degraded runs of {{1}} in {{0}} in an hour had no notice to the user.",
                meaning="Runs were degraded, and in more than `thresholds.missing_notice_share` of them the program "
                "showed no notice.",
                impact="Users trust a weaker answer like a full one.",
                check=(
                    "Which fallback has no notice? Look at traces of runs whose notice is `missing`.",
                    "Did the notice get lost in a new user interface?",
                ),
                fix=("Show a notice on every path of the fallback ladder, and report it to agentobs.",),
                options=("thresholds.missing_notice_share", "thresholds.minimum_calls"),
            ),
        ),
    )


def fallbacks(config: PackConfig) -> Figure:
    """How often something else than the first choice was tried, and whether that served."""
    keys, over = (own.FALLBACK_FROM, own.FALLBACK_TO, own.FALLBACK_KIND, own.FALLBACK_REASON), over_range(config)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.FALLBACKS, *by)

    served = over.growth(own.FALLBACKS, *keys, where=(equals(own.FALLBACK_OUTCOME, "success"),))
    return Figure(
        measure=measure,
        unit=WHOLE,
        empty=_NO_FALLBACKS,
        stat=Stat(
            "Fallbacks",
            "How often something else than the first choice was tried in the time range.",
            q.or_zero(measure(over)),
        ),
        graph=Graph(
            "Fallbacks by reason",
            "Fallbacks per minute, by why the first choice did not serve.",
            by=(own.FALLBACK_REASON,),
            unit=PER_MINUTE,
            stack="normal",
        ),
        table=Table(
            "Fallback ladder",
            "From what to what it fell in the time range, why, how often, and how often that served.",
            (
                (own.FALLBACK_FROM, "From"),
                (own.FALLBACK_TO, "To"),
                (own.FALLBACK_KIND, "Kind"),
                (own.FALLBACK_REASON, "Reason"),
            ),
            (
                Column("Times", measure(over, *keys), WHOLE),
                Column("Served", q.share(served, measure(over, *keys)), SHARE),
            ),
        ),
    )


def failed_fallbacks(config: PackConfig) -> Figure:
    """Share of the fallbacks that did not serve either."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        failed = over.growth(own.FALLBACKS, *by, where=(equals(own.FALLBACK_OUTCOME, "failure"),))
        return q.share(failed, over.growth(own.FALLBACKS, *by))

    return Figure(
        measure=measure,
        unit=SHARE,
        empty=_NO_FALLBACKS,
        decimals=1,
        stat=Stat("Failed fallbacks", "Share of the fallbacks in the time range that did not serve either."),
    )


SUBJECT = Subject("degradation", "What users get", BREAKERS, (degraded, untold, fallbacks, failed_fallbacks))
