"""PromQL built from catalogue objects, so that a renamed metric or label cannot leave an empty panel or a silent alert.

Expressions are trees of frozen objects; `Expr.render(naming)` writes them. What cannot be right is refused when the
tree is built: a label that the metric does not have, a value outside a closed set, a counter read without `rate` or
`increase`, a vector match without the labels it matches on. Every aggregation says `by (...)` and every match of
labelled vectors says `on (...)`, because each path into Prometheus adds labels of its own (`otel_scope_*`, `instance`).
What is written stays within the language of Prometheus 2.42; only names with dots (`utf8`, `untranslated`) need version 3.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from agentobs.catalogue import Attribute, Kind, Metric

from .names import (
    INSTANCE,
    JOB,
    LE,
    LEGACY,
    BuiltIn,
    Label,
    Matcher,
    Naming,
    Part,
    listed,
    metric_name,
    quoted,
)

OverTime = Literal["min", "sum", "last", "present"]

RATE_INTERVAL = "$__rate_interval"
"""Grafana's window for rates: at least four scrapes."""
RANGE = "$__range"
"""Grafana's window for the whole time range of the dashboard."""

_WINDOW = re.compile(r"([0-9]+(ms|[smhdwy]))+|\$__(rate_interval|range|interval)")
_COUNTED = (Kind.COUNTER, Kind.HISTOGRAM)


def _ordered(labels: frozenset[Label]) -> tuple[Label, ...]:
    return tuple(sorted(labels, key=lambda label: label.label))


# --- expressions ------------------------------------------------------------------------------------------------------
class Expr:
    """An instant vector or a number. `labels` are those that its series can have."""

    __slots__ = ()
    labels: frozenset[Label]

    def render(self, naming: Naming = "default") -> str:
        raise NotImplementedError

    def parts(self) -> tuple[Expr, ...]:
        """The expressions that it is made of."""
        return ()

    def __add__(self, other: Expr | float) -> Expr:
        return match("+", self, other)

    def __sub__(self, other: Expr | float) -> Expr:
        return match("-", self, other)

    def __mul__(self, other: Expr | float) -> Expr:
        return match("*", self, other)

    def __truediv__(self, other: Expr | float) -> Expr:
        return match("/", self, other)

    def __gt__(self, other: Expr | float) -> Expr:
        return match(">", self, other)

    def __ge__(self, other: Expr | float) -> Expr:
        return match(">=", self, other)

    def __lt__(self, other: Expr | float) -> Expr:
        return match("<", self, other)

    def __le__(self, other: Expr | float) -> Expr:
        return match("<=", self, other)

    def __and__(self, other: Expr) -> Expr:
        return match("and", self, other)

    def __or__(self, other: Expr) -> Expr:
        return match("or", self, other)


@dataclass(frozen=True, slots=True)
class Selector(Expr):
    """A selector of series; with `window` a range of samples, which only the functions below make."""

    metric: Metric | Recorded | BuiltIn
    part: Part = ""
    matchers: tuple[Matcher, ...] = ()
    window: str = ""
    offset: str = ""
    labels: frozenset[Label] = frozenset()

    def __post_init__(self) -> None:
        name = self.metric.name
        own = {label for label in self.metric.labels if isinstance(label, Attribute)}
        histogram = isinstance(self.metric, Metric) and self.metric.kind is Kind.HISTOGRAM
        if histogram != bool(self.part):
            raise ValueError(f"{name}: bucket, sum or count go with a histogram, and only with one; got {self.part!r}")
        for matcher in self.matchers:
            if isinstance(matcher.label, Attribute) and matcher.label not in own:
                raise ValueError(f"{name} has no label {matcher.label.name}; it has {_listed(own)}")
            if matcher.label == LE and isinstance(self.metric, Metric) and self.part != "bucket":
                raise ValueError(f"{name}: le is a label of buckets only")
        for span in (self.window, self.offset):
            if span and not _WINDOW.fullmatch(span):
                raise ValueError(f"{span!r} is no window of time; allowed: 5m, 1h30m, $__rate_interval, $__range")
        named = {matcher.label for matcher in self.matchers}
        added = set() if isinstance(self.metric, Recorded) else {JOB, INSTANCE, *named}
        le = {LE} if self.part == "bucket" else set()
        object.__setattr__(self, "labels", frozenset({*self.metric.labels, *added, *le}))

    def render(self, naming: Naming = "default") -> str:
        name = metric_name(self.metric, self.part, naming)
        matchers = [matcher.render(naming) for matcher in self.matchers]
        if LEGACY.fullmatch(name):
            text = name + (f"{{{','.join(matchers)}}}" if matchers else "")
        else:
            text = f"{{{','.join([quoted(name), *matchers])}}}"
        return text + (f"[{self.window}]" if self.window else "") + (f" offset {self.offset}" if self.offset else "")


