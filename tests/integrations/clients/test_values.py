"""Values of requests are plain whatever subclass they came as, and the body that is sent is the one that counts."""

from __future__ import annotations

from enum import Enum, IntEnum, StrEnum
from typing import Any

import pytest

import agentobs
from agentobs import testing
from tests.support.clients import makers, wire
from tests.support.loopback import Loopback


class Model(str, Enum):  # noqa: UP042  it is what programs have
    """Models by the older way of writing it."""

    MINI = wire.MODEL
    CLAUDE = wire.CLAUDE


class Word(StrEnum):
    """Words by the newer way."""

    MINI = wire.MODEL
    CLAUDE = wire.CLAUDE
    HIGH = "high"
    FLEX = "flex"
    JSON = "json_object"
    STOP = "END"


class Name(str):
    """A text with something added."""


class Count(IntEnum):
    """Numbers with names."""

    SOME = 100
    TWO = 2


class Share(float):
    """A number with something added."""


FIELDS: dict[str, Any] = {
    "model": Model.MINI,
    "max_tokens": Count.SOME,
    "temperature": Share(0.25),
    "top_p": Share(0.5),
    "n": Count.TWO,
    "seed": Count.SOME,
    "stop": Word.STOP,
    "reasoning_effort": Word.HIGH,
    "service_tier": Word.FLEX,
    "response_format": {"type": Word.JSON},
}
KNOWN: dict[str, Any] = {
    "gen_ai.request.model": wire.MODEL,
    "gen_ai.request.max_tokens": 100,
    "gen_ai.request.temperature": 0.25,
    "gen_ai.request.top_p": 0.5,
    "gen_ai.request.choice.count": 2,
    "gen_ai.request.seed": 100,
    "gen_ai.request.stop_sequences": ("END",),
    "gen_ai.request.reasoning.level": "high",
    "openai.request.service_tier": "flex",
    "gen_ai.output.type": "json",
}


def plain(value: Any) -> bool:
    return type(value) in (str, int, float, bool) or (type(value) is tuple and all(map(plain, value)))


def test_every_field_of_a_chat(loopback: Loopback) -> None:
    loopback.play(wire.answer(wire.chat()))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        client.chat.completions.create(**wire.CHAT | FIELDS)
    (span,) = seen.spans
    assert {name: span.attributes.get(name) for name in KNOWN} == KNOWN
    assert all(plain(value) for value in span.attributes.values())
    assert seen.value("agentobs.calls", gen_ai_request_model=wire.MODEL) == 1
    assert span.name == f"chat {wire.MODEL}"


@pytest.mark.parametrize("model", [Model.CLAUDE, Word.CLAUDE, Name(wire.CLAUDE)])
def test_the_model_of_a_message(loopback: Loopback, model: str) -> None:
    loopback.play(wire.answer(wire.message()))
    with testing.capture() as seen, makers.anthropic_client(loopback.url) as client:
        client.messages.create(**wire.MESSAGE | {"model": model, "max_tokens": Count.SOME})
    (span,) = seen.spans
    assert span.attributes["gen_ai.request.model"] == wire.CLAUDE
    assert span.attributes["gen_ai.request.max_tokens"] == 100
    assert all(plain(value) for value in span.attributes.values())


@pytest.mark.parametrize("model", [Model.MINI, Word.MINI, Name(wire.MODEL)])
def test_the_model_of_a_response(loopback: Loopback, model: str) -> None:
    loopback.play(wire.answer(wire.response()))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        client.responses.create(**wire.ASK | {"model": model, "reasoning": {"effort": Word.HIGH}})
    (span,) = seen.spans
    assert span.attributes["gen_ai.request.model"] == wire.MODEL
    assert span.attributes["gen_ai.request.reasoning.level"] == "high"


def test_true_is_no_number(loopback: Loopback) -> None:
    loopback.play(wire.answer(wire.chat()))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        client.chat.completions.create(**wire.CHAT | {"seed": True, "temperature": True})
    assert not {"gen_ai.request.seed", "gen_ai.request.temperature"} & set(seen.spans[0].attributes)


def test_what_extra_body_says_wins(loopback: Loopback) -> None:
    loopback.play(wire.answer(wire.chat()), wire.answer(wire.message()))
    extra = {"model": "other", "temperature": 0.75, "max_tokens": 7}
    with agentobs.instrument(capture="full", metrics="off"), testing.capture() as seen:
        with makers.openai_client(loopback.url) as client:
            client.chat.completions.create(
                **wire.CHAT, extra_body=extra | {"messages": [{"role": "user", "content": "Instead."}]}
            )
        with makers.anthropic_client(loopback.url) as claude:
            claude.messages.create(**wire.MESSAGE, extra_body=extra)
    for span, request in zip(seen.spans, loopback.requests, strict=True):
        sent = request.json()
        assert span.attributes["gen_ai.request.model"] == sent["model"] == "other"
        assert span.attributes["gen_ai.request.temperature"] == sent["temperature"] == 0.75
        assert span.attributes["gen_ai.request.max_tokens"] == sent["max_tokens"] == 7
    assert "Instead." in seen.spans[0].attributes["gen_ai.input.messages"]


def test_a_stream_that_extra_body_asks_for(loopback: Loopback) -> None:
    loopback.play(wire.events(wire.CHAT_CHUNKS, named=False))
    with (
        testing.capture() as seen,
        makers.openai_client(loopback.url) as client,
        client.chat.completions.with_streaming_response.create(**wire.CHAT, extra_body={"stream": True}) as raw,
    ):
        list(raw.iter_lines())
    assert seen.spans[0].attributes["gen_ai.request.stream"] is True
    assert seen.spans[0].attributes["gen_ai.usage.output_tokens"] == 7
