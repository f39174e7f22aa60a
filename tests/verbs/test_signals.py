"""decision(), fallback(), notice() and feedback(): counts, events, what a run remembers, and what is not allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import agentobs
from agentobs.testing import Captured, CapturedEvent, capture


class CircuitBreakerError(Exception):
    """Named like the exception of breakers."""


def _event(seen: Captured, name: str) -> CapturedEvent:
    (event,) = [event for event in seen.events if event.name == name]
    return event


# --- decisions ---
def test_a_decision_is_counted_and_told(seen: Captured) -> None:
    with agentobs.agent("support", conversation_id="c1") as scope:
        made = agentobs.decision(
            "refund",
            "approve",
            alternatives=["deny", "ask"],
            confidence=0.93,
            confidence_source="verifier",
            policy="refunds@4",
        )
    assert (
        seen.value("agentobs.decisions", agentobs_decision_kind="refund", agentobs_decision_outcome="autonomous") == 1
    )
    (point,) = [point for point in seen.points if point.name == "agentobs.decision.confidence"]
    assert (point.count, point.sum) == (1, 0.93)
    event = _event(seen, "agentobs.decision")
    assert scope.run.span_ids is not None
    assert event.span_id == f"{scope.run.span_ids.span_id:016x}"
    assert event.attributes == {
        "gen_ai.agent.name": "support",
        "gen_ai.conversation.id": "c1",
        "agentobs.decision.id": made,
        "agentobs.decision.kind": "refund",
        "agentobs.decision.outcome": "autonomous",
        "agentobs.decision.chosen": "approve",
        "agentobs.decision.alternatives": ("deny", "ask"),
        "agentobs.decision.policy": "refunds@4",
        "agentobs.confidence": 0.93,
        "agentobs.confidence.source": "verifier",
    }


def test_the_reason_is_content(seen: Captured) -> None:
    agentobs.decision("refund", "approve", reason="because")
    assert "agentobs.decision.reason" not in _event(seen, "agentobs.decision").attributes
    with capture(content="full") as more:
        agentobs.decision("refund", "approve", reason="because")
    assert _event(more, "agentobs.decision").attributes["agentobs.decision.reason"] == "because"


def test_no_confidence_is_no_number(seen: Captured) -> None:
    agentobs.decision("refund", "approve")
    assert seen.value("agentobs.decision.confidence") == 0
    assert "agentobs.confidence" not in _event(seen, "agentobs.decision").attributes


def test_every_decision_has_an_id_of_its_own() -> None:
    assert len({agentobs.decision("refund", "approve") for _ in range(100)}) == 100


# --- fallbacks ---
def test_a_fallback_that_serves(seen: Captured) -> None:
    with (
        agentobs.agent("support"),
        agentobs.fallback("answer", reason="timeout", origin="gpt-4.1", target="claude-haiku-4-5"),
    ):
        pass
    span = seen.span("fallback answer")
    expected = {
        "gen_ai.agent.name": "support",
        "agentobs.fallback.name": "answer",
        "agentobs.fallback.kind": "model",
        "agentobs.fallback.reason": "timeout",
        "agentobs.fallback.outcome": "success",
        "agentobs.fallback.from": "gpt-4.1",
        "agentobs.fallback.to": "claude-haiku-4-5",
        "agentobs.degradation.level": "fallback_model",
    }
    event = _event(seen, "agentobs.fallback")
    assert (span.attributes, event.attributes, event.span_id) == (expected, expected, span.span_id)
    assert (
        seen.value("agentobs.fallbacks", agentobs_fallback_outcome="success", agentobs_fallback_to="claude-haiku-4-5")
        == 1
    )
    run = seen.span("invoke_agent support").attributes
    assert (run["agentobs.run.fallbacks"], run["agentobs.degradation.level"]) == (1, "fallback_model")


def test_a_fallback_that_fails_degrades_nothing(seen: Captured) -> None:
    error = ValueError("no")
    with pytest.raises(ValueError, match="no") as caught, agentobs.agent("support"), agentobs.fallback("answer"):
        raise error
    assert caught.value is error
    assert seen.value("agentobs.fallbacks", agentobs_fallback_outcome="failure") == 1
    assert seen.span("fallback answer").status == "ERROR"
    assert seen.span("invoke_agent support").attributes["agentobs.degradation.level"] == "full"


@pytest.mark.parametrize(
    ("kind", "level"),
    [
        ("model", "fallback_model"),
        ("function", "reduced"),
        ("cache", "reduced"),
        ("static", "static"),
        ("human", "reduced"),
        ("none", "unavailable"),
    ],
)
def test_the_kind_implies_the_level(seen: Captured, kind: Any, level: str) -> None:
    with agentobs.fallback("answer", kind=kind):
        pass
    assert seen.span("fallback answer").attributes["agentobs.degradation.level"] == level


def test_a_run_keeps_the_worst_level(seen: Captured) -> None:
    with agentobs.agent("outer"), agentobs.agent("inner"):
        for kind in ("cache", "static", "model"):
            with agentobs.fallback("answer", kind=kind):  # type: ignore[arg-type]
                pass
    for name in ("outer", "inner"):
        assert seen.span(f"invoke_agent {name}").attributes["agentobs.degradation.level"] == "static"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (CircuitBreakerError(), "circuit_open"),
        (TimeoutError(), "timeout"),
        (ConnectionError(), "connection"),
        (KeyError(), "other"),
    ],
)
def test_the_reason_is_told_from_an_exception(seen: Captured, error: Exception, reason: str) -> None:
    with agentobs.fallback("answer", reason=error):
        pass
    assert seen.span("fallback answer").attributes["agentobs.fallback.reason"] == reason


async def test_fallbacks_as_decorators(seen: Captured) -> None:
    @agentobs.fallback("plain", kind="static")
    def plain(value: int) -> int:
        return value

    @agentobs.fallback("coroutine")
    async def coroutine(value: int) -> int:
        await asyncio.sleep(0)
        return value

    @agentobs.fallback("lines")
    def lines(fail: bool) -> Iterator[int]:
        yield 1
        if fail:
            raise ValueError("no")

    assert (plain(1), plain(2), await coroutine(3)) == (1, 2, 3)
    assert list(lines(fail=False)) == [1]
    with pytest.raises(ValueError, match="no"):
        list(lines(fail=True))
    left = lines(fail=True)
    next(left)
    left.close()
    outcomes = [(s.attributes["agentobs.fallback.name"], s.attributes["agentobs.fallback.outcome"]) for s in seen.spans]
    assert outcomes == [
        ("plain", "success"),
        ("plain", "success"),
        ("coroutine", "success"),
        ("lines", "success"),
        ("lines", "failure"),
        ("lines", "success"),
    ]


# --- notices ---
@pytest.mark.parametrize(("told", "notice"), [(True, "shown"), (False, "missing")])
def test_a_degraded_run_says_whether_the_user_was_told(seen: Captured, told: bool, notice: str) -> None:
    with agentobs.agent("support"):
        with agentobs.fallback("answer", kind="static"):
            pass
        if told:
            agentobs.notice("fallback")
    assert seen.span("invoke_agent support").attributes["agentobs.notice"] == notice
    assert seen.value("agentobs.agent.runs", agentobs_notice=notice, agentobs_degradation_level="static") == 1
    assert seen.value("agentobs.notices", agentobs_notice_kind="fallback") == told


# --- feedback ---
def test_feedback_rates_the_current_span_and_run(seen: Captured) -> None:
    with agentobs.agent("support", conversation_id="c1"):
        agentobs.feedback(label="thumbs_down", value=0, id="f1")
    span, event = seen.span("invoke_agent support"), _event(seen, "gen_ai.evaluation.result")
    assert (event.trace_id, event.span_id) == (span.trace_id, span.span_id)
    assert event.attributes["gen_ai.evaluation.name"] == "user_feedback"
    assert event.attributes["gen_ai.evaluation.score.value"] == 0
    assert event.attributes["gen_ai.conversation.id"] == "c1"
    assert event.attributes["agentobs.feedback.id"] == "f1"
    assert span.attributes["gen_ai.evaluation.score.label"] == "thumbs_down"
    assert seen.value("agentobs.feedback.received", gen_ai_evaluation_score_label="thumbs_down") == 1
    (score,) = [point for point in seen.points if point.name == "agentobs.feedback.score"]
    assert (score.count, score.sum, score.attributes["gen_ai.agent.name"]) == (1, 0.0, "support")


def test_feedback_for_a_span_of_another_day(seen: Captured) -> None:
    trace_id, span_id = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with agentobs.agent("other"):
        agentobs.feedback(value=1, trace_id=trace_id, span_id=span_id, agent="support", model="m", level="reduced")
    event = _event(seen, "gen_ai.evaluation.result")
    assert (event.trace_id, event.span_id) == (trace_id, span_id)
    assert event.attributes["gen_ai.agent.name"] == "support"
    assert event.attributes["agentobs.degradation.level"] == "reduced"
    assert "gen_ai.evaluation.score.value" not in seen.span("invoke_agent other").attributes


def test_a_score_beyond_0_to_1_is_in_the_event_only(seen: Captured) -> None:
    agentobs.feedback("stars", value=4)
    assert _event(seen, "gen_ai.evaluation.result").attributes["gen_ai.evaluation.score.value"] == 4
    assert seen.value("agentobs.feedback.score") == 0


def test_a_comment_is_redacted(seen: Captured) -> None:
    agentobs.feedback(label="down", comment="mail me at ann@example.org")
    assert "ann@example.org" not in str(_event(seen, "gen_ai.evaluation.result").attributes)


def test_free_labels_are_bounded(seen: Captured) -> None:
    for number in range(200):
        agentobs.feedback(label=f"label {number}")
    labels = {
        p.attributes["gen_ai.evaluation.score.label"] for p in seen.points if p.name == "agentobs.feedback.received"
    }
    assert (len(labels), "_other" in labels) == (31, True)
    assert seen.value("agentobs.feedback.received") == 200


# --- what is not allowed ---
_WRONG: list[tuple[Callable[[], object], str]] = [
    (
        lambda: agentobs.decision("a", "b", outcome="maybe"),  # type: ignore[arg-type]
        "outcome='maybe' is not allowed; allowed are autonomous, escalated, blocked, abstained",
    ),
    (
        lambda: agentobs.decision("a", "b", confidence=1.5),
        "confidence=1.5 is not allowed; allowed is a number from 0 to 1",
    ),
    (
        lambda: agentobs.decision("a", "b", confidence=True),
        "confidence=True is not allowed; allowed is a number from 0 to 1",
    ),
    (
        lambda: agentobs.decision("a", "b", confidence=float("nan")),
        "confidence=nan is not allowed; allowed is a number from 0 to 1",
    ),
    (
        lambda: agentobs.decision("a", "b", alternatives="c"),
        "alternatives='c' is not allowed; allowed is a list of texts",
    ),
    (
        lambda: agentobs.fallback("a", kind="robot"),  # type: ignore[arg-type]
        "kind='robot' is not allowed; allowed are model, function, cache, static, human, none",
    ),
    (
        lambda: agentobs.fallback("a", level="bad"),  # type: ignore[arg-type]
        "level='bad' is not allowed; allowed are full, fallback_model, reduced, static, unavailable",
    ),
    (
        lambda: agentobs.notice("shout"),  # type: ignore[arg-type]
        "kind='shout' is not allowed; allowed are degraded, fallback, unavailable, escalated, ai_disclosure",
    ),
    (agentobs.feedback, "feedback() needs a value or a label"),
    (lambda: agentobs.feedback(value=float("inf")), "value=inf is not allowed; allowed is a finite number"),
    (lambda: agentobs.feedback(value="5"), "value='5' is not allowed; allowed is a finite number"),  # type: ignore[arg-type]
    (
        lambda: agentobs.feedback(value=1, source="bot"),  # type: ignore[arg-type]
        "source='bot' is not allowed; allowed are end_user, implicit, reviewer, code, llm",
    ),
    (lambda: agentobs.feedback(value=1, trace_id="a" * 32), "feedback() needs trace_id and span_id together"),
    (
        lambda: agentobs.feedback(value=1, trace_id="x" * 32, span_id="a" * 16),
        f"trace_id='{'x' * 32}' is not allowed; allowed are 32 hexadecimal digits",
    ),
    (
        lambda: agentobs.feedback(value=1, trace_id="a" * 32, span_id="ab"),
        "span_id='ab' is not allowed; allowed are 16 hexadecimal digits",
    ),
]


@pytest.mark.parametrize(("wrong", "message"), _WRONG, ids=[message[:30] for _, message in _WRONG])
def test_a_value_that_is_not_allowed_raises_before_anything_is_emitted(
    seen: Captured, wrong: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011  compared whole
        wrong()
    assert str(caught.value) == message
    assert seen.events == []


def test_an_unknown_reason_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="reason='bored' is not allowed; allowed are circuit_open, rate_limit, "):
        agentobs.fallback("a", reason="bored")


def test_an_escalated_decision_marks_the_span_around_it() -> None:
    with capture() as seen:
        with agentobs.agent("support"):
            agentobs.decision("refund", "ask a person", outcome="escalated")
        with agentobs.agent("billing"):
            agentobs.decision("refund", "approve")
    assert seen.span("invoke_agent support").attributes["agentobs.decision.outcome"] == "escalated"
    assert "agentobs.decision.outcome" not in seen.span("invoke_agent billing").attributes
