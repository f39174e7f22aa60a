"""Tail sampling keeps whole traces that somebody will want to see, and span metrics count the others too."""

from __future__ import annotations

import os
import re
from collections.abc import Callable

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from agentobs.catalogue import genai, own
from tests.support.packs.backend import backend
from tests.support.packs.sender import event, send, span
from tests.support.stack import Collector, poll

from .conftest import Configs

KEPT: dict[str, Callable[[bytes], Span]] = {
    "error": lambda trace: span(trace=trace, error=True),
    "slow": lambda trace: span(trace=trace, seconds=31),
    "expensive": lambda trace: span({own.COST_USD.name: 0.51}, trace=trace),
    "expensive by a whole number": lambda trace: span({own.COST_USD.name: 2}, trace=trace),
    "escalated": lambda trace: span({own.DECISION_OUTCOME.name: "escalated"}, trace=trace),
    "escalated by an event": lambda trace: span(
        trace=trace, events=[event(own.DECISION.name, {own.DECISION_OUTCOME.name: "escalated"})]
    ),
    "degraded": lambda trace: span({own.DEGRADATION.name: "fallback_model"}, trace=trace),
    "badly rated": lambda trace: span({genai.SCORE_VALUE.name: 0.0}, trace=trace),
    "badly rated by an event": lambda trace: span(
        trace=trace, events=[event(genai.EVALUATION.name, {genai.SCORE_VALUE.name: 0.2})]
    ),
}
DROPPED: dict[str, Callable[[bytes], Span]] = {
    "plain": lambda trace: span(trace=trace),
    "cheap": lambda trace: span({own.COST_USD.name: 0.49}, trace=trace),
    "autonomous": lambda trace: span({own.DECISION_OUTCOME.name: "autonomous"}, trace=trace),
    "in full service": lambda trace: span({own.DEGRADATION.name: "full"}, trace=trace),
    "well rated": lambda trace: span({genai.SCORE_VALUE.name: 1.0}, trace=trace),
}


def send_trace(server: Collector, make: Callable[[bytes], Span]) -> bytes:
    """A trace of three spans, of which the middle one is special; its parts come in two requests."""
    trace = os.urandom(16)
    root, special = span(trace=trace, name="root"), make(trace)
    special.parent_span_id = root.span_id
    leaf = span(trace=trace, parent=special.span_id, name="leaf")
    assert send(server.ports[4318], leaf, special)
    assert send(server.ports[4318], root)
    return trace


def test_policies_keep_whole_traces_and_drop_the_rest(configs: Configs) -> None:
    with backend() as behind, configs.gateway(behind) as server:
        dropped = {send_trace(server, make): name for name, make in DROPPED.items()}
        kept = {send_trace(server, make): name for name, make in KEPT.items()}
        poll(lambda: len(behind.spans()) >= 3 * len(KEPT), "spans of all traces that are kept")
        last = send_trace(server, KEPT["error"])
        # Decisions are made in the order of arrival, so after this one the earlier ones have been made.
        poll(lambda: last in {s.trace_id for s in behind.spans()}, "a trace sent after all the others")
        arrived = [s.trace_id for s in behind.spans() if s.trace_id != last]
        assert sorted(kept[trace] for trace in set(arrived)) == sorted(KEPT)
        assert not set(arrived) & set(dropped)
        assert {arrived.count(trace) for trace in kept} == {3}


def test_rest_is_kept_by_share(configs: Configs) -> None:
    with backend() as behind, configs.gateway(behind, AGENTOBS_SAMPLE_PERCENT="100") as server:
        trace = send_trace(server, DROPPED["plain"])
        poll(lambda: [s.trace_id for s in behind.spans()].count(trace) == 3, "the whole trace")


def test_span_that_comes_after_the_decision_follows_it(configs: Configs) -> None:
    with backend() as behind, configs.gateway(behind) as server:
        trace = send_trace(server, KEPT["error"])
        poll(lambda: len(behind.spans()) == 3, "the trace")
        assert send(server.ports[4318], span(trace=trace, name="late"))
        poll(lambda: "late" in {s.name for s in behind.spans()}, "the late span")


def test_span_metrics_count_what_sampling_drops(configs: Configs) -> None:
    def calls(text: str) -> int:
        found = re.findall(r'^traces_span_metrics_calls_total\{.*span_name="counted".*\} (\d+)', text, re.MULTILINE)
        return sum(map(int, found))

    labels = {genai.PROVIDER.name: "openai", genai.REQUEST_MODEL.name: "gpt-6", own.OUTCOME.name: "success"}
    both = {"AGENTOBS_METRICS_EXPORTERS": "[prometheus, otlp_http/metrics]"}
    with backend() as behind, configs.gateway(behind, **both) as server:
        for _ in range(20):
            assert send(server.ports[4318], span(labels, name="counted"))
        poll(lambda: calls(server.metrics()) == 20, "20 calls in the span metrics")
        assert f'{genai.REQUEST_MODEL.label}="gpt-6"' in server.metrics()
        poll(lambda: "traces.span.metrics.calls" in {m.name for m in behind.metrics()}, "the same by OTLP")
        assert behind.spans() == []


@pytest.mark.parametrize("percent", ["0", "100"])
def test_nothing_is_left_unexplained_in_the_log(configs: Configs, percent: str) -> None:
    with backend() as behind, configs.gateway(behind, AGENTOBS_SAMPLE_PERCENT=percent) as server:
        send_trace(server, KEPT["error"])
        poll(behind.spans, "the trace")
        assert not re.search(r"\t(error|warn)\t", server.process.log()), server.process.log()
