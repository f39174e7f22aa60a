"""A stream is whole when its provider says so in any of the ways there are, and what it counted is kept."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import openai
import pytest
from pydantic import BaseModel

import agentobs
from agentobs import testing
from tests.support.clients import makers, wire
from tests.support.loopback import Loopback

TEXT = wire.chat_chunk({"content": "word "})
USED = wire.chat_chunk({}, usage=wire.CHAT_USAGE, choices=[])


def last(index: int, reason: str = "stop") -> dict[str, Any]:
    return wire.chat_chunk({}) | {"choices": [{"index": index, "delta": {}, "finish_reason": reason, "logprobs": None}]}


def streamed(loopback: Loopback, chunks: Iterable[Any], **more: Any) -> testing.CapturedSpan:
    """The span of a stream of these chunks that is read to its end."""
    loopback.play(wire.events(chunks, named=False))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        list(client.chat.completions.create(**wire.CHAT_STREAM, **more))
    (span,) = seen.spans
    return span


async def astreamed(loopback: Loopback, chunks: Iterable[Any]) -> testing.CapturedSpan:
    loopback.play(wire.events(chunks, named=False))
    with testing.capture() as seen:
        async with makers.openai_client(loopback.url, asynchronous=True) as client:
            async for _ in await client.chat.completions.create(**wire.CHAT_STREAM):
                pass
    (span,) = seen.spans
    return span


def raw(loopback: Loopback, chunks: Iterable[Any]) -> testing.CapturedSpan:
    loopback.play(wire.events(chunks, named=False))
    with (
        testing.capture() as seen,
        makers.openai_client(loopback.url) as client,
        client.chat.completions.with_streaming_response.create(**wire.CHAT_STREAM) as response,
    ):
        list(response.iter_lines())
    (span,) = seen.spans
    return span


WHOLE = {
    "a finish reason": [TEXT, last(0)],
    "the end marker": [TEXT, "[DONE]"],
    "usage in a chunk of its own": [TEXT, USED],
    "usage and the end marker": [TEXT, USED, "[DONE]"],
    "all of it": [TEXT, last(0), USED, "[DONE]"],
}


@pytest.mark.parametrize("end", WHOLE)
async def test_it_is_whole(loopback: Loopback, end: str) -> None:
    for span in (
        streamed(loopback, WHOLE[end]),
        await astreamed(loopback, WHOLE[end]),
        raw(loopback, WHOLE[end]),
    ):
        assert span.attributes["agentobs.outcome"] == "success", end
        known = span.attributes.get("gen_ai.usage.output_tokens")
        assert known == (7 if USED in WHOLE[end] else None), end


async def test_it_is_not_whole(loopback: Loopback) -> None:
    for span in (streamed(loopback, [TEXT]), await astreamed(loopback, [TEXT]), raw(loopback, [TEXT])):
        assert span.attributes["error.type"] == "incomplete_stream"


def test_usage_in_every_chunk_counts_when_the_end_marker_came(loopback: Loopback) -> None:
    chunks = [TEXT | {"usage": {"prompt_tokens": 5, "completion_tokens": n, "total_tokens": 5 + n}} for n in (1, 2, 3)]
    assert streamed(loopback, [*chunks, "[DONE]"]).attributes["gen_ai.usage.output_tokens"] == 3


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "application/vnd.amazon.eventstream"])
def test_the_content_type_of_a_stream_may_be_another(loopback: Loopback, kind: str) -> None:
    answer = wire.events([TEXT, last(0), USED, "[DONE]"], named=False)
    loopback.play(answer.but(headers={"content-type": kind}))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        assert len(list(client.chat.completions.create(**wire.CHAT_STREAM))) == 3
    assert seen.spans[0].attributes["agentobs.outcome"] == "success"
    assert seen.spans[0].attributes["gen_ai.usage.output_tokens"] == 7


@pytest.mark.parametrize("after", [1, 8, 9, 63, 64, 65, 500])
def test_a_finish_reason_may_be_followed_by_many_chunks(loopback: Loopback, after: int) -> None:
    span = streamed(loopback, [TEXT, last(0), *[TEXT] * after, USED, "[DONE]"])
    assert span.attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert span.attributes["gen_ai.usage.output_tokens"] == 7
    assert span.attributes["agentobs.stream.chunks"] == after + 3


def test_every_choice_has_its_reason_however_early_it_came(loopback: Loopback) -> None:
    many = 8
    chunks = [chunk for index in range(many) for chunk in (last(index, f"reason_{index}"), *[TEXT] * 20)]
    span = streamed(loopback, [*chunks, USED, "[DONE]"], n=many)
    assert span.attributes["gen_ai.response.finish_reasons"] == tuple(f"reason_{index}" for index in range(many))


def test_every_prompt_of_a_list_has_its_reason(loopback: Loopback) -> None:
    def chunk(index: int, reason: str | None) -> dict[str, Any]:
        choice = {"index": index, "text": "a", "finish_reason": reason, "logprobs": None}
        return {"id": "cmpl_1", "object": "text_completion", "created": 1, "model": "m", "choices": [choice]}

    prompts = ["hello"] * 20
    chunks = [chunk(index, reason) for index in range(20) for reason in (None, None, "stop")]
    loopback.play(wire.events([*chunks, "[DONE]"], named=False))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        list(client.completions.create(model="m", prompt=prompts, stream=True))
    assert seen.spans[0].attributes["gen_ai.response.finish_reasons"] == ("stop",) * 20


def test_the_text_null_is_no_reason(loopback: Loopback) -> None:
    none = wire.chat_chunk({"content": "a"}, "null")
    assert streamed(loopback, [none, none, last(0)]).attributes["gen_ai.response.finish_reasons"] == ("stop",)
    assert streamed(loopback, [none, none]).attributes["error.type"] == "incomplete_stream"


class Place(BaseModel):
    """What the program wants."""

    city: str


CUT_OFF = [wire.chat_chunk({"role": "assistant", "content": '{"city": "Ber'}), last(0, "length"), USED, "[DONE]"]


def test_a_helper_that_refuses_what_it_has_read(loopback: Loopback) -> None:
    loopback.play(wire.events(CUT_OFF, named=False))
    with (
        testing.capture() as seen,
        makers.openai_client(loopback.url) as client,
        pytest.raises(openai.LengthFinishReasonError),
        client.chat.completions.stream(**wire.CHAT, response_format=Place) as stream,
    ):
        list(stream)
    (span,) = seen.spans
    told = span.attributes
    assert (told["agentobs.outcome"], told["error.type"]) == ("error", "LengthFinishReasonError")
    assert told["agentobs.error.class"] == "invalid_output"
    assert "agentobs.stream.ending" not in told


async def test_a_helper_that_refuses_what_it_has_read_in_a_coroutine(loopback: Loopback) -> None:
    loopback.play(wire.events(CUT_OFF, named=False))
    with testing.capture() as seen:
        async with makers.openai_client(loopback.url, asynchronous=True) as client:
            with pytest.raises(openai.LengthFinishReasonError):
                async with client.chat.completions.stream(**wire.CHAT, response_format=Place) as stream:
                    async for _ in stream:
                        pass
    assert seen.spans[0].attributes["error.type"] == "LengthFinishReasonError"


@pytest.mark.parametrize("capture", ["none", "full"])
def test_the_chunks_are_not_kept(loopback: Loopback, capture: Any) -> None:
    loopback.play(wire.events([*[TEXT] * 1_000, last(0), "[DONE]"], named=False))
    most = 0
    with (
        agentobs.instrument(capture=capture, metrics="off"),
        testing.capture() as seen,
        makers.openai_client(loopback.url) as client,
    ):
        alive: list[Any] = []
        for chunk in client.chat.completions.create(**wire.CHAT_STREAM):
            alive.append(weakref.ref(chunk))
            most = max(most, sum(reference() is not None for reference in alive[-200:]))
    assert most <= 70
    assert seen.spans[0].attributes["agentobs.stream.chunks"] == 1_001
