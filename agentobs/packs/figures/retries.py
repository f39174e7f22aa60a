"""Attempts that the program does not see: hidden retries, and rate limits that providers set."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..boards import MODELS
from ..config import PackConfig
from ..figure import FACTOR, Alert, Figure, Graph, Stat, Subject, enough
from ..names import Label, equals
from ..panels import COUNT, PER_MINUTE, WHOLE, Limit
from ..selection import Selection, over_all
from .conditions import NO_CALLS

_ENDED_BY_LIMIT = (equals(own.ERROR_CLASS, "rate_limit"),)
_RETRIED_429 = (equals(own.RETRY_STATUS, "429"),)


def per_call(config: PackConfig) -> Figure:
    """Hidden retries for each model call."""
    limits, by = config.thresholds, (config.service, genai.PROVIDER)
    limit = Limit(limits.retries_per_call)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.share(over.growth(own.CALL_RETRIES, *by), over.growth(own.CALLS, *by))

    return Figure(
        measure=measure,
        unit=COUNT,
        empty=NO_CALLS,
        limit=limit,
        stat=Stat(
            "Retries per call",
            "Hidden retries for each model call in the time range. Red above the limit of the alert: the provider is "
            "in trouble, even if the calls succeed in the end.",
            decimals=2,
        ),
        graph=Graph(
            "Retries per call by provider",
            "Hidden retries for each model call, by service and provider. The dashed line is the limit of the alert.",
            by=by,
        ),
        alerts=(
            Alert(
                name="AgentObsRetryStorm",
                expr=limit.past(measure(over_all(config, "10m"), *by))
                & enough(own.CALLS, "10m", limits.minimum_calls, *by),
                by=by,
                for_="5m",
                severity="warning",
                summary="The client library retries a large share of the model calls.",
                description=f"{{0}} makes {FACTOR} hidden retries for each call to {{1}}.",
                meaning="Client libraries retry by themselves and say nothing; here they do so more than "
                "`thresholds.retries_per_call` times for each call.",
                impact="Calls take longer, rate limits are hit harder, and when retries no longer help the calls fail.",
                check=(
                    "What the failed attempts got: 429 is your own rate, 500 to 529 the provider, `timeout` your limit.",
                    "Do several layers retry (client library, framework, your code)? They multiply.",
                ),
                fix=(
                    "429: lower concurrency, honour `retry-after`, ask for quota.",
                    "Leave retrying to one layer: `max_retries=0` in the others.",
                ),
                options=("thresholds.retries_per_call", "thresholds.minimum_calls"),
            ),
        ),
    )


def by_status(config: PackConfig) -> Figure:
    """Hidden retries, by what the failed attempt got."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.CALL_RETRIES, *by)

    return Figure(
        measure=measure,
        unit=WHOLE,
        empty="no retries",
        graph=Graph(
            "Hidden retries by status",
            "Attempts per minute that client libraries, frameworks or the program made again, by the HTTP status (or "
            "timeout, connection) of the failed attempt. The program sees none of these; they cost time.",
            by=(own.RETRY_STATUS,),
            unit=PER_MINUTE,
            stack="normal",
        ),
    )


def rate_limits(config: PackConfig) -> Figure:
    """Attempts that a provider turned away with 429, retried or not."""

    def retried(over: Selection, *by: Label) -> q.Expr:
        return over.growth(own.CALL_RETRIES, *by, where=_RETRIED_429)

    def final(over: Selection, *by: Label) -> q.Expr:
        return over.growth(own.CALLS, *by, where=_ENDED_BY_LIMIT)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        if not by:
            return q.or_zero(retried(over)) + q.or_zero(final(over))
        both = retried(over, *by) + final(over, *by)
        return q.match("or", q.match("or", both, retried(over, *by)), final(over, *by))

    return Figure(
        measure=measure,
        unit=WHOLE,
        empty=NO_CALLS,
        stat=Stat(
            "Rate limits hit",
            "Attempts in the time range that a provider turned away with 429: those that were retried and those that "
            "ended the call.",
        ),
        graph=Graph(
            "Rate limits by provider",
            "Attempts per minute that a provider turned away with 429: those that were retried and those that ended "
            "the call.",
            by=(genai.PROVIDER,),
            unit=PER_MINUTE,
            empty="no rate limits hit",
            stack="normal",
        ),
    )


SUBJECT = Subject("retries", "Retries and rate limits", MODELS, (per_call, by_status, rate_limits))
