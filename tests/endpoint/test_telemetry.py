"""What becomes of feedback: one event in the trace of the answer, counted once, wherever and whenever it arrives."""

from __future__ import annotations

import time

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

import agentobs
from agentobs.endpoint.revisions import MOST_IDS
from agentobs.testing import Captured
from tests.support.endpoint.twins import ASGI, SECRET, Twin, token


def arrivals(seen: Captured) -> dict[str, float]:
    return {
        point.attributes["agentobs.feedback.arrival"]: point.value
        for point in seen.points
        if point.name == "agentobs.feedback.accepted"
    }


def test_the_event_is_parented_to_the_answer_and_counted_by_what_the_token_says(twin: Twin, seen: Captured) -> None:
    with agentobs.agent("support", conversation_id="c-1") as scope:
        scope.run.request_model = "gpt-4.1-mini"
        with agentobs.fallback("answer", kind="cache", reason="timeout"):
            pass
        made = agentobs.feedback_token(secret=SECRET)
    with agentobs.agent("another agent that serves the post"):
        assert twin.post({"token": made, "label": "thumbs_down"}).status == 202
    event = seen.events[-1]
    span = seen.span("invoke_agent support")
    assert event.name == "gen_ai.evaluation.result"
    assert (event.trace_id, event.span_id) == (span.trace_id, span.span_id)
    assert event.attributes["gen_ai.conversation.id"] == "c-1"
    labels = {
        "gen_ai_agent_name": "support",
        "gen_ai_evaluation_name": "user_feedback",
        "gen_ai_request_model": "gpt-4.1-mini",
        "agentobs_degradation_level": "reduced",
        "agentobs_feedback_source": "end_user",
    }
    assert seen.value("agentobs.feedback.received", gen_ai_evaluation_score_label="thumbs_down", **labels) == 1
    assert seen.value("agentobs.feedback.score", **labels) == 1


def test_the_span_that_serves_the_post_is_left_alone(twin: Twin, seen: Captured) -> None:
    made = token()
    with agentobs.agent("server"):
        twin.post({"token": made, "label": "thumbs_down"})
    assert not [name for name in seen.span("invoke_agent server").attributes if "evaluation" in name]


def test_the_same_again_changes_nothing(twin: Twin, seen: Captured) -> None:
    rating = {"token": token(), "label": "thumbs_down", "comment": "no"}
    assert [twin.post(rating).status for _ in range(3)] == [202, 202, 202]
    assert len(seen.events) == 1
    assert seen.value("agentobs.feedback.received") == 1
    assert arrivals(seen) == {"on_time": 1, "repeated": 2}


def test_the_same_id_with_other_content_is_a_revision(twin: Twin, seen: Captured) -> None:
    made = token()
    for label in ("thumbs_down", "thumbs_up", "thumbs_down"):
        assert twin.post({"token": made, "label": label, "id": "a"}).status == 202
    assert [event.attributes.get("agentobs.feedback.revision", 0) for event in seen.events] == [0, 1, 2]
    assert len({event.attributes["agentobs.feedback.id"] for event in seen.events}) == 1
    assert seen.value("agentobs.feedback.received") == 1
    assert arrivals(seen) == {"on_time": 1, "changed": 2}


def test_ids_of_one_answer_are_not_those_of_another(twin: Twin, seen: Captured) -> None:
    for made in (token(), token()):
        twin.post({"token": made, "label": "thumbs_up", "id": "a"})
    assert len({event.attributes["agentobs.feedback.id"] for event in seen.events}) == 2
    assert arrivals(seen) == {"on_time": 2}


def test_two_tokens_of_one_run_rate_the_same_answer(twin: Twin, seen: Captured) -> None:
    with agentobs.agent("support"):
        made = [agentobs.feedback_token(secret=SECRET, ttl_s=ttl_s) for ttl_s in (60, 600)]
    for one in made:
        twin.post({"token": one, "label": "thumbs_up"})
    assert arrivals(seen) == {"on_time": 1, "repeated": 1}


def test_a_replayed_token_cannot_stuff_the_counters(kind, seen: Captured) -> None:  # type: ignore[no-untyped-def]
    twin = kind(per_token=1000)
    made = token()
    statuses = [twin.post({"token": made, "value": 1, "id": str(number)}).status for number in range(MOST_IDS + 5)]
    assert statuses == [202] * MOST_IDS + [403] * 5
    assert twin.post({"token": made, "value": 1, "id": "one more"}).problem == "malformed"
    assert twin.post({"token": made, "value": 1, "id": "more"}).problem == "replayed"
    assert twin.post({"token": made, "value": 0, "id": "0"}).status == 202
    assert seen.value("agentobs.feedback.received") == MOST_IDS


