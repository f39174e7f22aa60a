"""What all views share: variables, the matchers they put on every query, annotations, and how queries are begun."""

from __future__ import annotations

from dataclasses import dataclass

from agentobs.catalogue import Attribute, Metric, genai, own

from .. import promql as q
from ..config import PackConfig
from ..names import ALERT_NAME, ALERT_STATE, ALERTS, SEVERITY, Label, Matcher, Part, TargetLabel, equals, legend, like
from ..panels import ORANGE, RED, Annotation, Panel, Query, Row, Variable, View

W = q.RATE_INTERVAL
ALL = q.RANGE
OVERVIEW, MODELS, COST, BREAKERS, DECISIONS = (
    "agentobs-overview",
    "agentobs-models",
    "agentobs-cost",
    "agentobs-breakers",
    "agentobs-decisions",
)

_FILTERS: tuple[tuple[str, Attribute], ...] = (
    ("agent", genai.AGENT_NAME),
    ("provider", genai.PROVIDER),
    ("model", genai.REQUEST_MODEL),
)


@dataclass(frozen=True, slots=True)
class Scope:
    """The queries of a view under one configuration: each is limited by the variables whose labels its metric has."""

    config: PackConfig

    @property
    def service(self) -> TargetLabel:
        return self.config.service

    def limits(self, metric: Metric) -> tuple[Matcher, ...]:
        """The matchers of the variables."""
        own_labels = (like(label, f"${name}") for name, label in _FILTERS if label in metric.labels)
        return (like(self.service, "$service"), *own_labels)

    def per_second(self, metric: Metric, *by: Label, where: tuple[Matcher, ...] = (), part: Part = "") -> q.Expr:
        return q.sum_by(q.rate(metric, W, *self.limits(metric), *where, part=part), *by)

    def per_minute(self, metric: Metric, *by: Label, where: tuple[Matcher, ...] = (), part: Part = "") -> q.Expr:
        return self.per_second(metric, *by, where=where, part=part) * 60

    def per_hour(self, metric: Metric, *by: Label, where: tuple[Matcher, ...] = (), part: Part = "") -> q.Expr:
        return self.per_second(metric, *by, where=where, part=part) * 3600

    def total(
        self, metric: Metric, *by: Label, where: tuple[Matcher, ...] = (), part: Part = "", window: str = ALL
    ) -> q.Expr:
        """Growth over the time range of the dashboard."""
        return q.sum_by(q.increase(metric, window, *self.limits(metric), *where, part=part), *by)

    def quantile(
        self, level: float, metric: Metric, *by: Label, where: tuple[Matcher, ...] = (), window: str = W
    ) -> q.Expr:
        return q.quantile(level, metric, window, *self.limits(metric), *where, by=by)

    def mean(
        self,
        metric: Metric,
        *by: Label,
        where: tuple[Matcher, ...] = (),
        window: str = W,
        offset: str = "",
    ) -> q.Expr:
        return q.mean(metric, window, *self.limits(metric), *where, by=by, offset=offset)

    def now(self, metric: Metric, *where: Matcher) -> q.Expr:
        """A gauge."""
        return q.read(metric, *self.limits(metric), *where)

    def name(self, *labels: Label) -> str:
        """The name of a series that has these labels."""
        return " ".join(legend(label, self.config.naming) for label in labels)

    def percentiles(self, metric: Metric, *where: Matcher) -> tuple[Query, ...]:
        """The median and the slow ends of a histogram, with exemplars that lead to traces."""
        return tuple(
            Query(self.quantile(level, metric, where=where), f"p{level * 100:g}", exemplars=level > 0.5)
            for level in (0.5, 0.95, 0.99)
        )

    def view(self, uid: str, title: str, description: str, *rows: Row) -> View:
        return View(uid, title, description, rows, self._variables(), self._annotations())

    def _variables(self) -> tuple[Variable, ...]:
        service = like(self.service, "$service")
        provider = like(genai.PROVIDER, "$provider")
        return (
            Variable("service", "Service", self.service, _selected(own.INFO)),
            Variable("agent", "Agent", genai.AGENT_NAME, _selected(own.RUNS, service)),
            Variable("provider", "Provider", genai.PROVIDER, _selected(own.CALLS, service)),
            Variable("model", "Model", genai.REQUEST_MODEL, _selected(own.CALLS, service, provider)),
        )

    def _annotations(self) -> tuple[Annotation, ...]:
        # Annotations are asked for each minute: a window of two misses no opening.
        opened = q.increase(
            own.BREAKER_TRANSITIONS, "2m", like(self.service, "$service"), equals(own.BREAKER_STATE, "open")
        )
        return (
            Annotation(
                "Breaker opened",
                q.sum_by(opened, self.service, own.BREAKER_NAME) > 0,
                f"{self.name(own.BREAKER_NAME)} opened",
                ORANGE,
            ),
            Annotation("Alert", self.firing(), self.name(ALERT_NAME, SEVERITY), RED),
        )

    def firing(self) -> q.Expr:
        """Firing alerts of the pack; those that have no service count too."""
        matchers = (equals(ALERT_STATE, "firing"), like(ALERT_NAME, "AgentObs.*"), like(self.service, "$service|"))
        return q.max_by(q.read(ALERTS, *matchers), ALERT_NAME, SEVERITY, self.service)


def _selected(metric: Metric, *matchers: Matcher) -> q.Expr:
    return q.Series(metric, "", matchers)


def filtered_by(panel: Panel) -> tuple[str, ...]:
    """Names of the variables that limit every query of the panel."""
    found = [
        {matcher.value.removeprefix("$").removesuffix("|") for matcher in series.matchers if "$" in matcher.value}
        for expr in panel.expressions()
        for series in q.sources(expr)
    ]
    order = ("service", *(name for name, _ in _FILTERS))
    return tuple(name for name in order if found and all(name in names for names in found))
