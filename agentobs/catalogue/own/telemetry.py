"""agentobs itself: version, errors, losses."""

from __future__ import annotations

from ..model import Attribute, Kind, Metric
from ..values import Conventions, MetricsPath, values_of

STAGE = Attribute(
    "agentobs.stage",
    "string",
    "The stage of agentobs in which an error of its own was caught.",
    bound=30,
)
DROP_REASON = Attribute("agentobs.drop.reason", "string", "Why telemetry was dropped.", bound=20)
VERSION = Attribute("agentobs.version", "string", "Version of agentobs.", bound=2)
CONVENTIONS = Attribute("agentobs.conventions", "string", "Names in use.", values=values_of(Conventions))
PRICES_DATE = Attribute("agentobs.prices.date", "string", "Date of the bundled price table.", bound=2)
METRICS_PATH = Attribute(
    "agentobs.metrics.path",
    "string",
    "The way that these metrics took: OpenTelemetry or prometheus_client; of_both where the process uses both, so that one "
    "Prometheus that gets both counts everything twice.",
    values=values_of(MetricsPath),
)
INTERNAL_ERRORS = Metric(
    "agentobs.internal.errors",
    Kind.COUNTER,
    "{error}",
    "Errors of agentobs itself, caught before they reached the program.",
    (STAGE,),
)
DROPPED = Metric("agentobs.dropped", Kind.COUNTER, "{item}", "Telemetry that agentobs dropped.", (DROP_REASON,))
INFO = Metric(
    "agentobs.info",
    Kind.UP_DOWN_COUNTER,
    "{process}",
    "1 for each process that runs agentobs.",
    (VERSION, CONVENTIONS, PRICES_DATE, METRICS_PATH),
)