def test_late_feedback_is_marked(twin: Twin, seen: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    made, now = token(), time.time
    monkeypatch.setattr(time, "time", lambda: now() + 86_400)
    assert twin.post({"token": made, "label": "thumbs_up"}).status == 202
    assert seen.events[0].attributes["agentobs.feedback.late"] is True
    assert arrivals(seen) == {"late": 1}
    assert seen.value("agentobs.feedback.received") == 1


def test_an_answer_whose_trace_was_not_kept_is_rated_all_the_same(seen: Captured) -> None:
    with trace.use_span(TracerProvider(sampler=ALWAYS_OFF).get_tracer("host").start_span("request")):
        made = token()
    assert ASGI().post({"token": made, "label": "thumbs_up"}).status == 202
    (event,) = seen.events
    assert event.trace_id is not None
    assert arrivals(seen) == {"unknown_trace": 1}


def test_answers_without_a_trace_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    from prometheus_client import CollectorRegistry

    registry = CollectorRegistry()
    with agentobs.instrument(metrics="prometheus", registry=registry, libraries=[]):
        twin = ASGI()
        for made in (token(), token()):
            assert twin.post({"token": made, "label": "thumbs_up"}).status == 202
        labels = {"agentobs_feedback_arrival": "unknown_trace"}
        assert registry.get_sample_value("agentobs_feedback_accepted_total", labels) == 2


def test_scores_carry_the_trace_as_exemplar() -> None:
    from opentelemetry.sdk.trace import TracerProvider
    from prometheus_client import CollectorRegistry
    from prometheus_client.openmetrics.exposition import generate_latest

    registry, tracers = CollectorRegistry(), TracerProvider()
    with agentobs.instrument(metrics="prometheus", registry=registry, libraries=[], tracer_provider=tracers):
        with agentobs.agent("support"):
            trace_id = f"{trace.get_current_span().get_span_context().trace_id:032x}"
            made = agentobs.feedback_token(secret=SECRET)
        ASGI().post({"token": made, "label": "thumbs_down"})
        assert f'trace_id="{trace_id}"' in generate_latest(registry).decode()


def test_free_labels_stay_out_of_the_metrics_unless_the_endpoint_knows_them(kind, seen: Captured) -> None:  # type: ignore[no-untyped-def]
    twin = kind(labels=["outdated"])
    for label in ("outdated", "whatever users make up", "and more of it"):
        twin.post({"token": token(), "label": label})
    counted = {
        point.attributes["gen_ai.evaluation.score.label"]: point.value
        for point in seen.points
        if point.name == "agentobs.feedback.received"
    }
    assert counted == {"outdated": 1, "_other": 2}
    assert seen.events[1].attributes["gen_ai.evaluation.score.label"] == "whatever users make up"


def test_what_is_turned_away_is_counted_by_reason(twin: Twin, seen: Captured) -> None:
    twin.post(b"{")
    twin.ask("GET")
    twin.post({"token": "x", "label": "thumbs_up"})
    counted = {
        point.attributes["agentobs.feedback.rejection"]: point.value
        for point in seen.points
        if point.name == "agentobs.feedback.rejected"
    }
    assert counted == {"malformed": 1, "method": 1, "forged": 1}


def test_reviewers_code_and_models_are_kept_apart_by_source(seen: Captured) -> None:
    for source in ("reviewer", "code", "llm"):
        agentobs.feedback("facts", value=0.5, source=source, trace_id="1" * 32, span_id="2" * 16, level="reduced")
    assert [event.attributes["agentobs.feedback.source"] for event in seen.events] == ["reviewer", "code", "llm"]
    assert {(event.trace_id, event.span_id) for event in seen.events} == {("1" * 32, "2" * 16)}
    for source in ("reviewer", "code", "llm"):
        labels = {"agentobs_feedback_source": source, "agentobs_degradation_level": "reduced"}
        assert seen.value("agentobs.feedback.score", **labels) == 1


@pytest.mark.faults
def test_a_fault_of_telemetry_does_not_reach_the_user(
    twin: Twin, seen: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agentobs import guard
    from agentobs.emit.feedback import FeedbackEmitter

    made = token()

    def fails(*_: object) -> None:
        raise RuntimeError("telemetry is broken")

    monkeypatch.setattr(guard, "strict", False)
    for name in ("emit", "rejected"):
        monkeypatch.setattr(FeedbackEmitter, name, fails)
    assert twin.post({"token": made, "label": "thumbs_up"}).status == 202
    assert twin.post(b"{").status == 400


def test_feedback_that_goes_nowhere_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    with agentobs.instrument(metrics="off", libraries=[]):
        made = token()
    twin = ASGI()
    for _ in range(2):
        assert twin.post({"token": made, "label": "thumbs_up"}).status == 202
    assert [record.message for record in caplog.records if "goes nowhere" in record.message] == [
        "agentobs: feedback arrives and goes nowhere; call agentobs.instrument(), or give a store"
    ]
