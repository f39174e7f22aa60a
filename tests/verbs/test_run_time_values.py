"""What a model or a user says is taken as it comes: nothing of it can make a verb raise in production."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

import agentobs
from agentobs import guard
from agentobs.testing import Captured, capture

NAN = float("nan")


class Unprintable:
    def __str__(self) -> str:
        raise OSError("not now")


def _breaks() -> Iterator[str]:
    yield "a"
    raise OSError("the stream of alternatives broke")


DECISIONS: list[dict[str, Any]] = [
    *({"confidence": value} for value in (95, -0.1, NAN, float("inf"), "high", True, [0.9])),
    *({"chosen": value} for value in (None, Unprintable())),
    *({"alternatives": value} for value in (None, 5, "a, b", ["a", None], _breaks())),
]
RATINGS: list[dict[str, Any]] = [
    *({"value": value, "label": "up"} for value in (NAN, "5", True, float("-inf"))),
    {"value": NAN},
    {},
    {"label": Unprintable()},
    {"label": "up", "trace_id": "1" * 32},
    {"label": "up", "trace_id": "x" * 32, "span_id": "1" * 16},
    {"label": "up", "trace_id": 7, "span_id": 8},
]


def decide(**given: Any) -> None:
    agentobs.decision(**({"kind": "route", "chosen": "x"} | given))


@pytest.fixture
def _production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", False)


@pytest.fixture
def seen(_production: None) -> Iterator[Captured]:
    with capture(strict=False) as captured:
        yield captured


@pytest.mark.usefixtures("_production")
@pytest.mark.parametrize("given", DECISIONS, ids=repr)
def test_a_decision_before_instrument_raises_nothing(given: dict[str, Any]) -> None:
    assert decide(**given) is None


@pytest.mark.parametrize("given", DECISIONS, ids=repr)
def test_a_decision_is_told_without_what_cannot_be_taken(seen: Captured, given: dict[str, Any]) -> None:
    if isinstance(given.get("alternatives"), Iterator):
        given = {"alternatives": _breaks()}
    decide(**given)
    (event,) = seen.events
    (option,) = given
    left = {name.rpartition(".")[2]: value for name, value in event.attributes.items()}
    assert left.get(option) in (None, ("a",))
    assert seen.value("agentobs.decisions") == 1
    assert seen.value("agentobs.dropped", agentobs_drop_reason=f"bad_{option}") == 1
    assert seen.value("agentobs.decision.confidence") == 0


@pytest.mark.parametrize("given", RATINGS, ids=repr)
def test_a_rating_is_told_without_what_cannot_be_taken(seen: Captured, given: dict[str, Any]) -> None:
    with agentobs.agent("support"):
        agentobs.feedback(**given)
    assert seen.value("agentobs.dropped") == 1
    labelled = given.get("label") == "up"
    assert [event.attributes.get("gen_ai.evaluation.score.label") for event in seen.events] == ["up"] * labelled
    if "trace_id" in given:
        (event,) = seen.events
        assert event.trace_id is None, "not the current span either: nobody knows which answer is meant"
        assert "gen_ai.agent.name" not in event.attributes


@pytest.mark.parametrize("given", DECISIONS, ids=repr)
def test_under_test_they_raise(given: dict[str, Any]) -> None:
    if isinstance(given.get("alternatives"), Iterator):
        given = {"alternatives": _breaks()}
    with capture(), pytest.raises(ValueError, match="is not allowed; allowed is"):
        decide(**given)


def test_the_log_names_value_and_cure_once(seen: Captured, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "agentobs"):
        for _ in range(3):
            agentobs.feedback(label="up", trace_id="1" * 31, span_id="2" * 16)
    told = [record.getMessage() for record in caplog.records if "trace_id" in record.getMessage()]
    assert len(told) <= 1, "once in a process"
    assert seen.value("agentobs.dropped", agentobs_drop_reason="bad_trace_id") == 3


def test_numbers_of_every_kind_are_taken(seen: Captured) -> None:
    from fractions import Fraction

    for confidence in (0, 1, 0.5, Fraction(1, 3)):
        decide(confidence=confidence, chosen=7, alternatives=(8, 9.5))
    assert seen.value("agentobs.decision.confidence") == 4
    assert {event.attributes["agentobs.decision.chosen"] for event in seen.events} == {"7"}
    assert {event.attributes["agentobs.decision.alternatives"] for event in seen.events} == {("8", "9.5")}


def test_what_the_author_writes_raises_in_production_too(seen: Captured) -> None:
    with pytest.raises(ValueError, match="outcome='maybe' is not allowed"):
        decide(outcome="maybe")
    with pytest.raises(ValueError, match="source='nobody' is not allowed"):
        agentobs.feedback(value=1, source="nobody")  # type: ignore[arg-type]
    assert not seen.events
