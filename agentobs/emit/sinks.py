"""What a metric sink is, and how label values are kept bounded before they reach one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from ..catalogue import Attribute, Metric

Add = Callable[[float], None]
"""Adds to one series of a counter or up-down counter."""
Observe = Callable[[float, Any], None]
"""Records one value of a histogram series, with the sink's own form of an exemplar or `None`."""
Values = tuple[str, ...]
"""Label values in the order of `Metric.labels`; an empty string means that the label is absent."""

OTHER = "_other"
_LONGEST = 200
_SERIES = 2_000


class Sink(Protocol):
    """Where metrics go. Series are held by the caller, so that a call looks nothing up that was known before."""

    def counter(self, metric: Metric, values: Values) -> Add: ...

    def histogram(self, metric: Metric, values: Values) -> Observe: ...

    def exemplar(self, span: Any) -> Any:
        """What links a value to `span`, or `None` where the span is not sampled."""
        ...

    def close(self) -> None:
        """Stop exporting; series keep their values for a sink that is opened again."""
        ...


def printable(value: object) -> str:
    """`value` as a label: text of at most 200 characters that is valid UTF-8."""
    text = value if isinstance(value, str) else str(value)
    if len(text) > _LONGEST:
        text = text[:_LONGEST]
    if text.isascii():
        return text
    return text.encode("utf-8", "replace").decode("utf-8")


class Bounds:
    """Lets a bounded number of values through for each label; the rest become `_other`.

    A model name comes from outside, and every new value of a label is a new time series for ever.
    """

    def __init__(self) -> None:
        self._seen: dict[Attribute, set[str]] = {}
        self._lock = threading.Lock()

    def limit(self, metric: Metric, values: tuple[object, ...]) -> Values:
        """The values that `metric` may be recorded with; `None` becomes the absent label."""
        return tuple(
            "" if value is None or value == "" else self._one(label, printable(value))
            for label, value in zip(metric.labels, values, strict=True)
        )

    def _one(self, label: Attribute, value: str) -> str:
        if label.values:
            return value if value in label.values else OTHER
        seen = self._seen.get(label)
        if seen is not None and value in seen:
            return value
        with self._lock:
            seen = self._seen.setdefault(label, set())
            if len(seen) >= (label.bound or 0):
                return OTHER
            seen.add(value)
            return value


class Series:
    """Every sink behind one door: held series of a metric for given label values, made once.

    `add` and `observe` return functions that write to all sinks; they cost one call each and no look-up.
    """

    def __init__(self, sinks: tuple[Sink, ...], metrics: frozenset[Metric]) -> None:
        self.sinks = sinks
        self._emitted = metrics
        self._bounds = Bounds()
        self._adds: dict[tuple[str, tuple[object, ...]], Add] = {}
        self._observers: dict[tuple[str, tuple[object, ...]], Observe] = {}

    def __iter__(self) -> Iterator[Sink]:
        return iter(self.sinks)

    def emits(self, metric: Metric) -> bool:
        return metric in self._emitted

    def add(self, metric: Metric, *values: object) -> Add:
        """A function that adds to the series of `metric` with these label values."""
        key = (metric.name, values)
        add = self._adds.get(key)
        if add is None:
            add = _all_adds([s.counter(metric, self._bounds.limit(metric, values)) for s in self.sinks])
            if len(self._adds) >= _SERIES:
                self._adds.clear()
            self._adds[key] = add
        return add

    def observe(self, metric: Metric, *values: object) -> Observe:
        """A function that records `(value, exemplars)`; exemplars come from `exemplars(span)` or are `None`."""
        key = (metric.name, values)
        observe = self._observers.get(key)
        if observe is None:
            observe = _all_observers([s.histogram(metric, self._bounds.limit(metric, values)) for s in self.sinks])
            if len(self._observers) >= _SERIES:
                self._observers.clear()
            self._observers[key] = observe
        return observe

    def exemplars(self, span: Any) -> Any:
        """What `observe` takes to link a value to `span`: one sink's exemplar, or a tuple of them."""
        if len(self.sinks) == 1:
            return self.sinks[0].exemplar(span)
        return tuple(sink.exemplar(span) for sink in self.sinks)

    def close(self) -> None:
        for sink in self.sinks:
            sink.close()


def _nothing(value: float, exemplar: Any = None) -> None:
    """Metrics are off."""


def _all_adds(adds: list[Add]) -> Add:
    if not adds:
        return _nothing
    if len(adds) == 1:
        return adds[0]

    def add(value: float) -> None:
        for one in adds:
            one(value)

    return add


def _all_observers(observers: list[Observe]) -> Observe:
    if not observers:
        return _nothing
    if len(observers) == 1:
        return observers[0]

    def observe(value: float, exemplars: Any) -> None:
        if exemplars is None:
            for one in observers:
                one(value, None)
        else:
            for one, exemplar in zip(observers, exemplars, strict=True):
                one(value, exemplar)

    return observe
