"""For tests: everything that agentobs emits, as plain objects.

    with agentobs.testing.capture() as seen:
        answer = my_agent("hello")
    assert seen.span("chat gpt-4.1-mini").attributes["gen_ai.usage.input_tokens"] == 11

Nothing leaves the process: spans, metrics and events go into memory while the block runs, whatever is set up otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import guard, process, runtime
from .catalogue.values import Conventions
from .config import Capture, Config, resolve
from .version import VERSION


@dataclass(frozen=True, slots=True)
class CapturedSpan:
    """One ended span. Ids are hexadecimal, times are nanoseconds of the epoch; `status` is UNSET, OK or ERROR."""

    name: str
    kind: str
    attributes: Mapping[str, Any]
    status: str
    status_description: str | None
    trace_id: str
    span_id: str
    parent_id: str | None
    start_ns: int
    end_ns: int


@dataclass(frozen=True, slots=True)
class CapturedPoint:
    """One series of one metric: `value` of a counter or gauge; `count`, `sum` and `buckets` of a histogram."""

    name: str
    unit: str
    attributes: Mapping[str, Any]
    value: float | None = None
    count: int | None = None
    sum: float | None = None
    bounds: tuple[float, ...] = ()
    buckets: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class CapturedEvent:
    """One event. Ids are those of the span that it is about, `None` where it is about none."""

    name: str
    severity: str
    attributes: Mapping[str, Any]
    trace_id: str | None
    span_id: str | None


class Captured:
    """What was emitted inside `capture()`, so far or, after the block, in all."""

    def __init__(
        self,
        spans: Callable[[], list[CapturedSpan]],
        points: Callable[[], list[CapturedPoint]],
        events: Callable[[], list[CapturedEvent]],
    ) -> None:
        self._spans, self._points, self._events = spans, points, events

    @property
    def spans(self) -> list[CapturedSpan]:
        """The spans that have ended, in the order in which they ended."""
        _drain()
        return self._spans()

    @property
    def points(self) -> list[CapturedPoint]:
        """Every metric series with its value since the start of the block."""
        _drain()
        return self._points()

    @property
    def events(self) -> list[CapturedEvent]:
        """The events, in the order in which they were emitted."""
        _drain()
        return self._events()

    def freeze(self) -> None:
        """Keep what there is now, and nothing that comes later."""
        spans, points, events = self.spans, self.points, self.events
        self._spans, self._points, self._events = lambda: spans, lambda: points, lambda: events

    def span(self, name: str) -> CapturedSpan:
        """The one span of this name.

        Raises:
            LookupError: there is none, or more than one; the message names those that there are.
        """
        spans = [span for span in self.spans if span.name == name]
        if len(spans) != 1:
            raise LookupError(f"{len(spans)} spans are named {name!r}; there are {[span.name for span in self.spans]}")
        return spans[0]

    def value(self, name: str, **labels: Any) -> float:
        """The sum over the series of a counter, gauge or histogram (its count) whose labels are these; 0 without any.

        Labels are given with underscores for dots: `value("agentobs.calls", agentobs_outcome="error")`.
        """
        total = 0.0
        for point in self.points:
            given = {key.replace(".", "_"): value for key, value in point.attributes.items()}
            if point.name == name and all(given.get(key) == value for key, value in labels.items()):
                total += point.value if point.value is not None else point.count or 0
        return total


def _drain() -> None:
    from .integrations import deferred

    deferred.drain()


@contextmanager
def capture(
    *, conventions: Conventions | None = None, content: Capture | None = None, strict: bool = True
) -> Iterator[Captured]:
    """Catch everything that is emitted inside the block; what was set up before is in force again after it.

    Args:
        conventions: names of the GenAI signals, else those in force, else the default.
        content: content capture, else that in force, else none.
        strict: let errors of agentobs itself come through, so that a test sees them.
    """
    from .emit import Emitters
    from .integrations import deferred
    from .integrations.installer import INSTALLER
    from .integrations.table import libraries, processes

    before = process.current()
    given = {"conventions": conventions, "capture": content}
    base: dict[str, Any] = {}
    if before is not None:
        base = {name: getattr(before.config, name) for name in ("service", "conventions", "capture", "prices")}
    config: Config = resolve(
        base | {key: value for key, value in given.items() if value is not None} | {"metrics": "otel"},
        libraries(),
        always=processes(),
    )
    providers, captured = _in_memory()
    emitters = Emitters(
        config, VERSION, prices=runtime.price_book(config.prices), before_collect=deferred.drain, **providers
    )
    was_strict, guard.strict = guard.strict, strict
    with process.in_force(process.State(config, emitters)):
        if before is None:
            INSTALLER.install(config.libraries)
        try:
            yield captured
        finally:
            captured.freeze()
            if before is None:
                INSTALLER.uninstall()
            else:
                deferred.drain()
            guard.strict = was_strict
            emitters.close(5.0)


def _in_memory() -> tuple[dict[str, Any], Captured]:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    try:
        from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter as InMemoryLogs
    except ImportError:  # its name before OpenTelemetry 1.39
        from opentelemetry.sdk._logs.export import InMemoryLogExporter as InMemoryLogs

    resource = Resource({})
    spans, logs, reader = InMemorySpanExporter(), InMemoryLogs(), InMemoryMetricReader()  # type: ignore[no-untyped-call]
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    loggers = LoggerProvider(resource=resource, shutdown_on_exit=False)
    loggers.add_log_record_processor(SimpleLogRecordProcessor(logs))
    meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)
    captured = Captured(
        lambda: [_span(span) for span in spans.get_finished_spans()],
        lambda: list(_points(reader.get_metrics_data())),
        lambda: [_event(log) for log in logs.get_finished_logs()],
    )
    return {"tracer_provider": tracers, "meter_provider": meters, "logger_provider": loggers}, captured


def _span(span: Any) -> CapturedSpan:
    return CapturedSpan(
        span.name,
        span.kind.name,
        dict(span.attributes or {}),
        span.status.status_code.name,
        span.status.description,
        f"{span.context.trace_id:032x}",
        f"{span.context.span_id:016x}",
        f"{span.parent.span_id:016x}" if span.parent is not None else None,
        span.start_time,
        span.end_time,
    )


def _points(data: Any) -> Iterator[CapturedPoint]:
    for resource in data.resource_metrics if data is not None else ():
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in metric.data.data_points:
                    attributes = dict(point.attributes)
                    if hasattr(point, "bucket_counts"):
                        yield CapturedPoint(
                            metric.name,
                            metric.unit,
                            attributes,
                            count=point.count,
                            sum=point.sum,
                            bounds=tuple(point.explicit_bounds),
                            buckets=tuple(point.bucket_counts),
                        )
                    else:
                        yield CapturedPoint(metric.name, metric.unit, attributes, value=point.value)


def _event(log: Any) -> CapturedEvent:
    record = log.log_record
    return CapturedEvent(
        record.event_name,
        record.severity_text,
        dict(record.attributes or {}),
        f"{record.trace_id:032x}" if record.trace_id else None,
        f"{record.span_id:016x}" if record.span_id else None,
    )
