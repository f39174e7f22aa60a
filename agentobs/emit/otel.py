"""The OpenTelemetry metric sink: into the program's meter provider, whatever its readers, views and temporality.

Counters are observable instruments over sums that are held here: the SDK asks for them when a reader collects, which costs
a call nothing but an addition (a synchronous `Counter.add` with six attributes costs ten times that). The SDK turns the
sums into deltas for readers that want those. Histograms are recorded one by one, because only the SDK knows their shape.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation
from opentelemetry.trace import set_span_in_context

from ..catalogue import Kind, Metric, genai
from .sinks import Add, Observe, Values

_INTEGERS = frozenset({genai.SERVER_PORT})


class _Sum:
    """The running sum of one series; whole as long as only whole numbers are added."""

    __slots__ = ("_lock", "value")

    def __init__(self) -> None:
        self.value: float = 0
        self._lock = threading.Lock()

    def add(self, amount: float) -> None:
        with self._lock:
            self.value += amount


def _attributes(metric: Metric, values: Values) -> dict[str, str | int]:
    return {
        label.name: int(value) if label in _INTEGERS and value.isdecimal() else value
        for label, value in zip(metric.labels, values, strict=True)
        if value != ""
    }


class OtelSink:
    """Metrics of the catalogue as instruments of one meter."""

    def __init__(self, meter: Meter, metrics: Iterable[Metric]) -> None:
        self._sums: dict[str, dict[Values, tuple[_Sum, dict[str, str | int]]]] = {}
        self._histograms: dict[str, Any] = {}
        self._lock = threading.Lock()
        self.before_collect: Callable[[], None] | None = None
        self.open = True
        for metric in metrics:
            if metric.kind is Kind.HISTOGRAM:
                self._histograms[metric.name] = meter.create_histogram(
                    metric.name,
                    unit=metric.unit,
                    description=metric.description,
                    explicit_bucket_boundaries_advisory=metric.buckets,
                )
            else:
                self._sums[metric.name] = {}
                create = (
                    meter.create_observable_counter
                    if metric.kind is Kind.COUNTER
                    else meter.create_observable_up_down_counter
                )
                create(metric.name, [self._reader(metric)], unit=metric.unit, description=metric.description)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=_weakly(self._start_again))

    def _reader(self, metric: Metric) -> Callable[[CallbackOptions], Iterable[Observation]]:
        series = self._sums[metric.name]
        this = weakref.ref(self)

        def read(_: CallbackOptions) -> Iterable[Observation]:
            sink = this()
            if sink is None or not sink.open:
                return []
            if sink.before_collect is not None:
                sink.before_collect()
            return [Observation(total.value, attributes) for total, attributes in list(series.values())]

        return read

    def _start_again(self) -> None:
        """A forked child has the parent's sums, which the parent goes on exporting."""
        for series in self._sums.values():
            for total, _ in series.values():
                total.value = 0

    def counter(self, metric: Metric, values: Values) -> Add:
        series = self._sums[metric.name]
        with self._lock:
            held = series.get(values)
            if held is None:
                held = series[values] = (_Sum(), _attributes(metric, values))
        return held[0].add

    def histogram(self, metric: Metric, values: Values) -> Observe:
        record = self._histograms[metric.name].record
        attributes = _attributes(metric, values)

        def observe(value: float, context: Any) -> None:
            if self.open:
                record(value, attributes, context)

        return observe

    def exemplar(self, span: Any) -> Any:
        return None if span is None else set_span_in_context(span)

    def close(self) -> None:
        self.open = False


def _weakly(method: Callable[[], None]) -> Callable[[], None]:
    """A call of `method` that does not keep its object alive."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        bound = reference()
        if bound is not None:
            bound()

    return call


_sinks: weakref.WeakKeyDictionary[MeterProvider, dict[frozenset[str], OtelSink]] = weakref.WeakKeyDictionary()


def sink_of(provider: MeterProvider, scope: str, version: str, schema_url: str, metrics: Iterable[Metric]) -> OtelSink:
    """The sink of a meter provider, made once: the SDK warns when an instrument is made again."""
    rows = tuple(metrics)
    held = _sinks.setdefault(provider, {})
    key = frozenset(metric.name for metric in rows)
    sink = held.get(key)
    if sink is None:
        sink = held[key] = OtelSink(provider.get_meter(scope, version, schema_url), rows)
    sink.open = True
    return sink
