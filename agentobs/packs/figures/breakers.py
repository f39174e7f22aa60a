"""Circuit breakers: open for long, flapping, turning calls away, near to tripping."""

from __future__ import annotations

from agentobs.catalogue import own

from .. import promql as q
from ..boards import BREAKERS
from ..config import PackConfig
from ..figure import NUMBER, PERCENT, Alert, Figure, Graph, Stat, Subject, enough
from ..names import INSTANCE, Label, equals
from ..panels import COUNT, GREEN, PER_MINUTE, RED, SHARE, WHOLE, YELLOW, Limit, Query, State
from ..recording import grown, rounded
from ..selection import Selection, over_all, over_range, over_time, series_name

_OPEN = equals(own.BREAKER_STATE, "open")
_HALF_OPEN = equals(own.BREAKER_STATE, "half_open")
_REJECTED = (equals(own.BREAKER_OUTCOME, "rejected"),)
_NO_BREAKERS = "no breakers seen"


def states(config: PackConfig) -> Figure:
    """Breakers that are open in at least one process, with the alert on those that stay so."""
    limits, by = config.thresholds, (config.service, own.BREAKER_NAME)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.max_by(over.gauge(own.BREAKER_STATES, _OPEN), *by)

    half_open = q.max_by(over_time(config).gauge(own.BREAKER_STATES, _HALF_OPEN), *by)
    return Figure(
        measure=measure,
        unit=WHOLE,
        empty=_NO_BREAKERS,
        limit=Limit(1),
        stat=Stat(
            "Open breakers",
            "Breakers that are open now in at least one process: their calls are turned away at once.",
            q.sum_by(measure(over_range(config), *by)),
        ),
        graph=Graph(
            "Breaker states",
            "State of each breaker over time, the worst of all processes: open turns calls away, half-open lets one "
            "through to try.",
            queries=(Query(measure(over_time(config), *by) * 2 + half_open, series_name(config, *by)),),
            unit="none",
            limited=False,
            type="state-timeline",
            states=(
                State(0, "closed", GREEN),
                State(1, "half-open", YELLOW),
                State(2, "open", RED),
                State(3, "open", RED),
            ),
        ),
        alerts=(
            Alert(
                name="AgentObsBreakerOpen",
                expr=measure(over_all(config, ""), *by) > 0,
                by=by,
                for_=f"{round(limits.breaker_open_minutes * 60)}s",
                severity="warning",
                summary="A circuit breaker has been open for several minutes.",
                description=f"The breaker {{1}} of {{0}} has been open for {limits.breaker_open_minutes:g} minutes in "
                "at least one process.",
                meaning="At least one process has had this breaker open for `thresholds.breaker_open_minutes`. A "
                "breaker of pybreaker leaves the state only with the next call, so without calls it stays open.",
                impact="What it guards is not called; users get the fallback, or an error where there is none.",
                check=(
                    "Which provider or tool does it guard, and what error made it open?",
                    "Are there calls at all? Without any it cannot close.",
                ),
                fix=(
                    "Repair or replace what it guards; it closes by itself when a trial call succeeds.",
                    "If trial calls succeed elsewhere, look at this process: DNS, network, key.",
                ),
                options=("thresholds.breaker_open_minutes",),
            ),
        ),
    )


def openings(config: PackConfig) -> Figure:
    """How often breakers opened, with the alert on flapping ones."""
    limits, by = config.thresholds, (config.service, own.BREAKER_NAME)
    hour = Selection(config, "1h", "increase", filtered=True)
    most = q.max_by(grown(config, own.BREAKER_TRANSITIONS, "1h", *by, INSTANCE, where=(_OPEN,)), *by)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.BREAKER_TRANSITIONS, *by, where=(_OPEN,))

    breakers = q.sum_by(over_range(config).gauge(own.BREAKER_STATES))
    limit = Limit(limits.breaker_openings_per_hour)
    return Figure(
        measure=measure,
        unit=WHOLE,
        empty=_NO_BREAKERS,
        limit=limit,
        stat=Stat(
            "Openings",
            "How often breakers opened in the time range, all processes together.",
            # 0 where there are breakers that never opened.
            q.match("or", measure(over_range(config)), breakers * 0),
            limited=False,
        ),
        graph=Graph(
            "Openings in the hour before",
            "How often each breaker opened within an hour, in the process in which it did most. Above the dashed line it "
            "flaps: it closes before the provider is well.",
            queries=(Query(q.max_by(measure(hour, *by, INSTANCE), *by), series_name(config, *by)),),
            unit=COUNT,
            empty="no breaker opened",
        ),
        alerts=(
            Alert(
                name="AgentObsBreakerFlapping",
                expr=limit.past(rounded(most)),
                by=by,
                for_="1m",
                severity="warning",
                summary="A circuit breaker opens again and again.",
                description=f"The breaker {{1}} of a process of {{0}} opened {NUMBER} times in an hour.",
                meaning="It opens, lets a trial call through, closes, and opens again, more often in an hour than "
                "`thresholds.breaker_openings_per_hour`, in one and the same process.",
                impact="Users see answers and failures by turns; the failing provider gets no rest.",
                check=(
                    "Is the provider half up (overload, rate limit)? See errors by class.",
                    "Are the reset timeout or the failure limit too small for this traffic?",
                ),
                fix=(
                    "Raise the reset timeout; ask for several successes before it closes.",
                    "Send the traffic elsewhere while the provider is unstable.",
                ),
                options=("thresholds.breaker_openings_per_hour",),
            ),
        ),
    )


