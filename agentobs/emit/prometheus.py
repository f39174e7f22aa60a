"""The prometheus_client metric sink: `/metrics` with exemplars, in multi-process servers too.

It makes the same series as the OpenTelemetry path: no `_created` samples, and a `target_info` with the resource.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import prometheus_client
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector, CollectorRegistry

from ..catalogue import Kind, Metric, own
from .sinks import Add, Observe, Values

# How the values of several processes become one: levels add up, what every process knows alike does not.
_MULTIPROCESS_MODE: Mapping[str, Any] = {
    own.BREAKER_STATES.name: "livemax",
    own.BREAKER_FAIL_COUNT.name: "livemax",
    own.BREAKER_FAIL_LIMIT.name: "livemax",
}


def _instrument(metric: Metric) -> Any:
    labels = [label.label for label in metric.labels]
    if metric.kind is Kind.HISTOGRAM:
        return prometheus_client.Histogram(
            metric.prom, metric.description, labels, buckets=metric.buckets, registry=None
        )
    if metric.kind is Kind.COUNTER:
        return prometheus_client.Counter(metric.prom, metric.description, labels, registry=None)
    return prometheus_client.Gauge(
        metric.prom,
        metric.description,
        labels,
        registry=None,
        multiprocess_mode=_MULTIPROCESS_MODE.get(metric.name, "livesum"),
    )


class PrometheusSink(Collector):
    """Metrics of the catalogue as one collector of a registry."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._instruments = {metric.name: _instrument(metric) for metric in metrics}
        self._registry: CollectorRegistry | None = None
        self._lock = threading.Lock()
        self.resource: Mapping[str, str] = {}
        self.before_collect: Callable[[], None] | None = None

    def open(self, registry: CollectorRegistry) -> None:
        """Register with `registry`, once.

        Raises:
            ValueError: the registry already holds a metric of one of these names.
        """
        with self._lock:
            if self._registry is None:
                registry.register(self)
                self._registry = registry

    def collect(self) -> Iterable[Family]:
        if self.before_collect is not None:
            self.before_collect()
        if self.resource:
            info = GaugeMetricFamily("target_info", "Target metadata", labels=list(self.resource))
            info.add_metric(list(self.resource.values()), 1)
            yield info
        for instrument in self._instruments.values():
            for family in instrument.collect():
                family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
                if family.samples:
                    yield family

    def describe(self) -> Iterable[Family]:
        """Names only, so that registering does not collect."""
        for instrument in self._instruments.values():
            yield from instrument.describe()

    def counter(self, metric: Metric, values: Values) -> Add:
        add: Add = self._instruments[metric.name].labels(*values).inc
        return add

    def histogram(self, metric: Metric, values: Values) -> Observe:
        observe: Observe = self._instruments[metric.name].labels(*values).observe
        return observe

    def exemplar(self, span: Any) -> Any:
        if span is None:
            return None
        context = span.get_span_context()
        if not context.trace_flags.sampled:
            return None
        return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}

    def close(self) -> None:
        with self._lock:
            if self._registry is not None:
                self._registry.unregister(self)
                self._registry = None


_sinks: weakref.WeakKeyDictionary[CollectorRegistry, dict[frozenset[str], PrometheusSink]] = weakref.WeakKeyDictionary()


def sink_of(registry: CollectorRegistry | None, metrics: Iterable[Metric]) -> PrometheusSink:
    """The sink of a registry (`None`: the default one), registered; made once, so that counters never go back."""
    registry = registry if registry is not None else prometheus_client.REGISTRY
    rows = tuple(metrics)
    held = _sinks.setdefault(registry, {})
    key = frozenset(metric.name for metric in rows)
    sink = held.get(key)
    if sink is None:
        sink = held[key] = PrometheusSink(rows)
    sink.open(registry)
    return sink


def resource_labels(service: str | None, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Labels of `target_info`: what OTEL_RESOURCE_ATTRIBUTES and the service name say, as OpenTelemetry reads them."""
    env = os.environ if environ is None else environ
    labels: dict[str, str] = {}
    for pair in env.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        key, found, value = pair.partition("=")
        if found and key.strip():
            labels[_label(key.strip())] = value.strip()
    if service:
        labels["service_name"] = service
    return labels


def _label(name: str) -> str:
    cleaned = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return "_" + cleaned if cleaned[:1].isdigit() else cleaned
