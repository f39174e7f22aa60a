"""Alerts on the telemetry itself: silence, errors of agentobs, dropped telemetry."""

from __future__ import annotations

from agentobs.catalogue import own

from .. import promql as q
from ..config import PackConfig
from ..rules import grown
from .model import FIGURE, Alert


def alerts(config: PackConfig) -> tuple[Alert, ...]:
    service = (config.service,)
    stage, reason = (config.service, own.STAGE), (config.service, own.DROP_REASON)
    seen = q.max_by(q.over_time("present", own.INFO, "3h"), *service)
    heard = q.max_by(q.over_time("present", own.INFO, "10m"), *service)
    return (
        Alert(
            name="AgentObsNoTelemetry",
            expr=q.match("unless", seen, heard),
            by=service,
            for_="5m",
            severity="warning",
            summary="A service that sent telemetry has fallen silent.",
            description="Nothing has come from {0} for more than 10 minutes, though it did in the last 3 hours.",
            meaning="No process of the service is seen any more. Every process reports itself, also while it has no "
            "calls, so this is not a lack of traffic.",
            impact="Nothing of the service is watched; all its other alerts are blind.",
            check=(
                "Do its processes run? If they were stopped on purpose, this ends by itself after 3 hours.",
                "Scraped: is the target up? Pushed: does the collector refuse, is its queue full?",
            ),
            mend=(
                "Start the service, or mend the way from it to Prometheus.",
                "Batch jobs: silence this alert for them by their service.",
            ),
            dashboard="overview",
            panel="Model calls",
        ),
        Alert(
            name="AgentObsInternalErrors",
            expr=grown(config, own.INTERNAL_ERRORS, "15m", *stage) > 0,
            by=stage,
            for_="0s",
            severity="warning",
            summary="agentobs caught errors of its own.",
            description=f"agentobs in {{0}} caught {FIGURE} errors of its own in stage {{1}} in 15 minutes.",
            meaning="Something in agentobs, or in an exporter or processor that it calls, raised an exception. It was "
            "caught before it reached the program.",
            impact="The program is not touched, but telemetry is missing.",
            check=(
                "The log of the service names the exception, once for each kind.",
                "Was a client library or OpenTelemetry updated?",
            ),
            mend=(
                "An exporter of your own: mend it. agentobs itself: report it with the text of the log.",
                "Until then go back to the versions that worked.",
            ),
            dashboard="overview",
            panel="Own errors and drops",
        ),
        Alert(
            name="AgentObsTelemetryDropped",
            expr=grown(config, own.DROPPED, "15m", *reason) > 0,
            by=reason,
            for_="0s",
            severity="warning",
            summary="agentobs dropped telemetry.",
            description=f"agentobs in {{0}} dropped {FIGURE} items in 15 minutes: {{1}}.",
            meaning="A queue was full, a limit was reached, or a process ended before it could send.",
            impact="Figures are too low, traces incomplete; the program is not touched.",
            check=("The reason in the description.", "Is the backend or the collector slow or away?"),
            mend=("Backend away: mend it. Too much for one process: sample, or raise the limit that is named.",),
            dashboard="overview",
            panel="Own errors and drops",
        ),
    )