def rejected(config: PackConfig) -> Figure:
    """Share of the guarded calls that a breaker turned away."""
    limits, by = config.thresholds, (config.service, own.BREAKER_NAME)
    limit, outage = Limit(limits.rejected_share), Limit(limits.rejected_outage)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.share(over.growth(own.BREAKER_CALLS, *by, where=_REJECTED), over.growth(own.BREAKER_CALLS, *by))

    return Figure(
        measure=measure,
        unit=SHARE,
        empty=_NO_BREAKERS,
        limit=limit,
        stat=Stat(
            "Rejected calls",
            "Share of the guarded calls in the time range that a breaker turned away at once.",
            decimals=1,
        ),
        graph=Graph(
            "Rejected share by breaker",
            "Share of the guarded calls that each breaker turned away. The dashed line is the limit of the alert.",
            by=by,
            top=1,
        ),
        alerts=(
            Alert(
                name="AgentObsCallsRejected",
                # The short window keeps one opening of a minute quiet, which is what breakers are for.
                expr=limit.past(measure(over_all(config, "10m"), *by))
                & limit.past(measure(over_all(config, "3m"), *by))
                & enough(own.BREAKER_CALLS, "10m", limits.minimum_calls, *by),
                by=by,
                for_="5m",
                severity="warning",
                summary="A circuit breaker turns away a large share of the calls.",
                description=f"The breaker {{1}} of {{0}} turned away {PERCENT} of its calls in 10 minutes.",
                meaning="More than `thresholds.rejected_share` of the guarded calls were never made, because the "
                "breaker was open. Unlike its state this says how many users it hits.",
                impact="Each rejected call is a fallback or an error for a user.",
                check=("Is a fallback behind the breaker, and does it serve? See fallbacks by reason.",),
                fix=(
                    "As for AgentObsBreakerOpen; until then see to it that the fallback holds.",
                    "No fallback: give it one, and tell users that the service is reduced.",
                ),
                options=("thresholds.rejected_share", "thresholds.minimum_calls"),
            ),
            Alert(
                name="AgentObsBreakerOutage",
                expr=outage.past(measure(over_all(config, "3m"), *by))
                & enough(own.BREAKER_CALLS, "3m", limits.minimum_failures, *by, where=_REJECTED),
                by=by,
                for_="3m",
                severity="critical",
                summary="A circuit breaker turns away most of the calls.",
                description=f"The breaker {{1}} of {{0}} turned away {PERCENT} of its calls in 3 minutes.",
                meaning="More than `thresholds.rejected_outage` of the guarded calls were never made, for minutes: what "
                "the breaker guards is out for this service. Rejected calls are no model calls, so neither the error "
                "share nor the objectives see them.",
                impact="Nearly every user gets the fallback, or an error where there is none.",
                check=(
                    "Is there a fallback, and does it serve? See what users got.",
                    "What made it open: the last errors before the first opening.",
                ),
                fix=("As for AgentObsBreakerOpen, and now: move the traffic to another provider or model.",),
                options=("thresholds.rejected_outage", "thresholds.minimum_failures"),
            ),
        ),
    )


def guarded(config: PackConfig) -> Figure:
    """Calls through breakers."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.BREAKER_CALLS, *by)

    return Figure(
        measure=measure,
        unit=WHOLE,
        empty=_NO_BREAKERS,
        graph=Graph(
            "Guarded calls by outcome",
            "Calls through breakers per minute. Rejected ones were never made; ignored ones raised an exception that "
            "the breaker was told not to count.",
            by=(own.BREAKER_OUTCOME,),
            unit=PER_MINUTE,
            stack="normal",
        ),
    )


def to_trip(config: PackConfig) -> Figure:
    """Failures that are missing until a breaker opens, in the process that is nearest to it."""
    keys = (config.service, own.BREAKER_NAME)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        limit = q.min_by(over.gauge(own.BREAKER_FAIL_LIMIT), *by)
        return q.clamp_min(limit - q.max_by(over.gauge(own.BREAKER_FAIL_COUNT), *by), 0)

    return Figure(
        measure=measure,
        unit=COUNT,
        empty=_NO_BREAKERS,
        stat=Stat(
            "To next trip",
            "Consecutive failures that are missing now until the breaker that is nearest to it opens.",
            q.min_by(measure(over_range(config), *keys)),
        ),
        graph=Graph(
            "Failures to trip",
            "Consecutive failures that are missing until each breaker opens, in the process that is nearest to it. At "
            "0 it has opened.",
            queries=(Query(measure(over_time(config), *keys), series_name(config, *keys)),),
        ),
    )


SUBJECT = Subject("breakers", "Circuit breakers", BREAKERS, (states, openings, rejected, guarded, to_trip))
