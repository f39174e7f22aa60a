"""Into the program's own meter provider: whatever its readers, temporality, views, and whenever it is set."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader, MetricReader
from opentelemetry.sdk.metrics.view import View

import agentobs
from tests.support import model
from tests.support.process.programs import run_strictly

DELTA = AggregationTemporality.DELTA


def _points(reader: Any, name: str) -> list[Any]:
    data = reader.get_metrics_data()
    return [
        point
        for resource in (data.resource_metrics if data else ())
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == name
        for point in metric.data.data_points
    ]


def _sum(reader: MetricReader, name: str) -> float:
    return sum(getattr(point, "value", None) or getattr(point, "count", 0) for point in _points(reader, name))


def _meters(*readers: MetricReader, views: Iterable[View] = ()) -> MeterProvider:
    return MeterProvider(list(readers), shutdown_on_exit=False, views=list(views))


def _ask(times: int) -> None:
    api = model.client()
    for number in range(times):
        api.chat.completions.create(**model.ask(number))


def test_a_reader_of_deltas_gets_deltas() -> None:
    reader = InMemoryMetricReader({Counter: DELTA, ObservableCounter: DELTA, Histogram: DELTA})
    with agentobs.instrument(metrics="otel", meter_provider=_meters(reader)):
        seen = []
        for times in (3, 0, 2):
            _ask(times)
            data = [_sum(reader, "agentobs.calls")]
            seen.append(data[0])
        assert seen == [3, 0, 2]


def test_histograms_come_as_deltas_too() -> None:
    reader = InMemoryMetricReader({Histogram: DELTA})
    with agentobs.instrument(metrics="otel", meter_provider=_meters(reader)):
        seen = []
        for times in (3, 2):
            _ask(times)
            seen.append(_sum(reader, "gen_ai.client.inference.duration"))
        assert seen == [3, 2]


def test_two_readers_see_the_whole_each() -> None:
    cumulative, delta = InMemoryMetricReader(), InMemoryMetricReader({ObservableCounter: DELTA})
    with agentobs.instrument(metrics="otel", meter_provider=_meters(cumulative, delta)):
        _ask(2)
        assert (_sum(cumulative, "agentobs.calls"), _sum(delta, "agentobs.calls")) == (2, 2)
        _ask(1)
        assert (_sum(cumulative, "agentobs.calls"), _sum(delta, "agentobs.calls")) == (3, 1)


def test_a_view_of_histograms_drops_attributes() -> None:
    reader = InMemoryMetricReader()
    view = View(instrument_name="gen_ai.client.inference.duration", attribute_keys={"gen_ai.request.model"})
    with agentobs.instrument(metrics="otel", meter_provider=_meters(reader, views=[view])):
        _ask(2)
        (point,) = _points(reader, "gen_ai.client.inference.duration")
        assert (dict(point.attributes), point.count) == ({"gen_ai.request.model": model.NAME}, 2)


def test_a_view_of_counters_drops_attributes_and_adds_up() -> None:
    reader = InMemoryMetricReader()
    view = View(instrument_name="agentobs.calls", attribute_keys={"gen_ai.provider.name"})
    with agentobs.instrument(metrics="otel", meter_provider=_meters(reader, views=[view])):
        for agent in ("a", "b", "c"):
            with agentobs.agent(agent):
                _ask(2)
        (point,) = _points(reader, "agentobs.calls")
        assert (dict(point.attributes), point.value) == ({"gen_ai.provider.name": "openai"}, 6)


def test_another_instrument_starts_where_the_last_one_ended() -> None:
    reader = InMemoryMetricReader()
    meters = _meters(reader)
    for times in (1, 2):
        with agentobs.instrument(metrics="otel", meter_provider=meters):
            _ask(times)
            last = _sum(reader, "agentobs.calls")
    assert last == 3


_SET = """
import agentobs
from opentelemetry import _logs, metrics, trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.support import model

spans, logs, reader = InMemorySpanExporter(), InMemoryLogRecordExporter(), InMemoryMetricReader()

def set_providers():
    tracers, loggers = TracerProvider(), LoggerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    loggers.add_log_record_processor(SimpleLogRecordProcessor(logs))
    trace.set_tracer_provider(tracers)
    metrics.set_meter_provider(MeterProvider([reader]))
    _logs.set_logger_provider(loggers)

def ask():
    with agentobs.agent("support"):
        model.client().chat.completions.create(**model.ask(1))
        agentobs.decision("a", "b")

def show():
    found = {}
    for resource in reader.get_metrics_data().resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                if metric.name in ("agentobs.calls", "gen_ai.client.inference.duration"):
                    found[metric.name] = sum(getattr(p, "value", None) or p.count for p in metric.data.data_points)
    print(len(spans.get_finished_spans()), len(logs.get_finished_logs()), sorted(found.items()))
"""
_ONE = "2 1 [('agentobs.calls', 1), ('gen_ai.client.inference.duration', 1)]\n"


def test_providers_that_are_set_before() -> None:
    assert run_strictly(_SET + 'set_providers()\nagentobs.instrument(metrics="otel")\nask()\nshow()') == _ONE


def test_providers_that_are_set_after() -> None:
    assert run_strictly(_SET + 'agentobs.instrument(metrics="otel")\nset_providers()\nask()\nshow()') == _ONE


def test_providers_that_are_set_after_the_first_call() -> None:
    """Spans and events of before are lost, sums are not."""
    shown = run_strictly(_SET + 'agentobs.instrument(metrics="otel")\nask()\nset_providers()\nask()\nshow()')
    assert shown == "2 1 [('agentobs.calls', 2), ('gen_ai.client.inference.duration', 1)]\n"


def test_the_programs_providers_take_over_from_those_of_the_variables() -> None:
    shown = run_strictly(
        _SET + "agentobs.instrument()\nset_providers()\nask()\nshow()\nprint(agentobs.instrument().report())",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
        OTEL_METRIC_EXPORT_INTERVAL="3600000",
    )
    assert shown.startswith(_ONE)


def test_auto_takes_prometheus_where_opentelemetry_is_not_set_up() -> None:
    shown = run_strictly("""
        import agentobs, prometheus_client
        agentobs.instrument()
        agentobs.decision("a", "b")
        print("agentobs_decisions_total{" in prometheus_client.generate_latest().decode())
    """)
    assert shown == "True\n"
