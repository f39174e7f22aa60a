"""The prometheus_client metric sink: `/metrics` with exemplars, in multi-process servers too.

It makes the same series as the OpenTelemetry path: no `_created` samples, and a `target_info` with the resource.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector, CollectorRegistry

from ..catalogue import Kind, Metric, own
from ..catalogue.values import MetricsPath
from ..config import ConfigError
from .buckets import Histograms
from .sinks import Observe, Sum, Sums, Values, on_path, weakly

# How the values of several processes become one: levels add up, what every process knows alike does not.
MAXIMUM = "livemax"
_MULTIPROCESS_MODE: Mapping[str, Any] = {
    own.BREAKER_STATES.name: MAXIMUM,
    own.BREAKER_FAIL_COUNT.name: MAXIMUM,
    own.BREAKER_FAIL_LIMIT.name: MAXIMUM,
}


def _instrument(metric: Metric) -> Any:
    labels = [label.label for label in metric.labels]
    if metric.kind is Kind.HISTOGRAM:
        return prometheus_client.Histogram(
            metric.prom, metric.description, labels, buckets=metric.buckets, registry=None
        )
    if metric.kind is Kind.COUNTER:
        return prometheus_client.Counter(metric.prom, metric.description, labels, registry=None)
    mode = _MULTIPROCESS_MODE.get(metric.name, "livesum")
    return prometheus_client.Gauge(metric.prom, metric.description, labels, registry=None, multiprocess_mode=mode)


class _SharedSum(Sum):
    """A sum that lives in the files which the processes of a server share (`PROMETHEUS_MULTIPROC_DIR`)."""

    __slots__ = ("_child", "_mine")

    def __init__(self, child: Any) -> None:
        self._child = child
        self._mine: float = 0

    @property
    def value(self) -> float:
        return self._mine

    @value.setter
    def value(self, value: float) -> None:
        if self._child is not None:
            self._child.inc(value - self._mine)
        self._mine = value

    def until(self, at_s: float | None) -> None:
        # As the time of the value, which these files have a place for, and which nothing reads of such a level but
        # `exposition`: a process that is idle cannot say itself that the time is over.
        if self._child is not None:
            self._child._value.set(self._mine, timestamp=at_s or 0.0)

    def start_again(self) -> None:
        # prometheus_client itself gives a forked child a file of its own.
        self._mine = 0

    def give_up(self) -> None:
        self._child = None


class PrometheusSink(Collector):
    """Metrics of the catalogue as one collector of a registry.

    In a server of several processes the values live in prometheus_client's own shared files, which its
    `MultiProcessCollector` adds up; else they are kept here and read when somebody scrapes.
    """

    def __init__(self, metrics: Iterable[Metric]) -> None:
        shared = "PROMETHEUS_MULTIPROC_DIR" in os.environ
        self._metrics = tuple(metrics)
        self._instruments = {m: _instrument(m) for m in self._metrics} if shared else {}
        self._histograms = {} if shared else {m: Histograms(m) for m in self._metrics if m.kind is Kind.HISTOGRAM}
        self.sums = Sums(self._shared_sum) if shared else Sums()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=weakly(self._start_again))
        self._registry: CollectorRegistry | None = None
        self._lock = threading.Lock()
        self.resource: Mapping[str, str] = {}
        self.before_collect: Callable[[], None] | None = None
        self.path: MetricsPath = "prometheus"
        self.silent = False
        """Shows nothing, because the program has set up OpenTelemetry, which shows the same."""

    def _shared_sum(self, metric: Metric, values: Values) -> Sum:
        return _SharedSum(self._instruments[metric].labels(*on_path(metric, values, self.path)))

    def _start_again(self) -> None:
        for histograms in self._histograms.values():
            histograms.start_again()

    @property
    def registered(self) -> bool:
        """Whether a registry shows it."""
        return self._registry is not None

    def open(self, registry: CollectorRegistry) -> None:
        """Register with `registry`, once.

        Raises:
            ConfigError: the registry already holds a metric of one of these names.
        """
        with self._lock:
            if self._registry is None:
                try:
                    registry.register(self)
                except ValueError as error:
                    raise ConfigError(
                        f"the Prometheus registry already holds metrics of agentobs's names ({error}); "
                        "give another one to instrument(registry=...), or take them out of this one"
                    ) from error
                self._registry = registry

    def collect(self) -> Iterable[Family]:
        if self.before_collect is not None:
            self.before_collect()
        if self.silent:
            return
        yield from target_info(self.resource)
        for metric in self._metrics:
            family = self._family(metric)
            if family.samples:
                yield family

    def _family(self, metric: Metric) -> Family:
        instrument = self._instruments.get(metric)
        if instrument is not None:
            (family,) = instrument.collect()
            # OpenTelemetry's exporters have no such series.
            family.samples = [sample for sample in family.samples if not sample.name.endswith("_created")]
            return family  # type: ignore[no-any-return]
        histograms = self._histograms.get(metric)
        if histograms is not None:
            return histograms.family()
        made = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
        family = made(metric.prom, metric.description, labels=[label.label for label in metric.labels])
        for values, value in self.sums.read(metric).items():
            family.add_metric(on_path(metric, values, self.path), value)
        return family

    def describe(self) -> Iterable[Family]:
        """Names only, so that registering does not collect."""
        kinds = {Kind.HISTOGRAM: "histogram", Kind.COUNTER: "counter"}
        for metric in self._metrics:
            yield Family(metric.prom.removesuffix("_total"), metric.description, kinds.get(metric.kind, "gauge"))

    def histogram(self, metric: Metric, values: Values) -> Observe:
        if metric in self._histograms:
            return self._histograms[metric].observer(values)
        instrument = self._instruments[metric]
        # Its series is made with its first value; in the files that processes share there are no exemplars.
        return lambda value, _: instrument.labels(*values).observe(value)

    def exemplar(self, span: Any) -> Any:
        context = span.get_span_context() if span is not None else None
        return context if context is not None and context.trace_flags.sampled else None

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
    known = _sinks.setdefault(registry, {})
    key = frozenset(metric.name for metric in rows)
    sink = known.get(key)
    if sink is None:
        sink = known[key] = PrometheusSink(rows)
    sink.open(registry)
    return sink


def _in_force() -> Iterator[tuple[CollectorRegistry, PrometheusSink]]:
    for registry, sinks in list(_sinks.items()):
        for sink in sinks.values():
            if sink.registered:
                yield registry, sink


def registry_in_force() -> CollectorRegistry:
    """The registry that the metrics of agentobs are in; the default one where they are in none."""
    return next((registry for registry, _ in _in_force()), prometheus_client.REGISTRY)


def is_silent() -> bool:
    """Whether prometheus_client is to show nothing of agentobs, because OpenTelemetry shows it."""
    return any(sink.silent for _, sink in _in_force())


def resource_in_force() -> Mapping[str, str]:
    """Labels of `target_info`; those of the environment in a process that only shows what others did."""
    own_labels = next((sink.resource for _, sink in _in_force()), None)
    return resource_labels(os.environ.get("OTEL_SERVICE_NAME")) if own_labels is None else own_labels


def refresh() -> None:
    """Have the levels of this process written where others read them."""
    for _, sink in _in_force():
        if sink.before_collect is not None:
            sink.before_collect()


def target_info(labels: Mapping[str, str]) -> Iterator[Family]:
    """`target_info` with these labels; nothing without any."""
    if labels:
        info = GaugeMetricFamily("target_info", "Target metadata", labels=list(labels))
        info.add_metric(list(labels.values()), 1)
        yield info


def resource_labels(service: str | None, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """Labels of `target_info`: what OTEL_RESOURCE_ATTRIBUTES and the service name say, as OpenTelemetry reads them."""
    env = os.environ if environ is None else environ
    labels: dict[str, str] = {}
    for pair in env.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        key, separator, value = pair.partition("=")
        if separator and key.strip():
            labels[_label(key.strip())] = unquote(value.strip())
    if service:
        labels["service_name"] = service
    return labels


def _label(name: str) -> str:
    cleaned = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in name)
    return "_" + cleaned if cleaned[:1].isdigit() else cleaned
