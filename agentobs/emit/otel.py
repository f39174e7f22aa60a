"""The OpenTelemetry metric sink: into the program's meter provider, whatever its readers, views and temporality.

Counters are observable instruments over the sums of the store: the SDK asks for them when a reader collects, which costs
a call nothing but an addition (a synchronous `Counter.add` with six attributes costs ten times that). The SDK turns the
sums into deltas for readers that want those. Histograms are recorded one by one.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation
from opentelemetry.trace import set_span_in_context

from ..catalogue import Kind, Metric, genai
from .sinks import Observe, Store, Values


def _attributes(metric: Metric, values: Values) -> dict[str, str | int]:
    return {
        label.name: int(value) if label is genai.SERVER_PORT and value.isdecimal() else value
        for label, value in zip(metric.labels, values, strict=True)
        if value != ""
    }


class OtelSink:
    """Metrics of the catalogue as instruments of one meter."""

    def __init__(self, meter: Meter, metrics: Iterable[Metric]) -> None:
        self.store = Store()
        self.before_collect: Callable[[], None] | None = None
        self.open = True
        self._histograms: dict[Metric, Any] = {}
        self._attributes: dict[tuple[Metric, Values], dict[str, str | int]] = {}
        for metric in metrics:
            if metric.kind is Kind.HISTOGRAM:
                self._histograms[metric] = meter.create_histogram(
                    metric.name,
                    unit=metric.unit,
                    description=metric.description,
                    explicit_bucket_boundaries_advisory=metric.buckets,
                )
            else:
                create = (
                    meter.create_observable_counter
                    if metric.kind is Kind.COUNTER
                    else meter.create_observable_up_down_counter
                )
                create(metric.name, [self._reader(metric)], unit=metric.unit, description=metric.description)

    def _reader(self, metric: Metric) -> Callable[[CallbackOptions], Iterable[Observation]]:
        this = weakref.ref(self)

        def read(_: CallbackOptions) -> Iterable[Observation]:
            sink = this()
            return [] if sink is None else sink.observations(metric)

        return read

    def observations(self, metric: Metric) -> list[Observation]:
        """The series of a counter or level with their values now; none of a sink that is closed."""
        if self.open and self.before_collect is not None:
            self.before_collect()
        if not self.open:
            return []
        return [Observation(value, self._named(metric, values)) for values, value in self.store.read(metric).items()]

    def _named(self, metric: Metric, values: Values) -> dict[str, str | int]:
        key = (metric, values)
        attributes = self._attributes.get(key)
        if attributes is None:
            attributes = self._attributes[key] = _attributes(metric, values)
        return attributes

    def histogram(self, metric: Metric, values: Values) -> Observe:
        record = self._histograms[metric].record
        attributes = _attributes(metric, values)

        def observe(value: float, context: Any) -> None:
            if self.open:
                record(value, attributes, context)

        return observe

    def exemplar(self, span: Any) -> Any:
        return None if span is None else set_span_in_context(span)

    def close(self) -> None:
        self.open = False


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
