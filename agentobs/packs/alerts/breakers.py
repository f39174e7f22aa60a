"""Alerts on circuit breakers: open for long, flapping, turning calls away."""

from __future__ import annotations

from agentobs.catalogue import own

from .. import promql as q
from ..config import PackConfig
from ..names import equals
from ..rules import grown, rounded
from .model import FIGURE, PERCENT, Alert
from .providers import enough


def alerts(config: PackConfig) -> tuple[Alert, ...]:
    limits, by = config.thresholds, (config.service, own.BREAKER_NAME)

    open_ = q.max_by(q.read(own.BREAKER_STATES, equals(own.BREAKER_STATE, "open")), *by) > 0
    opened = grown(config, own.BREAKER_TRANSITIONS, "1h", *by, where=(equals(own.BREAKER_STATE, "open"),))
    rejected = q.sum_by(q.rate(own.BREAKER_CALLS, "10m", equals(own.BREAKER_OUTCOME, "rejected")), *by)
    guarded = q.sum_by(q.rate(own.BREAKER_CALLS, "10m"), *by)

    return (
        Alert(
            name="AgentObsBreakerOpen",
            expr=open_,
            by=by,
            for_=f"{round(limits.breaker_open_minutes * 60)}s",
            severity="warning",
            summary="A circuit breaker has been open for several minutes.",
            description=f"The breaker {{1}} of {{0}} has been open for {limits.breaker_open_minutes:g} minutes in at "
            "least one process.",
            meaning="At least one process has had this breaker open for `thresholds.breaker_open_minutes`. A breaker of "
            "pybreaker leaves the state only with the next call, so without calls it stays open.",
            impact="What it guards is not called; users get the fallback, or an error where there is none.",
            check=(
                "Which provider or tool does it guard, and what error made it open?",
                "Are there calls at all? Without any it cannot close.",
            ),
            mend=(
                "Mend or replace what it guards; it closes by itself when a trial call succeeds.",
                "If trial calls succeed elsewhere, look at this process: DNS, network, key.",
            ),
            dashboard="breakers",
            panel="Breaker states",
            options=("thresholds.breaker_open_minutes",),
        ),
        Alert(
            name="AgentObsBreakerFlapping",
            expr=rounded(opened) > limits.breaker_openings_per_hour,
            by=by,
            for_="1m",
            severity="warning",
            summary="A circuit breaker opens again and again.",
            description=f"The breaker {{1}} of {{0}} opened {FIGURE} times in an hour.",
            meaning="It opens, lets a trial call through, closes, and opens again, more often in an hour than "
            "`thresholds.breaker_openings_per_hour`, all processes together.",
            impact="Users see answers and failures by turns; the failing provider gets no rest.",
            check=(
                "Is the provider half up (overload, rate limit)? See errors by class.",
                "Are the reset timeout or the failure limit too small for this traffic?",
            ),
            mend=(
                "Raise the reset timeout; ask for several successes before it closes.",
                "Send the traffic elsewhere while the provider is unstable.",
            ),
            dashboard="breakers",
            panel="Openings in the hour before",
            options=("thresholds.breaker_openings_per_hour",),
        ),
        Alert(
            name="AgentObsCallsRejected",
            expr=(q.share(rejected, guarded) > limits.rejected_share)
            & enough(own.BREAKER_CALLS, "10m", limits.minimum_calls, *by),
            by=by,
            for_="5m",
            severity="warning",
            summary="A circuit breaker turns away a large share of the calls.",
            description=f"The breaker {{1}} of {{0}} turned away {PERCENT} of its calls in 10 minutes.",
            meaning="More than `thresholds.rejected_share` of the guarded calls were never made, because the breaker was "
            "open. Unlike its state this says how many users it hits.",
            impact="Each rejected call is a fallback or an error for a user.",
            check=("Is a fallback behind the breaker, and does it serve? See fallbacks by reason.",),
            mend=(
                "As for AgentObsBreakerOpen; until then see to it that the fallback holds.",
                "No fallback: give it one, and tell users that the service is reduced.",
            ),
            dashboard="breakers",
            panel="Rejected share by breaker",
            options=("thresholds.rejected_share", "thresholds.minimum_calls"),
        ),
    )