@dataclass(frozen=True, slots=True)
class Number(Expr):
    """A scalar."""

    value: float
    labels: frozenset[Label] = frozenset()

    def render(self, naming: Naming = "default") -> str:
        return f"{self.value:.12g}"


@dataclass(frozen=True, slots=True)
class Function(Expr):
    """A function of PromQL; `before` are the scalars in front of the vector, `after` those behind it."""

    name: str
    expr: Expr
    labels: frozenset[Label]
    before: tuple[float, ...] = ()
    after: tuple[float, ...] = ()

    def render(self, naming: Naming = "default") -> str:
        before, after = ([Number(value).render() for value in values] for values in (self.before, self.after))
        return f"{self.name}({', '.join([*before, self.expr.render(naming), *after])})"

    def parts(self) -> tuple[Expr, ...]:
        return (self.expr,)


@dataclass(frozen=True, slots=True)
class Aggregate(Expr):
    """An aggregation; only the labels of `by` stay."""

    op: Literal["sum", "min", "max", "count"]
    expr: Expr
    by: tuple[Label, ...] = ()
    labels: frozenset[Label] = frozenset()

    def __post_init__(self) -> None:
        # A target label may come from the scrape configuration (service_name), so only own labels are checked.
        for label in self.by:
            if isinstance(label, Attribute) and label not in self.expr.labels:
                raise ValueError(f"{self.op} by {label.name}: the series have only {_listed(self.expr.labels)}")
        object.__setattr__(self, "labels", frozenset(self.by))

    def render(self, naming: Naming = "default") -> str:
        by = f" by ({listed(self.by, naming)}) " if self.by else ""
        return f"{self.op}{by}({self.expr.render(naming)})"

    def parts(self) -> tuple[Expr, ...]:
        return (self.expr,)


