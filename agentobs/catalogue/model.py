"""What a row of the catalogue is: attributes, metrics, spans and events as frozen data.

Four rules keep one Prometheus name per metric on every path (measured with the Python exporters, the collector and
Prometheus 3): names are lower-case and dotted; a unit is `s`, `By` or an `{annotation}`; no name carries a unit or the
word total; the unit `1` is never used, because Go translators append `_ratio` to it and the Python ones do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from .values import Conventions

Generation = Literal["latest", "compat"]
Stability = Literal["stable", "development"]

EVERY: frozenset[Generation] = frozenset({"latest", "compat"})
LATEST: frozenset[Generation] = frozenset({"latest"})
COMPAT: frozenset[Generation] = frozenset({"compat"})

_NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
_UNIT = re.compile(r"s|By|\{[A-Za-z_]+\}")
_PLACE = re.compile(r"\{([a-z_.]+)\}")
_SUFFIX_OF_UNIT = {"s": "_seconds", "By": "_bytes"}


class Kind(StrEnum):
    """The instrument of a metric; an up-down counter is a gauge in Prometheus."""

    COUNTER = "counter"
    UP_DOWN_COUNTER = "updowncounter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


# Rows are compared by identity (`eq=False`): there is one of each, and hashing all their fields on the path of a call
# would cost more than recording its metrics.
@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One attribute of spans and events, or label of metrics.

    `values` lists the closed set where there is one. `bound` is the number of values a process lets through as a metric
    label before it says `_other`; `None` means that the attribute never becomes a label (ids, free text, counts).
    """

    name: str
    type: Literal["string", "int", "double", "boolean", "string[]", "json"]
    description: str
    values: tuple[str, ...] = ()
    bound: int | None = None
    stability: Stability = "development"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"attribute name {self.name!r} is not lower-case and dotted")

    @property
    def label(self) -> str:
        """The Prometheus label: dots become underscores on every path."""
        return self.name.replace(".", "_")

    @property
    def is_label(self) -> bool:
        return self.bound is not None or bool(self.values)


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """One metric: dotted OpenTelemetry name, instrument, unit, labels, and bucket bounds for a histogram."""

    name: str
    kind: Kind
    unit: str
    description: str
    labels: tuple[Attribute, ...] = ()
    buckets: tuple[float, ...] = ()
    generations: frozenset[Generation] = EVERY

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name) or self.name.endswith(("_total", ".total", "ratio", "seconds", "bytes")):
            raise ValueError(f"metric name {self.name!r} breaks the naming rules of {__name__}")
        if not _UNIT.fullmatch(self.unit):
            raise ValueError(f"metric {self.name}: unit {self.unit!r} is not s, By or an {{annotation}}")
        if (self.kind is Kind.HISTOGRAM) != bool(self.buckets):
            raise ValueError(f"metric {self.name}: bucket bounds go with histograms, and only with them")
        for label in self.labels:
            if not label.is_label:
                raise ValueError(f"metric {self.name}: {label.name} has no bound, so it cannot be a label")

    @property
    def prom(self) -> str:
        """The Prometheus metric name; a histogram's series add `_bucket`, `_sum` and `_count` to it."""
        name = self.name.replace(".", "_") + _SUFFIX_OF_UNIT.get(self.unit, "")
        return name + "_total" if self.kind is Kind.COUNTER else name

    @property
    def series(self) -> tuple[str, ...]:
        """Every series name of the metric in Prometheus, without its labels."""
        if self.kind is Kind.HISTOGRAM:
            return (self.prom + "_bucket", self.prom + "_sum", self.prom + "_count")
        return (self.prom,)

    def emitted_by(self, conventions: Conventions) -> bool:
        """Whether `instrument(conventions=...)` makes this metric."""
        return conventions == "both" or conventions in self.generations

    def bind(self, labels: Mapping[Attribute, object]) -> tuple[object, ...]:
        """The values of `labels` in the order of the row's; `None` for those that are absent.

        Raises:
            LookupError: `labels` has an attribute that the row does not declare.
        """
        _declared(self.name, labels, self.labels)
        return tuple(map(labels.get, self.labels))


def _declared(row: str, given: Iterable[Attribute], declared: Iterable[Attribute]) -> None:
    unknown = [attribute.name for attribute in given if attribute not in declared]
    if unknown:
        raise LookupError(f"{row} does not declare {', '.join(unknown)}; add it to the row in the catalogue")


@dataclass(frozen=True, slots=True, eq=False)
class Span:
    """One kind of span.

    `name` is the template of its name: the text in braces is the name of an attribute of the row, and is left out where
    the attribute has no value. `kind` is the OpenTelemetry span kind in lower case.
    """

    name: str
    kind: Literal["client", "internal"]
    description: str
    attributes: tuple[Attribute, ...]

    def __post_init__(self) -> None:
        names = {attribute.name for attribute in self.attributes}
        for place in _PLACE.findall(self.name):
            if place not in names:
                raise ValueError(f"span {self.name!r}: {place} is no attribute of the row")

    def named(self, values: Mapping[Attribute, Any]) -> str:
        """The name of a span with these attributes."""
        texts = {attribute.name: str(value) for attribute, value in values.items() if value is not None}
        return " ".join(_PLACE.sub(lambda place: texts.get(place[1], ""), self.name).split())


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """One log record with an event name; `severity` is the OpenTelemetry severity text."""

    name: str
    severity: Literal["DEBUG", "INFO", "WARN", "ERROR"]
    description: str
    attributes: tuple[Attribute, ...]
