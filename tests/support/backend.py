"""The telemetry backend of a program, in memory, as far as it is not broken on purpose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricReader
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

import agentobs
from agentobs import catalogue


@dataclass
class Backend:
    """Providers as a program sets them up, with processors, a sampler and `readers` of its own."""

    processors: Sequence[SpanProcessor] = ()
    log_processors: Sequence[LogRecordProcessor] = ()
    sampler: Sampler = ALWAYS_ON
    readers: Sequence[MetricReader] = ()
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)

    def __post_init__(self) -> None:
        self._spans, self._logs = InMemorySpanExporter(), InMemoryLogRecordExporter()
        self.tracers = TracerProvider(sampler=self.sampler, shutdown_on_exit=False)
        self.loggers = LoggerProvider(shutdown_on_exit=False)
        self.meters = MeterProvider([*self.readers, self.reader], shutdown_on_exit=False)
        for processor in (*self.processors, SimpleSpanProcessor(self._spans)):
            self.tracers.add_span_processor(processor)
        for log_processor in (*self.log_processors, SimpleLogRecordProcessor(self._logs)):
            self.loggers.add_log_record_processor(log_processor)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._spans.get_finished_spans()

    def clear(self) -> None:
        """Forget the spans and events so far."""
        self._spans.clear()
        self._logs.clear()

    @property
    def events(self) -> list[str | None]:
        return [log.log_record.event_name for log in self._logs.get_finished_logs()]

    def series(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """The series of a metric: labels, and the value of a counter or the count of a histogram."""
        data = self.reader.get_metrics_data()
        return [
            (dict(point.attributes or {}), point.count if hasattr(point, "bucket_counts") else point.value)
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def total(self, name: str, **labels: Any) -> float:
        """The sum over the series with these labels, given with underscores for dots; 0 without any.

        Raises:
            LookupError: agentobs has no metric of this name.
        """
        if not any(metric.name == name for metric in catalogue.metrics("both")):
            raise LookupError(name)
        named = [({key.replace(".", "_"): value for key, value in a.items()}, v) for a, v in self.series(name)]
        return sum(v for a, v in named if all(a.get(key) == value for key, value in labels.items()))

    def own_errors(self) -> dict[str, float]:
        """agentobs's own errors by stage."""
        return {a["agentobs.stage"]: v for a, v in self.series("agentobs.internal.errors")}


@contextmanager
def observed(backend: Backend, **options: Any) -> Iterator[agentobs.Instrumentation]:
    """`instrument()` into this backend for the time of the block."""
    handle = agentobs.instrument(
        metrics="otel",
        tracer_provider=backend.tracers,
        meter_provider=backend.meters,
        logger_provider=backend.loggers,
        **options,
    )
    with handle:
        yield handle
