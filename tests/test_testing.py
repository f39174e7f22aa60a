"""agentobs.testing.capture(): what a program's own tests use."""

from __future__ import annotations

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import agentobs
from agentobs import guard, process
from agentobs.testing import capture
from tests.support import model


def test_spans_points_and_events_are_plain_objects() -> None:
    with capture() as seen, agentobs.agent("support"):
        model.client().chat.completions.create(**model.ask(1))
        agentobs.decision("route", "refund")
    call = seen.span(f"chat {model.NAME}")
    assert (call.kind, call.status, call.parent_id) == ("CLIENT", "UNSET", seen.span("invoke_agent support").span_id)
    assert call.attributes["gen_ai.usage.input_tokens"] == model.input_tokens(1)
    assert call.end_ns >= call.start_ns > 0
    (event,) = seen.events
    assert (event.name, event.severity, event.trace_id) == ("agentobs.decision", "INFO", call.trace_id)
    (duration,) = [point for point in seen.points if point.name == "gen_ai.client.inference.duration"]
    assert (duration.unit, duration.count, sum(duration.buckets)) == ("s", 1, 1)
    assert len(duration.buckets) == len(duration.bounds) + 1


def test_values_are_found_by_labels() -> None:
    with capture() as seen:
        for kind in ("a", "a", "b"):
            agentobs.decision(kind, "x")
    assert seen.value("agentobs.decisions") == 3
    assert seen.value("agentobs.decisions", agentobs_decision_kind="a") == 2
    assert seen.value("agentobs.decisions", agentobs_decision_kind="c") == 0


def test_a_span_that_is_not_there_names_those_that_are() -> None:
    with capture() as seen:
        for _ in range(2):
            with agentobs.agent("support"):
                pass
    with pytest.raises(LookupError, match=r"0 spans are named 'x'; there are \['invoke_agent support'"):
        seen.span("x")
    with pytest.raises(LookupError, match="2 spans are named 'invoke_agent support'"):
        seen.span("invoke_agent support")


def test_it_shows_what_there_is_so_far_and_nothing_of_later() -> None:
    with capture() as seen:
        agentobs.decision("a", "x")
        assert len(seen.events) == 1
        agentobs.decision("a", "x")
        assert len(seen.events) == 2
    agentobs.decision("a", "x")
    assert (len(seen.events), seen.value("agentobs.decisions")) == (2, 2)


def test_each_block_starts_at_nothing() -> None:
    for _ in range(2):
        with capture() as seen:
            agentobs.decision("a", "x")
        assert seen.value("agentobs.decisions") == 1


def test_nothing_is_left_behind() -> None:
    was_strict = guard.strict
    with capture(strict=not was_strict):
        assert guard.strict is not was_strict
    assert guard.strict is was_strict
    assert process.current() is None


def test_it_ends_with_the_exception_of_the_test() -> None:
    with pytest.raises(ValueError, match="mine"), capture():
        raise ValueError("mine")
    assert process.current() is None


def test_what_is_set_up_otherwise_sees_nothing_meanwhile_and_everything_after() -> None:
    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    meters = MeterProvider([reader], shutdown_on_exit=False)
    api = model.client()
    with agentobs.instrument(
        conventions="both", metrics="otel", tracer_provider=tracers, meter_provider=meters
    ) as handle:
        with capture() as seen:
            api.chat.completions.create(**model.ask(1))
            assert not handle.active
        assert handle.active
        assert spans.get_finished_spans() == ()
        assert "gen_ai.client.token.usage" in {point.name for point in seen.points}
        api.chat.completions.create(**model.ask(2))
        assert [span.name for span in spans.get_finished_spans()] == [f"chat {model.NAME}"]
    assert len(seen.spans) == 1


@pytest.mark.parametrize(
    ("conventions", "name"),
    [("latest", "gen_ai.client.inference.duration"), ("compat", "gen_ai.client.operation.duration")],
)
def test_names_can_be_chosen(conventions: agentobs.config.Conventions, name: str) -> None:
    with capture(conventions=conventions) as seen:
        model.client().chat.completions.create(**model.ask(1))
    assert seen.value(name) == 1


def test_blocks_can_be_nested() -> None:
    with capture() as outer:
        with capture() as inner:
            agentobs.decision("inner", "x")
        agentobs.decision("outer", "x")
    kinds = [[event.attributes["agentobs.decision.kind"] for event in seen.events] for seen in (outer, inner)]
    assert kinds == [["outer"], ["inner"]]


@pytest.mark.faults
def test_errors_are_counted_again_after_a_capture_inside_an_instrumented_process() -> None:
    reader = InMemoryMetricReader()
    meters = MeterProvider([reader], shutdown_on_exit=False)
    with agentobs.instrument(metrics="otel", meter_provider=meters) as handle:
        guard.failed("before", ValueError("one"))
        with capture(strict=False) as seen:
            guard.failed("inside", ValueError("two"))
        guard.failed("after", ValueError("three"))
        assert handle.report().errors == {"before": 1, "after": 1}
        assert seen.value("agentobs.internal.errors", agentobs_stage="inside") == 1
        points = [
            (point.attributes["agentobs.stage"], point.value)
            for resource in reader.get_metrics_data().resource_metrics  # type: ignore[union-attr]
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == "agentobs.internal.errors"
            for point in metric.data.data_points
        ]
    assert sorted(points) == [("after", 1), ("before", 1)]
