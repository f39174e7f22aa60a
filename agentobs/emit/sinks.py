"""Where metrics are kept and what a sink is.

Sums (counters and levels) are kept here, once, for all sinks: a call adds to all of its sums under one lock, and a sink
reads them when somebody collects. Histograms go to each sink, value by value, because only the sink knows their shape.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from ..catalogue import Attribute, Kind, Metric, own
from ..catalogue.values import MetricsPath

Observe = Callable[[float, Any], None]
"""Records one value of a histogram series, with the sink's own form of an exemplar or `None`."""
Labels = Mapping[Attribute, object]
"""Values by the label that they are for; a label that is left out, `None` or empty is absent."""
Values = tuple[str, ...]
"""Label values in the order of `Metric.labels`; an empty string means that the label is absent."""

OTHER = "_other"
_LONGEST = 200
_MAX_CACHED = 2_000

LOCK = threading.Lock()
"""Guards the value of every `Sum`. One for all, so that a call can add to many sums at the price of one."""


if hasattr(os, "register_at_fork"):
    # Held over a fork, so that no thread which the child does not have can hold it there for ever.
    os.register_at_fork(before=LOCK.acquire, after_in_parent=LOCK.release, after_in_child=LOCK.release)


class Sum:
    """The running sum of one series; whole as long as only whole numbers are added. Add under `LOCK`, or with `add`."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0

    def add(self, amount: float) -> None:
        with LOCK:
            self.value += amount

    def set(self, value: float) -> None:
        """Have a level be `value`."""
        with LOCK:
            self.value = value

    def until(self, at_s: float | None) -> None:
        """Note when a level ends by itself, in seconds of the epoch, where others read it; `None` where it does not."""

    def start_again(self) -> None:
        """Begin at 0 in a forked child, whose parent goes on exporting what there was."""
        self.value = 0

    def give_up(self) -> None:
        """No longer be of any series; whoever still adds to it adds to nothing."""


class Sums:
    """The sums of all series, by metric and label values."""

    def __init__(self, make: Callable[[Metric, Values], Sum] | None = None) -> None:
        self._make = make
        self._sums: dict[Metric, dict[Values, Sum]] = {}
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=weakly(self._start_again))

    @property
    def shared(self) -> bool:
        """Whether the values live where other processes see them."""
        return self._make is not None

    def sum(self, metric: Metric, values: Values) -> Sum:
        """The sum of one series, made when it is first asked for."""
        with LOCK:
            series = self._sums.setdefault(metric, {})
            total = series.get(values)
            if total is None:
                total = series[values] = Sum() if self._make is None else self._make(metric, values)
            return total

    def read(self, metric: Metric) -> Mapping[Values, float]:
        """The series of a metric with their values now."""
        with LOCK:
            return {values: total.value for values, total in self._sums.get(metric, {}).items()}

    def _start_again(self) -> None:
        """In a forked child: counts begin at 0, and levels are forgotten, as they are of things in the parent.

        What the parent had begun and the child ends, such as a call under way, takes itself off a level that nobody
        shows, and not off one of the child's.
        """
        for metric, series in self._sums.items():
            if metric.kind is not Kind.UP_DOWN_COUNTER:
                for total in series.values():
                    total.start_again()
                continue
            for total in series.values():
                total.give_up()
            series.clear()


def weakly(method: Callable[[], None]) -> Callable[[], None]:
    """A call of `method` that does not keep its object alive."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        bound = reference()
        if bound is not None:
            bound()

    return call


class Sink(Protocol):
    """Where metrics go."""

    sums: Sums
    """The sums that it exports."""
    path: MetricsPath
    """The way on which it shows them."""

    def histogram(self, metric: Metric, values: Values) -> Observe: ...

    def exemplar(self, span: Any) -> Any:
        """What links a value to `span`, or `None` where the span is not sampled."""
        ...

    def close(self) -> None:
        """Stop exporting; sums keep their values for a sink that is opened again."""
        ...


