"""Over which series and which time a figure is read: in a panel, limited by the variables, or in an alert, in all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from agentobs.catalogue import Attribute, Metric, genai

from . import promql as q
from .config import PackConfig
from .names import Label, Matcher, Part, legend, like
from .panels import Panel, Query

VARIABLES: tuple[tuple[str, Attribute], ...] = (
    ("agent", genai.AGENT_NAME),
    ("provider", genai.PROVIDER),
    ("model", genai.REQUEST_MODEL),
)
"""Variables of the dashboards beside `service`, with the label that each chooses by."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A window, and whether the variables of a dashboard limit the series: by each label that the metric has."""

    config: PackConfig
    window: str
    function: Literal["rate", "increase"]
    filtered: bool

    def matchers(self, metric: Metric) -> tuple[Matcher, ...]:
        """The matchers of the variables."""
        if not self.filtered:
            return ()
        labels = (like(label, f"${name}") for name, label in VARIABLES if label in metric.labels)
        return (like(self.config.service, "$service"), *labels)

    def growth(
        self, metric: Metric, *by: Label, where: tuple[Matcher, ...] = (), part: Part = "", offset: str = ""
    ) -> q.Expr:
        """Growth of a counter, or of one part of a histogram: a second, or in the window."""
        function = q.rate if self.function == "rate" else q.increase
        matchers = (*self.matchers(metric), *where)
        return q.sum_by(function(metric, self.window, *matchers, part=part, offset=offset), *by)

    def quantile(self, level: float, metric: Metric, *by: Label, where: tuple[Matcher, ...] = ()) -> q.Expr:
        """A quantile of a histogram."""
        return q.quantile(level, metric, self.window, *self.matchers(metric), *where, by=by)

    def mean(self, metric: Metric, *by: Label, where: tuple[Matcher, ...] = (), offset: str = "") -> q.Expr:
        """The mean of a histogram's samples; nothing where there was none."""
        return q.mean(metric, self.window, *self.matchers(metric), *where, by=by, offset=offset)

    def gauge(self, metric: Metric, *where: Matcher) -> q.Expr:
        """A gauge as it is now."""
        return q.read(metric, *self.matchers(metric), *where)

    def percentiles(self, metric: Metric, *where: Matcher) -> tuple[Query, ...]:
        """The median and the slow ends of a histogram, with exemplars that lead to traces."""
        return tuple(
            Query(self.quantile(level, metric, where=where), f"p{level * 100:g}", exemplars=level > 0.5)
            for level in (0.5, 0.95, 0.99)
        )


class Measure(Protocol):
    """A figure's expression over a selection, for each combination of labels."""

    def __call__(self, over: Selection, /, *by: Label) -> q.Expr: ...


def over_range(config: PackConfig) -> Selection:
    """The whole time range of a dashboard."""
    return Selection(config, q.RANGE, "increase", filtered=True)


def rate_of_range(config: PackConfig) -> Selection:
    """The whole time range of a dashboard as a rate: what grew in it by its length, idle hours included."""
    return Selection(config, q.RANGE, "rate", filtered=True)


def over_time(config: PackConfig, window: str = q.RATE_INTERVAL) -> Selection:
    """Each point of a curve, over the window before it."""
    return Selection(config, window, "rate", filtered=True)


def over_all(config: PackConfig, window: str) -> Selection:
    """Every series, whatever a dashboard chooses: for alerts."""
    return Selection(config, window, "rate", filtered=False)


def series_name(config: PackConfig, *labels: Label) -> str:
    """The name, in a legend, of a series that has these labels."""
    return " ".join(legend(label, config.naming) for label in labels)


def variables_of(panel: Panel) -> tuple[str, ...]:
    """Names of the variables that limit every query of the panel."""
    named = [
        {matcher.value.removeprefix("$").removesuffix("|") for matcher in selector.matchers if "$" in matcher.value}
        for expr in panel.expressions()
        for selector in q.selectors(expr)
    ]
    order = ("service", *(name for name, _ in VARIABLES))
    return tuple(name for name in order if named and all(name in names for names in named))
