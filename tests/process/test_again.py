"""`instrument()` again, as in a notebook's cell that is run a second time."""

from __future__ import annotations

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY, CollectorRegistry, pushadd_to_gateway

import agentobs
from tests.support import model
from tests.support.scenario import exposition, total
from tests.support.stack import loopback


class Cell:
    """What a cell makes each time that it is run."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.spans = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self.spans))

    def run(self) -> agentobs.Instrumentation:
        handle = agentobs.instrument(metrics="prometheus", registry=self.registry, tracer_provider=self.tracers)
        with agentobs.agent("support"):
            model.client().chat.completions.create(**model.ask(1))
        return handle

    def seen(self) -> tuple[int, float]:
        """Spans and calls that came here."""
        return len(self.spans.get_finished_spans()), total(exposition(self.registry), "agentobs_calls_total")


def test_the_providers_and_the_registry_of_the_second_time_are_taken_over() -> None:
    first, second = Cell(), Cell()
    old = first.run()
    assert first.seen() == (2, 1)
    new = second.run()
    assert (first.seen(), second.seen()) == ((2, 0), (2, 1)), "the first registry has no metrics of agentobs any more"
    assert (old.active, new.active) == (False, True)
    assert second.run() is new
    assert second.seen() == (4, 2)


def test_what_is_not_named_the_second_time_stays() -> None:
    cell = Cell()
    handle = cell.run()
    assert agentobs.instrument(metrics="prometheus") is handle
    other = CollectorRegistry()
    agentobs.instrument(metrics="prometheus", registry=other)
    agentobs.decision("route", "x")
    with agentobs.agent("support"):
        pass
    assert len(cell.spans.get_finished_spans()) == 3
    assert total(exposition(other), "agentobs_decisions_total") == 1


def test_a_meter_provider_is_taken_over_too() -> None:
    readers = [InMemoryMetricReader(), InMemoryMetricReader()]
    for reader in readers:
        agentobs.instrument(metrics="otel", meter_provider=MeterProvider([reader], shutdown_on_exit=False))
    agentobs.decision("route", "x")
    names = [_names(reader) for reader in readers]
    assert "agentobs.decisions" not in names[0]
    assert "agentobs.decisions" in names[1]


def _names(reader: InMemoryMetricReader) -> set[str]:
    data = reader.get_metrics_data()
    scopes = [scope for resource in (data.resource_metrics if data else ()) for scope in resource.scope_metrics]
    return {metric.name for scope in scopes for metric in scope.metrics}


def test_the_old_handle_as_a_context_manager_leaves_the_new_one_alone() -> None:
    first, second = Cell(), Cell()
    with first.run():
        new = second.run()
    assert new.active


def test_a_push_to_a_gateway_is_made_before_the_metrics_are_taken_back() -> None:
    with loopback() as gateway:
        with agentobs.instrument(metrics="prometheus"):
            agentobs.decision("route", "x")
            pushadd_to_gateway(gateway.address, job="nightly", registry=REGISTRY)
        pushadd_to_gateway(gateway.address, job="too late", registry=REGISTRY)
    inside, after = (body.decode() for body in gateway.received)
    assert "agentobs_decisions_total" in inside
    assert "agentobs_decisions_total" not in after
