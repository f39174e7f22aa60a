"""The telemetry itself: who reports, what agentobs got wrong or dropped, which alerts fire."""

from __future__ import annotations

from agentobs.catalogue import own
from agentobs.catalogue.values import MetricsPath

from .. import promql as q
from ..boards import OVERVIEW
from ..config import PackConfig
from ..figure import NUMBER, Alert, Figure, Graph, Stat, Subject, Table
from ..names import ALERT_NAME, ALERT_STATE, ALERTS, SEVERITY, Label, Matcher, equals, like
from ..panels import COUNT, PER_MINUTE, WHOLE, Column, Limit, Query
from ..recording import grown, rounded
from ..selection import Selection, over_time, series_name


def _shown(path: MetricsPath, /, *by: Label) -> q.Expr:
    return q.max_by(q.read(own.INFO, equals(own.METRICS_PATH, path)), *by)


def processes(config: PackConfig) -> Figure:
    """Processes that report, with the alert on silence."""
    service = (config.service,)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.sum_by(over.gauge(own.INFO), *by)

    # A process that ends in good order has 0 as its last value, where there is still somebody to take it.
    seen = q.max_by(q.over_time("last", own.INFO, "3h"), *service) > 0
    recent = q.max_by(q.over_time("present", own.INFO, "10m"), *service)
    return Figure(
        measure=measure,
        unit=COUNT,
        empty="no process reports",
        graph=Graph(
            "Processes",
            "Processes that report, by service and by version of agentobs. A fall to nothing is silence, not health.",
            by=(config.service, own.VERSION),
            stack="normal",
        ),
        alerts=(
            Alert(
                name="AgentObsNoTelemetry",
                expr=q.match("unless", seen, recent),
                by=service,
                for_="5m",
                severity="warning",
                summary="A service that sent telemetry has fallen silent.",
                description="Nothing has come from {0} for more than 10 minutes, though it did in the last 3 hours.",
                meaning="No process of the service is seen any more. Every process reports itself, also while it has no "
                "calls, so this is not a lack of traffic. A process that pushes says goodbye at an orderly end "
                "(`agentobs_info` is 0), so batch jobs and services that were stopped do not get here; one that is "
                "scraped cannot, and one that was killed did not.",
                impact="Nothing of the service is watched; all its other alerts are blind.",
                check=(
                    "Do its processes run? If scraped ones were stopped on purpose, this ends by itself after 3 hours.",
                    "Scraped: is the target up? Pushed: does the collector refuse, is its queue full?",
                ),
                fix=("Start the service, or repair the way from it to Prometheus.",),
            ),
            Alert(
                name="AgentObsCountedTwice",
                expr=q.match("and", _shown("otel_of_both", *service) > 0, _shown("prometheus_of_both") > 0, on=()),
                by=service,
                for_="10m",
                severity="warning",
                summary="The metrics of a service arrive on two ways and count twice.",
                description="The metrics of {0} come by OpenTelemetry, and by a scrape of prometheus_client too.",
                meaning="A process shows its metrics on both ways (`agentobs_metrics_path` of `agentobs_info` says so), "
                "and this Prometheus gets both.",
                impact="Calls, tokens and cost are twice what they are.",
                check=(
                    "The report of `instrument()` names both ways; `metrics=` or AGENTOBS_METRICS asks for both.",
                    "Does Prometheus scrape the service and take its OTLP as well, itself or from a collector?",
                ),
                fix=("Take one of the two away: `metrics='otel'`, `metrics='prometheus'`, or the scrape job.",),
            ),
        ),
    )


def own_errors(config: PackConfig) -> Figure:
    """What went wrong in agentobs itself."""
    stage, reason = (config.service, own.STAGE), (config.service, own.DROP_REASON)
    over = over_time(config)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.INTERNAL_ERRORS, *by)

    dropped = over.growth(own.DROPPED, own.DROP_REASON) * 60
    return Figure(
        measure=measure,
        unit=WHOLE,
        empty="neither errors nor drops",
        graph=Graph(
            "Own errors and drops",
            "What went wrong in agentobs itself, per minute: errors that it caught, by the stage in which they "
            "happened, and telemetry that it dropped, by reason. The program is not disturbed by either, but figures "
            "are missing.",
            queries=(
                Query(measure(over, own.STAGE) * 60, f"error: {series_name(config, own.STAGE)}"),
                Query(dropped, f"dropped: {series_name(config, own.DROP_REASON)}"),
            ),
            unit=PER_MINUTE,
            stack="normal",
        ),
        alerts=(
            Alert(
                name="AgentObsInternalErrors",
                expr=grown(config, own.INTERNAL_ERRORS, "15m", *stage) > 0,
                by=stage,
                for_="0s",
                severity="warning",
                summary="agentobs caught errors of its own.",
                description=f"agentobs in {{0}} caught {NUMBER} errors of its own in stage {{1}} in 15 minutes.",
                meaning="Something in agentobs, or in an exporter or processor that it calls, raised an exception. It "
                "was caught before it reached the program.",
                impact="The program is not touched, but telemetry is missing.",
                check=(
                    "The log of the service names the exception, once for each kind.",
                    "Was a client library or OpenTelemetry updated?",
                ),
                fix=(
                    "An exporter of your own: repair it. agentobs itself: report it with the text of the log.",
                    "Until then go back to the versions that worked.",
                ),
            ),
            Alert(
                name="AgentObsTelemetryDropped",
                expr=rounded(grown(config, own.DROPPED, "15m", *reason)) >= config.thresholds.dropped_items,
                by=reason,
                for_="0s",
                severity="warning",
                summary="agentobs dropped telemetry.",
                description=f"agentobs in {{0}} dropped {NUMBER} items in 15 minutes: {{1}}.",
                meaning="A queue was full, a limit was reached, or a process ended before it could send, and "
                "`thresholds.dropped_items` or more were lost by it in 15 minutes.",
                impact="Figures are too low, traces incomplete; the program is not touched.",
                check=("The reason in the description.", "Is the backend or the collector slow or away?"),
                fix=(
                    "Backend away: bring it back. Too much for one process: sample, or raise the limit that is named.",
                ),
                options=("thresholds.dropped_items",),
            ),
        ),
    )


def firing_by(config: PackConfig, *where: Matcher) -> q.Expr:
    """Firing alerts of the pack; those that have no service count too."""
    pack = (equals(ALERT_STATE, "firing"), like(ALERT_NAME, "AgentObs.*"), like(config.service, "$service|"))
    matchers = (*pack, *where)
    return q.max_by(q.read(ALERTS, *matchers), ALERT_NAME, SEVERITY, config.service)


def firing(config: PackConfig) -> Figure:
    """Alerts of the pack that fire now."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return firing_by(over.config)

    return Figure(
        measure=measure,
        unit=WHOLE,
        empty="no alert fires",
        limit=Limit(1),
        stat=Stat(
            "Alerts firing",
            "Alerts of this pack that fire now. They come from the rules in alerts/, which your Prometheus must have "
            "loaded.",
            q.count_by(firing_by(config)),
            empty="none",
        ),
        table=Table(
            "Alerts that fire now",
            "Alerts of this pack that fire now, with their severity. The runbook says what each means and how to fix "
            "it.",
            ((ALERT_NAME, "Alert"), (SEVERITY, "Severity"), (config.service, "Service")),
            (Column("Firing", firing_by(config), WHOLE, Limit(1)),),
            widths=(("Severity", 100), ("Service", 120), ("Firing", 80)),
        ),
    )


SUBJECT = Subject("telemetry", "The telemetry itself", OVERVIEW, (processes, own_errors, firing))