def on_path(metric: Metric, values: Values, path: MetricsPath) -> Values:
    """`values` with the way on which they are shown, in the one metric that says so."""
    if metric is not own.INFO:
        return values
    return tuple(
        path if label is own.METRICS_PATH else value for label, value in zip(metric.labels, values, strict=True)
    )


def printable(value: object) -> str:
    """`value` as a label: at most 200 characters of valid UTF-8 on one line.

    A line break would hide the series from the `.*` of Prometheus 2, and cannot be chosen in a dashboard's list.
    """
    text = value if isinstance(value, str) else str(value)
    text = text[:_LONGEST]
    if text.isascii() and text.isprintable():
        return text
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(character if character.isprintable() else " " for character in whole)


class Bounds:
    """Lets a bounded number of values through for each label; the rest become `_other`.

    A model name comes from outside, and every new value of a label is a new time series for ever.
    """

    def __init__(self) -> None:
        self._seen: dict[Attribute, set[str]] = {}
        self._lock = threading.Lock()

    def limit(self, metric: Metric, values: tuple[object, ...]) -> Values:
        """`values`, in the order of the metric's labels, as they may be recorded; `None` becomes the absent label."""
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
            if value in seen:
                return value
            if len(seen) >= (label.bound or 0):
                return OTHER
            seen.add(value)
            return value


class Instruments:
    """Every sink behind one door: series of a metric for given label values, made once."""

    def __init__(self, sinks: tuple[Sink, ...], metrics: frozenset[Metric]) -> None:
        self.sinks = sinks
        self._emitted = metrics
        self._bounds = Bounds()
        # The values that several processes share must stay where the processes share them.
        all_sums = sorted((sink.sums for sink in sinks), key=lambda sums: not sums.shared)
        self._totals = all_sums[0] if all_sums else Sums()
        for sink in sinks:
            sink.sums = self._totals
        self._sums: dict[tuple[object, ...], Sum] = {}
        self._observers: dict[tuple[object, ...], Observe] = {}

    def __iter__(self) -> Iterator[Sink]:
        return iter(self.sinks)

    def emits(self, metric: Metric) -> bool:
        return metric in self._emitted

    def sum(self, metric: Metric, labels: Labels) -> Sum:
        """The sum of the series of `metric` with these labels; keep it, and add under `LOCK`.

        Raises:
            LookupError: a label that the metric does not declare.
        """
        key = (metric, *map(labels.get, metric.labels))
        total = self._sums.get(key)
        if total is None:
            total = self._totals.sum(metric, self._bounds.limit(metric, metric.bind(labels)))
            if len(self._sums) >= _MAX_CACHED:
                self._sums.clear()
            self._sums[key] = total
        return total

    def add(self, metric: Metric, labels: Labels, amount: float = 1) -> None:
        """Add to the series of `metric` with these labels; raises as `sum` does."""
        self.sum(metric, labels).add(amount)

    def observe(self, metric: Metric, labels: Labels) -> Observe:
        """A function that records `(value, exemplars)`; exemplars come from `exemplars(span)` or are `None`.

        Raises:
            LookupError: a label that the metric does not declare.
        """
        key = (metric, *map(labels.get, metric.labels))
        observe = self._observers.get(key)
        if observe is None:
            limited = self._bounds.limit(metric, metric.bind(labels))
            observe = _all_observers([sink.histogram(metric, limited) for sink in self.sinks])
            if len(self._observers) >= _MAX_CACHED:
                self._observers.clear()
            self._observers[key] = observe
        return observe

    def exemplars(self, span: Any) -> Any:
        """What `observe` takes to link a value to `span`: one sink's exemplar, or a tuple of them."""
        if len(self.sinks) == 1:
            return self.sinks[0].exemplar(span)
        return tuple(sink.exemplar(span) for sink in self.sinks)

    def start_again(self) -> None:
        """In a forked child, look series up anew: the levels among them are others."""
        self._sums.clear()

    def close(self) -> None:
        for sink in self.sinks:
            sink.close()


def _nothing(value: float, exemplar: Any) -> None:
    """Metrics are off."""


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
