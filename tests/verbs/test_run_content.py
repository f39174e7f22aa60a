"""The span of an agent's run has what it was asked and what it answered, where content is captured."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

import agentobs
from agentobs import agent, testing


@pytest.fixture
def full() -> Iterator[testing.Captured]:
    """What is emitted under full capture."""
    with agentobs.instrument(capture="full", metrics="off"), testing.capture() as seen:
        yield seen


def messages(seen: testing.Captured, name: str = "support") -> tuple[Any, Any]:
    told = seen.span(f"invoke_agent {name}").attributes
    given, answered = told.get("gen_ai.input.messages"), told.get("gen_ai.output.messages")
    return given and json.loads(given), answered and json.loads(answered)


def text(role: str, content: str, **fields: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": content}], **fields}


ASKED = [text("user", "Where is my parcel?")]
ANSWERED = [text("assistant", "In the depot.", finish_reason="stop")]


def test_a_function(full: testing.Captured) -> None:
    @agent("support")
    def answer(question: str) -> str:
        return "In the depot."

    assert answer("Where is my parcel?") == "In the depot."
    assert messages(full) == (ASKED, ANSWERED)


async def test_a_coroutine_function(full: testing.Captured) -> None:
    @agent("support")
    async def answer(question: str) -> str:
        return "In the depot."

    assert await answer(question="Where is my parcel?") == "In the depot."
    assert messages(full) == (ASKED, ANSWERED)


def test_a_method_that_yields_its_answer(full: testing.Captured) -> None:
    class Support:
        @agent("support")
        def answer(self, question: str) -> Iterator[str]:
            yield "In "
            yield "the depot."

    assert list(Support().answer("Where is my parcel?")) == ["In ", "the depot."]
    assert messages(full) == (ASKED, ANSWERED)


async def test_an_asynchronous_generator(full: testing.Captured) -> None:
    @agent("support")
    async def answer(question: str) -> AsyncIterator[str]:
        yield "In "
        yield "the depot."

    assert [piece async for piece in answer("Where is my parcel?")] == ["In ", "the depot."]
    assert messages(full) == (ASKED, ANSWERED)


def test_a_block_is_told(full: testing.Captured) -> None:
    with agent("support") as run:
        run.input = "Where is my parcel?"
        run.output = "In the depot."
    assert messages(full) == (ASKED, ANSWERED)


def test_a_conversation(full: testing.Captured) -> None:
    with agent("support") as run:
        run.input = [{"role": "system", "content": "Be brief."}, *ASKED]
        run.output = {"role": "assistant", "content": "In the depot."}
    assert messages(full) == ([text("system", "Be brief."), *ASKED], ANSWERED)


def test_several_arguments_and_a_structure(full: testing.Captured) -> None:
    @agent("support")
    def answer(question: str, order: int) -> dict[str, Any]:
        return {"place": "depot", "days": 2}

    answer("Where?", order=4711)
    given, answered = messages(full)
    assert given[0]["parts"] == [
        {"type": "generic", "generic_type": "data", "content": {"question": "Where?", "order": 4711}}
    ]
    assert answered[0]["parts"][0]["content"] == {"place": "depot", "days": 2}


def test_a_run_that_failed_has_its_question_and_no_answer(full: testing.Captured) -> None:
    @agent("support")
    def answer(question: str) -> str:
        raise LookupError

    with pytest.raises(LookupError):
        answer("Where is my parcel?")
    assert messages(full) == (ASKED, None)


def test_each_run_has_its_own(full: testing.Captured) -> None:
    block = agent("support")
    with block as run:
        run.input = "first"
    with block:
        pass
    first, second = (span for span in full.spans if span.name == "invoke_agent support")
    assert "gen_ai.input.messages" in first.attributes
    assert "gen_ai.input.messages" not in second.attributes


def test_secrets_are_replaced_unless_all_is_asked_for() -> None:
    with agentobs.instrument(capture="redacted", metrics="off"), testing.capture() as seen, agent("support") as run:
        run.input = "write to jane@example.com"
    assert "jane@example.com" not in json.dumps(messages(seen)[0])


def test_nothing_is_captured_unless_asked() -> None:
    @agent("support")
    def answer(question: str) -> str:
        return "In the depot."

    with testing.capture() as seen:
        answer("Where is my parcel?")
        with agent("other") as run:
            run.input = "hello"
            assert run.input is None
    assert messages(seen) == (None, None)


def test_what_cannot_be_written_does_no_harm(full: testing.Captured) -> None:
    class Odd:
        def __str__(self) -> str:
            raise ValueError

        __repr__ = __str__

    with agent("support") as run:
        run.input = Odd()
        run.output = [Odd(), {"role": 1}, b"bytes", float("nan")]
    assert full.span("invoke_agent support").status == "UNSET"