@dataclass(frozen=True, slots=True)
class Binary(Expr):
    """Two expressions and an operator; `many` says which side may have several series for one of the other."""

    op: str
    left: Expr
    right: Expr
    on: tuple[Label, ...] | None
    many: Literal["", "left", "right"]
    labels: frozenset[Label]

    def render(self, naming: Naming = "default") -> str:
        on = "" if self.on is None else f" on ({listed(self.on, naming)})"
        group = f" group_{self.many} ()" if self.many else ""
        return f"{_wrapped(self.left, naming)} {self.op}{on}{group} {_wrapped(self.right, naming)}"

    def parts(self) -> tuple[Expr, ...]:
        return (self.left, self.right)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording rule makes: `name` follows `level:metric:operation`, `expr` is computed, `description` says what."""

    name: str
    expr: Expr
    description: str

    @property
    def labels(self) -> tuple[Label, ...]:
        """The labels of its series."""
        return _ordered(self.expr.labels)


def _wrapped(expr: Expr, naming: Naming) -> str:
    text = expr.render(naming)
    return f"({text})" if isinstance(expr, Binary) else text


def _listed(labels: set[Attribute] | frozenset[Label]) -> str:
    return ", ".join(sorted(label.label for label in labels)) or "none"


# --- what packs call --------------------------------------------------------------------------------------------------
def read(metric: Metric | Recorded | BuiltIn, *matchers: Matcher, offset: str = "") -> Expr:
    """A gauge, an up-down counter or a recorded metric as it is now."""
    if isinstance(metric, Metric) and metric.kind in _COUNTED:
        raise ValueError(f"{metric.name} is a {metric.kind}: read it through rate or increase")
    return Selector(metric, "", matchers, "", offset)


def rate(metric: Metric, window: str, *matchers: Matcher, part: Part = "", offset: str = "") -> Expr:
    """Growth of a counter, or of one part of a histogram, in units per second."""
    return _growth("rate", metric, Selector(metric, part, matchers, window, offset))


def increase(metric: Metric, window: str, *matchers: Matcher, part: Part = "", offset: str = "") -> Expr:
    """Growth of a counter, or of one part of a histogram, in units per window."""
    return _growth("increase", metric, Selector(metric, part, matchers, window, offset))


def _growth(name: str, metric: Metric, series: Selector) -> Expr:
    if metric.kind not in _COUNTED:
        raise ValueError(f"{metric.name} is a {metric.kind}: {name} is for counters and histograms")
    return Function(name, series, series.labels)


def over_time(op: OverTime, metric: Metric | Recorded, window: str, *matchers: Matcher, offset: str = "") -> Expr:
    """`min_over_time` and its like.

    Of a counter `sum` means nothing, and `min` is the first value of a series that began in the window.
    """
    if isinstance(metric, Metric) and metric.kind in _COUNTED and op == "sum":
        raise ValueError(f"{metric.name} is a {metric.kind}: {op}_over_time of it means nothing")
    series = Selector(metric, "", matchers, window, offset)
    return Function(f"{op}_over_time", series, series.labels)


def sum_by(expr: Expr, *labels: Label) -> Expr:
    return Aggregate("sum", expr, labels)


def max_by(expr: Expr, *labels: Label) -> Expr:
    return Aggregate("max", expr, labels)


def min_by(expr: Expr, *labels: Label) -> Expr:
    return Aggregate("min", expr, labels)


def count_by(expr: Expr, *labels: Label) -> Expr:
    return Aggregate("count", expr, labels)


def clamp_min(expr: Expr, value: float) -> Expr:
    return Function("clamp_min", expr, expr.labels, after=(value,))


def sqrt(expr: Expr) -> Expr:
    return Function("sqrt", expr, expr.labels)


def exp(expr: Expr) -> Expr:
    return Function("exp", expr, expr.labels)


def match(op: str, left: Expr, right: Expr | float, *, on: tuple[Label, ...] | None = None, many: str = "") -> Expr:
    """Combine two expressions.

    Without `on` both sides must have the same labels, and match on all of them. With `on` and `many="left"` the left
    side may have several series for each one of the right (`many="right"` the other way round).
    """
    other = right if isinstance(right, Expr) else Number(float(right))
    if isinstance(other, Number) or isinstance(left, Number):
        return Binary(op, left, other, None, "", left.labels | other.labels)
    if on is None:
        if left.labels != other.labels:
            raise ValueError(
                f"{op}: {_listed(left.labels)} on the left and {_listed(other.labels)} on the right; name what to "
                "match on"
            )
        on = _ordered(left.labels)
    for label in on:
        if label not in left.labels or label not in other.labels:
            raise ValueError(f"{op} on {label.label}: not a label of both sides")
    if many not in {"", "left", "right"}:
        raise ValueError(f"many={many!r}; allowed: '', 'left', 'right'")
    if op in {"and", "unless"} or many == "left":
        labels = left.labels
    elif op == "or":
        labels = left.labels | other.labels
    else:
        labels = other.labels if many == "right" else frozenset(on)
    if not (left.labels or other.labels):
        on = None
    return Binary(op, left, other, on, "left" if many == "left" else "right" if many else "", labels)


def or_zero(expr: Expr) -> Expr:
    """0 where there is no series; for figures without labels."""
    if expr.labels:
        raise ValueError(f"0 would stand for one of many series here: {_listed(expr.labels)}")
    return Binary("or", expr, Function("vector", Number(0), frozenset()), None, "", frozenset())


def share(part: Expr, whole: Expr) -> Expr:
    """Part of a whole with the same labels: 0 where the part has no series yet, nothing where the whole is 0."""
    return match("/", match("or", part, whole * 0), whole > 0)


def quantile(
    level: float, metric: Metric, window: str, *matchers: Matcher, by: tuple[Label, ...] = (), offset: str = ""
) -> Expr:
    """A quantile of a histogram, from its buckets."""
    buckets = sum_by(rate(metric, window, *matchers, part="bucket", offset=offset), *by, LE)
    return Function("histogram_quantile", buckets, frozenset(by), before=(level,))


def mean(metric: Metric, window: str, *matchers: Matcher, by: tuple[Label, ...] = (), offset: str = "") -> Expr:
    """The mean of a histogram's samples; nothing where there was none."""
    total = sum_by(rate(metric, window, *matchers, part="sum", offset=offset), *by)
    return total / (sum_by(rate(metric, window, *matchers, part="count", offset=offset), *by) > 0)


def at_most(bound: float, metric: Metric) -> Matcher:
    """The bucket of the samples up to `bound`, which must be a bound of the metric.

    Whole numbers are written `8.0` by some exporters and `8` by others; both match.
    """
    if bound not in metric.buckets:
        raise ValueError(
            f"{metric.name} has no bucket at {bound:g}; allowed: {', '.join(map('{:g}'.format, metric.buckets))}"
        )
    text = f"{bound:f}".rstrip("0").rstrip(".")
    return Matcher(LE, "=~", rf"{text}(\.0)?") if "." not in text else Matcher(LE, "=", text)


def selectors(expr: Expr) -> Iterator[Selector]:
    """Every selector in the expression."""
    if isinstance(expr, Selector):
        yield expr
    for part in expr.parts():
        yield from selectors(part)
