"""agentobs.retry(): attempts that the program itself makes again."""

from __future__ import annotations

import openai
import pytest

import agentobs
from agentobs.testing import Captured
from tests.support import model


def test_a_retry_is_counted_with_its_cause_and_told(seen: Captured) -> None:
    with agentobs.agent("support") as block:
        agentobs.retry("invalid_output")
    labels = {"gen_ai_agent_name": "support", "agentobs_retry_layer": "app", "agentobs_retry_status": "invalid_output"}
    assert seen.value("agentobs.retry.attempts", **labels) == 1
    (event,) = [event for event in seen.events if event.name == "agentobs.retry"]
    assert event.span_id == seen.span("invoke_agent support").span_id
    assert event.attributes["agentobs.retry.status"] == "invalid_output"
    assert block.run.retries == 1
    assert seen.span("invoke_agent support").attributes["agentobs.retries"] == 1


def test_an_exception_says_its_status(seen: Captured) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        model.client().chat.completions.create(**model.ask(model.REFUSED))
    agentobs.retry(raised.value)
    agentobs.retry(TimeoutError())
    agentobs.retry(KeyError("x"), layer="framework")
    points = [point.attributes for point in seen.points if point.name == "agentobs.retry.attempts"]
    assert sorted(point["agentobs.retry.status"] for point in points) == ["400", "other", "timeout"]


def test_a_layer_or_cause_that_is_not_allowed_is_an_error() -> None:
    with pytest.raises(ValueError, match="layer='me' is not allowed; allowed are sdk, framework, app"):
        agentobs.retry("429", layer="me")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="cause='' is not allowed"):
        agentobs.retry("")
