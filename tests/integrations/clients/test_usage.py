"""Tokens and cost are what the provider said, in the conventions' terms; what it did not say is unknown and never 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import openai
import pytest

from agentobs import testing
from tests.support.clients import makers, wire
from tests.support.loopback import Loopback

_NAMES = {
    "gen_ai.usage.input_tokens": "input",
    "gen_ai.usage.output_tokens": "output",
    "gen_ai.usage.cache_read.input_tokens": "read",
    "gen_ai.usage.cache_write.input_tokens": "write",
    "gen_ai.usage.reasoning.output_tokens": "reasoning",
    "gen_ai.usage.audio.input_tokens": "audio_input",
    "gen_ai.usage.audio.output_tokens": "audio_output",
}


class Row(NamedTuple):
    """A usage object as it stands on the wire, and what is to be known of it."""

    name: str
    usage: Any
    known: dict[str, int]
    host: str = "api.openai.com"


def rows(*entries: Row) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", entries, ids=[row.name for row in entries])


@contextmanager
def client_of(host: str, loopback: Loopback) -> Iterator[Any]:
    """A client of the provider at `host`, with the scripted server as its HTTP proxy."""
    http = openai.DefaultHttpxClient(proxy=loopback.url, verify=False)
    with openai.OpenAI(base_url=f"http://{host}/v1", api_key="none", http_client=http, max_retries=0) as client:
        yield client


def tokens_of(seen: testing.Captured) -> dict[str, Any]:
    """The token counts of the one span, under the short names of this file."""
    (span,) = seen.spans
    return {_NAMES[name]: value for name, value in span.attributes.items() if name in _NAMES}


def counted(seen: testing.Captured) -> dict[str, float]:
    """The token counters by kind."""
    return {p.attributes["agentobs.token.kind"]: p.value or 0 for p in seen.points if p.name == "agentobs.tokens"}


CHATS = rows(
    Row("plain", {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}, {"input": 11, "output": 7}),
    Row("cached and reasoning", wire.CHAT_USAGE, {"input": 11, "output": 7, "read": 4, "reasoning": 2}),
    Row(
        "cache write",
        {"prompt_tokens": 11, "completion_tokens": 7, "prompt_tokens_details": {"cache_write_tokens": 6}},
        {"input": 11, "output": 7, "write": 6},
    ),
    Row(
        "audio",
        {
            "prompt_tokens": 11,
            "completion_tokens": 7,
            "prompt_tokens_details": {"audio_tokens": 8},
            "completion_tokens_details": {"audio_tokens": 5},
        },
        {"input": 11, "output": 7, "audio_input": 8, "audio_output": 5},
    ),
    Row("zeros are said", {"prompt_tokens": 0, "completion_tokens": 0}, {"input": 0, "output": 0}),
    Row("null", None, {}),
    Row("empty", {}, {}),
    Row("null counts", {"prompt_tokens": None, "completion_tokens": None}, {}),
    Row("input alone", {"prompt_tokens": 11, "completion_tokens": None}, {"input": 11}),
    Row("a text", "n/a", {}),
    Row("a fraction is no count", {"prompt_tokens": 11.5, "completion_tokens": 7}, {"output": 7}),
    Row("a negative number is no count", {"prompt_tokens": -1, "completion_tokens": 7}, {"output": 7}),
    Row("true is no count", {"prompt_tokens": True, "completion_tokens": 7}, {"output": 7}),
    Row(
        "null details",
        {"prompt_tokens": 11, "completion_tokens": 7, "prompt_tokens_details": None, "completion_tokens_details": None},
        {"input": 11, "output": 7},
    ),
    Row(
        "xAI keeps reasoning out of the completion",
        {
            "prompt_tokens": 11,
            "completion_tokens": 7,
            "total_tokens": 38,
            "completion_tokens_details": {"reasoning_tokens": 20},
        },
        {"input": 11, "output": 27, "reasoning": 20},
        "api.x.ai",
    ),
    Row(
        "DeepSeek says hits and misses",
        {"prompt_tokens": 11, "completion_tokens": 7, "prompt_cache_hit_tokens": 4, "prompt_cache_miss_tokens": 7},
        {"input": 11, "output": 7, "read": 4},
        "api.deepseek.com",
    ),
    Row(
        "Together says cached tokens beside the totals",
        {"prompt_tokens": 11, "completion_tokens": 7, "cached_tokens": 4},
        {"input": 11, "output": 7, "read": 4},
        "api.together.xyz",
    ),
    Row(
        "Groq adds times",
        {"prompt_tokens": 11, "completion_tokens": 7, "queue_time": 0.01, "total_time": 0.2},
        {"input": 11, "output": 7},
        "api.groq.com",
    ),
)


@CHATS
def test_usage_of_a_chat(loopback: Loopback, row: Row) -> None:
    loopback.play(wire.answer(wire.chat(usage=row.usage)))
    with client_of(row.host, loopback) as client, testing.capture() as seen:
        client.chat.completions.create(**wire.CHAT)
    assert tokens_of(seen) == row.known


@CHATS
def test_usage_of_a_streamed_chat(loopback: Loopback, row: Row) -> None:
    chunks = [*wire.CHAT_CHUNKS[:-2], wire.chat_chunk({}, usage=row.usage, choices=[]), "[DONE]"]
    loopback.play(wire.events(chunks, named=False))
    with client_of(row.host, loopback) as client, testing.capture() as seen:
        for _ in client.chat.completions.create(**wire.CHAT_STREAM):
            pass
    assert tokens_of(seen) == row.known


@rows(
    Row("plain", {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}, {"input": 11, "output": 7}),
    Row("details", wire.RESPONSE_USAGE, {"input": 11, "output": 7, "read": 4, "write": 0, "reasoning": 2}),
    Row(
        "cache write",
        {"input_tokens": 11, "output_tokens": 7, "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 6}},
        {"input": 11, "output": 7, "read": 1, "write": 6},
    ),
    Row("null", None, {}),
    Row("a text", "n/a", {}),
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_usage_of_a_response(loopback: Loopback, row: Row, stream: bool) -> None:
    said = wire.response(usage=row.usage)
    loopback.play(wire.events(wire.response_events(last=said)) if stream else wire.answer(said))
    with client_of(row.host, loopback) as client, testing.capture() as seen:
        answer = client.responses.create(**wire.ASK, stream=stream)
        if stream:
            list(answer)
    assert tokens_of(seen) == row.known


@rows(
    Row("cached tokens are input", wire.MESSAGE_USAGE, {"input": 11, "output": 7, "read": 4, "write": 2}),
    Row("no cache", {"input_tokens": 5, "output_tokens": 7}, {"input": 5, "output": 7}),
    Row(
        "thinking",
        {"input_tokens": 5, "output_tokens": 7, "output_tokens_details": {"thinking_tokens": 3}},
        {"input": 5, "output": 7, "reasoning": 3},
    ),
    Row(
        "a compaction beside the message",
        {
            "input_tokens": 23000,
            "output_tokens": 1000,
            "iterations": [
                {"type": "compaction", "input_tokens": 180000, "output_tokens": 3500, "cache_read_input_tokens": 0},
                {"type": "message", "input_tokens": 23000, "output_tokens": 1000},
            ],
        },
        {"input": 203000, "output": 4500, "read": 0},
    ),
    Row(
        "an adviser's tokens are another model's",
        {
            "input_tokens": 5,
            "output_tokens": 7,
            "iterations": [
                {"type": "advisor_message", "model": "claude-opus-4-6", "input_tokens": 90, "output_tokens": 50}
            ],
        },
        {"input": 5, "output": 7},
    ),
    Row(
        "null cache counts",
        {"input_tokens": 5, "output_tokens": 7, "cache_read_input_tokens": None, "cache_creation_input_tokens": None},
        {"input": 5, "output": 7},
    ),
    Row("null", None, {}),
    Row("a text", "n/a", {}),
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_usage_of_a_message(loopback: Loopback, row: Row, stream: bool) -> None:
    whole = wire.message(usage=row.usage)
    started = {"type": "message_start", "message": whole | {"content": [], "stop_reason": None}}
    last = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": row.usage}
    loopback.play(wire.events([started, last, wire.MESSAGE_EVENTS[-1]]) if stream else wire.answer(whole))
    with makers.anthropic_client(loopback.url, max_retries=0) as client, testing.capture() as seen:
        answer = client.messages.create(**wire.MESSAGE, stream=stream)
        if stream:
            list(answer)
    assert tokens_of(seen) == row.known


def test_anthropic_deltas_are_cumulative(loopback: Loopback) -> None:
    started, *between, _, stopped = wire.MESSAGE_EVENTS
    deltas = [
        {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": count}}
        for reason, count in [(None, 3), (None, 5), ("end_turn", 7)]
    ]
    loopback.play(wire.events([started, *between, *deltas, stopped]))
    with makers.anthropic_client(loopback.url) as client, testing.capture() as seen:
        list(client.messages.create(**wire.MESSAGE, stream=True))
    assert tokens_of(seen) == {"input": 11, "output": 7, "read": 4, "write": 2}


def test_a_cache_write_for_an_hour_costs_more(loopback: Loopback) -> None:
    usage = {"input_tokens": 0, "output_tokens": 0, "cache_read_input_tokens": 0, "cache_creation_input_tokens": 1000}
    costs = []
    for kept in ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"):
        loopback.play(wire.answer(wire.message(usage=usage | {"cache_creation": {kept: 1000}})))
        with makers.anthropic_client(loopback.url) as client, testing.capture() as seen:
            client.messages.create(**wire.MESSAGE)
        costs.append(seen.spans[0].attributes["agentobs.cost.usd"])
    # Anthropic's documented factors on the input price: 1.25 for five minutes, 2 for an hour.
    assert costs[1] / costs[0] == pytest.approx(2 / 1.25)


@pytest.mark.parametrize("where", ["x_groq", "usage"])
def test_groq_streams_say_usage_in_either_place(loopback: Loopback, where: str) -> None:
    last = wire.chat_chunk({}, "stop")
    last[where] = {"id": "req_1", "usage": wire.CHAT_USAGE} if where == "x_groq" else wire.CHAT_USAGE
    loopback.play(wire.events([*wire.CHAT_CHUNKS[:3], last, "[DONE]"], named=False))
    with client_of("api.groq.com", loopback) as client, testing.capture() as seen:
        list(client.chat.completions.create(**wire.CHAT, stream=True))
    assert tokens_of(seen) == {"input": 11, "output": 7, "read": 4, "reasoning": 2}
    assert seen.spans[0].attributes["gen_ai.provider.name"] == "groq"


def test_a_stream_without_include_usage_is_unknown_and_unpriced(loopback: Loopback) -> None:
    loopback.play(wire.events([*wire.CHAT_CHUNKS[:-2], "[DONE]"], named=False))
    with client_of("api.openai.com", loopback) as client, testing.capture() as seen:
        list(client.chat.completions.create(**wire.CHAT, stream=True))
    (span,) = seen.spans
    assert (span.attributes["agentobs.outcome"], tokens_of(seen), counted(seen)) == ("success", {}, {})
    assert "agentobs.cost.usd" not in span.attributes
    assert seen.value("agentobs.calls.unpriced", agentobs_unpriced_reason="no_usage") == 1
    assert "stream_options" not in loopback.requests[0].json()


def _chat_stream(loopback: Loopback) -> Any:
    chunks = [wire.chat_chunk({"content": "In "}, usage={"prompt_tokens": 11, "completion_tokens": n}) for n in (1, 2)]
    loopback.play(wire.events(chunks, named=False).but(cut=True))
    with client_of("api.openai.com", loopback) as client, client.chat.completions.create(**wire.CHAT_STREAM) as stream:
        yield from stream


def _message_stream(loopback: Loopback) -> Any:
    loopback.play(wire.events(wire.MESSAGE_EVENTS[:4]).but(cut=True))
    with makers.anthropic_client(loopback.url) as client, client.messages.create(**wire.MESSAGE, stream=True) as stream:
        yield from stream


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "left"])
@pytest.mark.parametrize("stream", [_chat_stream, _message_stream])
def test_the_output_of_a_broken_stream_is_unknown(
    loopback: Loopback, stream: Callable[[Loopback], Any], cut: bool
) -> None:
    with testing.capture() as seen:
        chunks = stream(loopback)
        next(chunks)
        if cut:
            with pytest.raises(Exception, match=r"peer closed connection|Connection error"):
                list(chunks)
        chunks.close()
    known = tokens_of(seen)
    assert known["input"] == 11
    assert "output" not in known
    assert "output" not in counted(seen)
    assert seen.value("agentobs.calls.unpriced", agentobs_unpriced_reason="no_usage") == 1


@pytest.mark.parametrize(
    ("host", "provider", "said", "cost_usd"),
    [
        ("openrouter.ai", "openrouter", {"cost": 0.0125}, 0.0125),
        ("openrouter.ai", "openrouter", {"cost": 0}, 0),
        ("api.x.ai", "x_ai", {"cost_in_usd_ticks": 37_756_000}, 0.0037756),
    ],
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_cost_that_a_provider_reports_wins(
    loopback: Loopback, host: str, provider: str, said: Any, cost_usd: float, stream: bool
) -> None:
    usage = wire.CHAT_USAGE | said
    chunks = [*wire.CHAT_CHUNKS[:-2], wire.chat_chunk({}, usage=usage, choices=[]), "[DONE]"]
    loopback.play(wire.events(chunks, named=False) if stream else wire.answer(wire.chat(usage=usage)))
    with client_of(host, loopback) as client, testing.capture() as seen:
        answer = client.chat.completions.create(**wire.CHAT, stream=stream)
        if stream:
            list(answer)
    told = seen.spans[0].attributes
    assert told["gen_ai.provider.name"] == provider
    assert (told["agentobs.cost.source"], told["agentobs.cost.usd"]) == ("provider", pytest.approx(cost_usd))


@pytest.mark.parametrize("said", [{"cost": "free"}, {"cost": None}, {"cost_in_usd_ticks": 1.5}, {"cost": 0.0125}])
def test_what_others_call_cost_is_not_believed(loopback: Loopback, said: Any) -> None:
    host = "api.openai.com" if said == {"cost": 0.0125} else "api.x.ai" if "cost" not in said else "openrouter.ai"
    loopback.play(wire.answer(wire.chat(usage=wire.CHAT_USAGE | said)))
    with client_of(host, loopback) as client, testing.capture() as seen:
        client.chat.completions.create(**wire.CHAT)
    assert seen.spans[0].attributes.get("agentobs.cost.source") != "provider"


def test_counters_add_up_what_the_spans_say(loopback: Loopback) -> None:
    loopback.play(*[wire.answer(wire.message())] * 3)
    with makers.anthropic_client(loopback.url) as client, testing.capture() as seen:
        for _ in range(3):
            client.messages.create(**wire.MESSAGE)
    assert counted(seen) == {"input_uncached": 15, "cache_read": 12, "cache_write": 6, "output": 21}
    assert seen.value("agentobs.cost.usd") == pytest.approx(sum(s.attributes["agentobs.cost.usd"] for s in seen.spans))


def test_what_an_adviser_costs_is_in_the_call(loopback: Loopback) -> None:
    usage = {"input_tokens": 1000, "output_tokens": 100}
    adviser = {"type": "advisor_message", "model": "claude-opus-4-6", **usage}
    costs = []
    for iterations in ([], [adviser], [adviser | {"model": "nobody-knows-it"}]):
        loopback.play(wire.answer(wire.message(usage=usage | {"iterations": iterations})))
        with makers.anthropic_client(loopback.url) as client, testing.capture() as seen:
            client.beta.messages.create(**wire.MESSAGE)
        costs.append(seen.spans[0].attributes.get("agentobs.cost.usd"))
    alone, advised, unknown = costs
    # Anthropic's list: 3 and 15 USD for a million tokens of Sonnet, 5 and 25 of Opus.
    assert alone == pytest.approx(1000 * 3e-6 + 100 * 15e-6)
    assert advised == pytest.approx(alone + 1000 * 5e-6 + 100 * 25e-6)
    assert unknown is None


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_usage_of_a_transcription(loopback: Loopback, stream: bool) -> None:
    usage = {
        "type": "tokens",
        "input_tokens": 14,
        "output_tokens": 45,
        "total_tokens": 59,
        "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
    }
    done = {"type": "transcript.text.done", "text": "Hello.", "usage": usage}
    loopback.play(wire.events([done]) if stream else wire.answer({"text": "Hello.", "usage": usage}))
    with client_of("api.openai.com", loopback) as client, testing.capture() as seen:
        answer = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.mp3", b"ID3"), stream=stream)
        if stream:
            list(answer)
    assert tokens_of(seen) == {"input": 14, "output": 45, "audio_input": 14}
    # OpenAI's list: 6 USD for a million audio tokens, 10 for a million of text that comes out.
    assert seen.spans[0].attributes["agentobs.cost.usd"] == pytest.approx(14 * 6e-6 + 45 * 10e-6)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_the_thoughts_of_gemini_stand_in_the_total_alone(loopback: Loopback, stream: bool) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 130}
    chunks = [*wire.CHAT_CHUNKS[:-2], wire.chat_chunk({}, usage=usage, choices=[]), "[DONE]"]
    loopback.play(wire.events(chunks, named=False) if stream else wire.answer(wire.chat(usage=usage)))
    with client_of("generativelanguage.googleapis.com", loopback) as client, testing.capture() as seen:
        answer = client.chat.completions.create(**wire.CHAT, stream=stream)
        if stream:
            list(answer)
    assert tokens_of(seen) == {"input": 10, "output": 120, "reasoning": 100}


def test_a_total_that_is_more_is_believed_of_gemini_only(loopback: Loopback) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 130}
    loopback.play(wire.answer(wire.chat(usage=usage)))
    with client_of("api.openai.com", loopback) as client, testing.capture() as seen:
        client.chat.completions.create(**wire.CHAT)
    assert tokens_of(seen) == {"input": 10, "output": 20}


def test_pictures_that_a_tool_made_are_not_free(loopback: Loopback) -> None:
    used = {"image_gen": {"input_tokens": 50, "output_tokens": 4000, "total_tokens": 4050}}
    answer = wire.response(tool_usage=used, tools=[{"type": "image_generation", "model": "gpt-image-1"}])
    loopback.play(wire.answer(answer))
    with client_of("api.openai.com", loopback) as client, testing.capture() as seen:
        client.responses.create(**wire.ASK)
    assert tokens_of(seen) == {"input": 11, "output": 7, "read": 4, "write": 0, "reasoning": 2}
    assert seen.value("agentobs.calls.unpriced", agentobs_unpriced_reason="unsupported_usage") == 1
