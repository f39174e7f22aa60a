"""The OpenTelemetry metric sink: into the program's meter provider, whatever its readers, views and temporality.

Counters are observable instruments over the sums that `sinks` keeps: the SDK asks for them when a reader collects,
which costs a call nothing but an addition (a synchronous `Counter.add` with six attributes costs ten times that). The
SDK turns the sums into deltas for readers that want those. Histograms are recorded one by one.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import Any

from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation
from opentelemetry.trace import set_span_in_context

from ..catalogue import Kind, Metric, genai
from ..catalogue.values import MetricsPath
from .sinks import Observe, Sums, Values, on_path


def _attributes(metric: Metric, values: Values) -> dict[str, str | int]:
    return {
        label.name: int(value) if label is genai.SERVER_PORT and value.isdecimal() else value
        for label, value in zip(metric.labels, values, strict=True)
        if value != ""
    }


class OtelSink:
    """Metrics of the catalogue as instruments of one meter."""

    def __init__(self, meter: Meter, metrics: Iterable[Metric]) -> None:
        self.sums = Sums()
        self.path: MetricsPath = "otel"
        self.before_collect: Callable[[], None] | None = None
        self.open = True
        self._metrics = tuple(metrics)
        self._attributes: dict[tuple[Metric, Values], dict[str, str | int]] = {}
        self._histograms: dict[Metric, Any] = {}
        self._observables: list[Any] = []
        self._meter: Meter | None = None
        self._make_instruments(meter)

    def _make_instruments(self, meter: Meter) -> None:
        self._meter = meter
        self._observables.clear()
        for metric in self._metrics:
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
                # The SDK asks in this order: the first one sees to it that there is something to read.
                reader = self._reader(metric, meter, first=not self._observables)
                made = create(metric.name, [reader], unit=metric.unit, description=metric.description)
                self._observables.append(made)

    def _reader(
        self, metric: Metric, meter: Meter, *, first: bool
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        this = weakref.ref(self)

        def read(_: CallbackOptions) -> Iterable[Observation]:
            sink = this()
            # Those of a meter that was replaced, in a forked child, are silent.
            return [] if sink is None or sink._meter is not meter else sink._observations(metric, first=first)

        return read

    def _observations(self, metric: Metric, *, first: bool) -> list[Observation]:
        """The series of a counter or level with their values now; none of a sink that is closed."""
        if first and self.open and self.before_collect is not None:
            self.before_collect()
        if not self.open:
            return []
        return [
            Observation(value, self._named(metric, on_path(metric, values, self.path)))
            for values, value in self.sums.read(metric).items()
        ]

    def _named(self, metric: Metric, values: Values) -> dict[str, str | int]:
        key = (metric, values)
        attributes = self._attributes.get(key)
        if attributes is None:
            attributes = self._attributes[key] = _attributes(metric, values)
        return attributes

    def histogram(self, metric: Metric, values: Values) -> Observe:
        histograms = self._histograms
        attributes = _attributes(metric, values)

        def observe(value: float, context: Any) -> None:
            if self.open:
                # Looked up each time, because a forked child has instruments of its own.
                histograms[metric].record(value, attributes, context)

        return observe

    def start_again(self, meter: Meter | None) -> bool:
        """In a forked child, show what is of the child only.

        With a `meter`, of a provider that was made anew, by instruments on that. Else the provider is the program's: the
        cells that its SDK keeps of our instruments are emptied, as there is no other way to have it forget the parent's
        (`_ViewInstrumentMatch`, read in OpenTelemetry 1.38 to 1.45). `False` where this SDK keeps them elsewhere.
        """
        if meter is not None:
            self._make_instruments(meter)
            return True
        return min(map(_forget, (*self._histograms.values(), *self._observables)), default=True)

    def exemplar(self, span: Any) -> Any:
        return None if span is None else set_span_in_context(span)

    def close(self) -> None:
        self.open = False


def _forget(instrument: Any) -> bool:
    """Empty the cells of an instrument of the SDK; `True` too for one that has none, as the API's stand-ins."""
    instrument = getattr(instrument, "_real_instrument", instrument)
    consumer = getattr(instrument, "_measurement_consumer", None)
    if consumer is None:
        return not type(instrument).__module__.startswith("opentelemetry.sdk")
    try:
        for storage in consumer._reader_storages.values():
            for match in storage._instrument_view_instrument_matches.get(instrument, ()):
                match._attributes_aggregation = {}
                match._previous_collection_start_nanos = None
    except AttributeError:
        return False
    return True


_sinks: weakref.WeakKeyDictionary[MeterProvider, dict[frozenset[str], OtelSink]] = weakref.WeakKeyDictionary()


def meter_of(provider: MeterProvider, scope: str, version: str, schema_url: str) -> Meter:
    """The meter of our name."""
    return provider.get_meter(scope, version, schema_url)


def sink_of(provider: MeterProvider, scope: str, version: str, schema_url: str, metrics: Iterable[Metric]) -> OtelSink:
    """The sink of a meter provider, made once: the SDK warns when an instrument is made again."""
    rows = tuple(metrics)
    known = _sinks.setdefault(provider, {})
    key = frozenset(metric.name for metric in rows)
    sink = known.get(key)
    if sink is None:
        sink = known[key] = OtelSink(meter_of(provider, scope, version, schema_url), rows)
    sink.open = True
    return sink
