"""google-genai: the program gets what it gets without agentobs, and each request to a model is one call, rightly read."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from agentobs import testing
from tests.support import corpus, needs
from tests.support.clients import endings, scenarios
from tests.support.clients.endings import Ending
from tests.support.clients.forms import GENERATORS, VALUE
from tests.support.clients.known import check, tokens
from tests.support.clients.scenarios import Scenario, with_forms
from tests.support.clients.wire import answer, events, look_up
from tests.support.kept import kept
from tests.support.loopback import Answer, Loopback

genai: Any = needs.module("google.genai")
pytestmark = [
    # What the client itself does with aiohttp, and what is left of streams that are dropped.
    pytest.mark.filterwarnings("ignore:Inheritance class AiohttpClientSession:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:Exception ignored in. <(socket|function)"),
]
MODEL = "gemini-2.5-flash"
USAGE: Any = {
    "promptTokenCount": 9,
    "toolUsePromptTokenCount": 2,
    "candidatesTokenCount": 3,
    "thoughtsTokenCount": 4,
    "cachedContentTokenCount": 5,
    "totalTokenCount": 18,
}
KNOWN = {"input": 11, "output": 7, "cache_read.input": 5, "reasoning.output": 4}


def chunk(text: str, finish: str | None = None, usage: Any = None, **fields: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": [{"text": text}]}
    candidate = {"content": content, "index": 0} | ({"finishReason": finish} if finish else {})
    said = {"candidates": [candidate], "modelVersion": MODEL, "responseId": "r-1"} | fields
    return said | ({"usageMetadata": usage} if usage else {})


WHOLE = chunk("In the depot.", "STOP", USAGE)
CHUNKS = [
    chunk("In ", usage={"promptTokenCount": 9, "candidatesTokenCount": 1}),
    chunk("the ", usage={"promptTokenCount": 9, "candidatesTokenCount": 3, "toolUsePromptTokenCount": 2}),
    chunk("depot.", "STOP", {"promptTokenCount": 9, "thoughtsTokenCount": 4, "cachedContentTokenCount": 5}),
]
CALLS = {"functionCall": {"name": "look_up", "args": {"order": "4711"}}}
FAILED = answer({"error": {"code": 503, "status": "UNAVAILABLE", "message": "No."}}, 503)


def client(url: str, asynchronous: bool = False, attempts: int = 1, **options: Any) -> Any:
    retries = {"attempts": attempts, "initial_delay": 0.001, "max_delay": 0.002, "jitter": 0.001}
    given = {"api_key": "none"} | options
    unverified = {"client_args": {"verify": False}, "async_client_args": {"verify": False, "ssl": False}}
    made = genai.Client(http_options={"base_url": url, "retry_options": retries} | unverified, **given)
    return made.aio if asynchronous else made


def ask(made: Any, **config: Any) -> Any:
    return made.models.generate_content(model=MODEL, contents="Where is my parcel?", config=config or None)


def ask_stream(made: Any) -> Any:
    return made.models.generate_content_stream(model=MODEL, contents="Where is my parcel?")


def _tool_config() -> Any:
    return {"tools": [look_up], "temperature": 0.2}


CALLED = answer(chunk("", "STOP", USAGE) | {"candidates": [{"content": {"parts": [CALLS]}, "finishReason": "STOP"}]})
SCENARIOS = [
    *with_forms("ask", client, ask, [VALUE], answer(WHOLE)),
    *with_forms("embed", client, lambda c: c.models.embed_content(model="gemini-embedding-001", contents="x"), [VALUE],
                answer({"embeddings": [{"values": [0.5, 0.25]}]})),
    *with_forms("chat", client, lambda c: c.chats.create(model=MODEL).send_message("x"), [VALUE], answer(WHOLE)),
    *with_forms("functions are called", client, lambda c: ask(c, **_tool_config()), [VALUE], CALLED, answer(WHOLE),
                spans=2),
    *with_forms("a count is no call", client, lambda c: c.models.count_tokens(model=MODEL, contents="x"), [VALUE],
                answer({"totalTokens": 3}), spans=0),
    *with_forms("a look-up is no call", client, lambda c: c.models.get(model=MODEL), [VALUE],
                answer({"name": f"models/{MODEL}"}), spans=0),
    *with_forms("refused", client, ask, [VALUE], FAILED, raises="ServerError"),
    *with_forms("not JSON", client, ask, [VALUE], Answer(body=b"<html>"), raises="JSONDecodeError"),
    *with_forms("stream", client, ask_stream, GENERATORS, events(CHUNKS)),
    *with_forms("stream refused", client, ask_stream, GENERATORS[:1], FAILED, raises="ServerError"),
    *with_forms("error in the stream", client, ask_stream, GENERATORS[:1],
                events([CHUNKS[0], {"error": {"code": 503, "status": "UNAVAILABLE", "message": "No."}}]),
                raises="ServerError"),
]  # fmt: skip


@scenarios.parametrize(SCENARIOS)
def test_the_program_notices_nothing(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    scenarios.check(loopback, scenario, asynchronous)


# --- what is known ----------------------------------------------------------------------------------------------------
async def made_by(loopback: Loopback, asynchronous: bool, stream: bool, **options: Any) -> None:
    """One call of the kind, read to its end."""
    if asynchronous:
        async with client(loopback.url, True, **options) as used:
            if stream:
                async for _ in await ask_stream(used):
                    pass
            else:
                await ask(used)
        return
    with client(loopback.url, **options) as used:
        if stream:
            list(ask_stream(used))
        else:
            ask(used)


kinds = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
ways = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])


@kinds
@ways
async def test_usage_is_in_the_terms_of_the_conventions(loopback: Loopback, asynchronous: bool, stream: bool) -> None:
    loopback.play(events(CHUNKS) if stream else answer(WHOLE))
    with testing.capture() as seen:
        await made_by(loopback, asynchronous, stream)
    span = seen.span(f"generate_content {MODEL}")
    assert tokens(span) == KNOWN
    said = span.attributes
    assert (said["gen_ai.provider.name"], said["gen_ai.response.id"]) == ("gcp.gemini", "r-1")
    assert said["gen_ai.response.finish_reasons"] == ("STOP",)
    assert said.get("agentobs.stream.chunks") == (3 if stream else None)
    assert seen.value("agentobs.cost.usd") > 0


@pytest.mark.parametrize(
    ("usage", "known"),
    [
        (None, {}),
        ({}, {}),
        ({"promptTokenCount": 0, "totalTokenCount": 0}, {"input": 0, "output": 0}),
        ({"promptTokenCount": 9, "totalTokenCount": 9}, {"input": 9, "output": 0}),
        ({"promptTokenCount": 9}, {"input": 9}),
        ({"promptTokenCount": "9", "candidatesTokenCount": -1}, {}),
        ({"thoughtsTokenCount": 4}, {"output": 4, "reasoning.output": 4}),
    ],
)
@kinds
async def test_what_is_not_said_is_unknown(loopback: Loopback, usage: Any, known: dict[str, int], stream: bool) -> None:
    said = chunk("In the depot.", "STOP") | {"usageMetadata": usage}
    loopback.play(events([said]) if stream else answer(said))
    with testing.capture() as seen:
        await made_by(loopback, asynchronous=False, stream=stream)
    assert tokens(seen.spans[0]) == known


async def test_vertex_is_another_provider(loopback: Loopback) -> None:
    loopback.play(answer(WHOLE))
    with testing.capture() as seen:
        await made_by(loopback, asynchronous=False, stream=False, vertexai=True)
    assert seen.spans[0].attributes["gen_ai.provider.name"] == "gcp.vertex_ai"


def test_embeddings_have_a_length(loopback: Loopback) -> None:
    loopback.play(answer({"embeddings": [{"values": [0.5, 0.25]}], "usageMetadata": {"promptTokenCount": 3}}))
    with testing.capture() as seen, client(loopback.url) as used:
        used.models.embed_content(model="gemini-embedding-001", contents="x")
    said = seen.span("embeddings gemini-embedding-001").attributes
    assert (said["gen_ai.embeddings.dimension.count"], said["gen_ai.usage.input_tokens"]) == (2, 3)


@ways
async def test_retries_belong_to_the_call(loopback: Loopback, asynchronous: bool) -> None:
    loopback.play(FAILED, FAILED.but(status=429), answer(WHOLE))
    with testing.capture() as seen:
        await made_by(loopback, asynchronous, stream=False, attempts=3)
    (span,) = seen.spans
    assert (span.attributes["agentobs.retries"], span.attributes["agentobs.outcome"]) == (2, "success")
    causes = [event.attributes["agentobs.retry.status"] for event in seen.events]
    assert causes == ["503", "429"]


@kinds
async def test_content_is_in_the_shapes_of_the_conventions(loopback: Loopback, stream: bool) -> None:
    thought = chunk("", usage=USAGE) | {"candidates": [{"content": {"parts": [{"text": "Hm.", "thought": True}]}}]}
    told = [thought, *CHUNKS[:2], chunk("depot.", "STOP")]
    whole = chunk("", "STOP", USAGE)
    whole["candidates"][0]["content"]["parts"] = [{"text": "Hm.", "thought": True}, {"text": "In the depot."}]
    loopback.play(events(told) if stream else answer(whole))
    picture = genai.types.Part.from_bytes(data=b"\x00" * 2000, mime_type="image/png")
    call = {"model": MODEL, "contents": ["What is this?", picture], "config": {"system_instruction": "Be short."}}
    with testing.capture(content="full") as seen, client(loopback.url) as used:
        if stream:
            list(used.models.generate_content_stream(**call))
        else:
            used.models.generate_content(**call)
    said = {name: json.loads(text) for name, text in seen.spans[0].attributes.items() if str(text).startswith("[")}
    blob = {"type": "blob", "mime_type": "image/png", "modality": "image", "byte_count": 2000}
    assert said["gen_ai.system_instructions"] == [{"type": "text", "content": "Be short."}]
    assert said["gen_ai.input.messages"] == [
        {
            "role": "user",
            "parts": [{"type": "text", "content": "What is this?"}, blob | {"content": "", "left_out": True}],
        }
    ]
    parts = [{"type": "reasoning", "content": "Hm."}, {"type": "text", "content": "In the depot."}]
    assert said["gen_ai.output.messages"] == [{"role": "assistant", "parts": parts, "finish_reason": "stop"}]


# --- endings ----------------------------------------------------------------------------------------------------------
LEFT = Ending("a generator is closed or dropped, which are the same to it", "UNSET", "abandoned")


@pytest.mark.parametrize("leave", ["close", "drop"])
@ways
async def test_left_early(loopback: Loopback, asynchronous: bool, leave: str) -> None:
    loopback.play(events(CHUNKS))
    with testing.capture() as seen:
        if asynchronous:
            async with client(loopback.url, True) as used:
                chunks = await ask_stream(used)
                await anext(chunks)
                if leave == "close":
                    await chunks.aclose()
                del chunks
                for _ in range(5):
                    await asyncio.sleep(0)
        else:
            with client(loopback.url) as used:
                chunks = ask_stream(used)
                next(chunks)
                if leave == "close":
                    chunks.close()
                del chunks
        check(seen, LEFT)
    assert tokens(seen.spans[0]) == {"input": 9}


@ways
async def test_a_stream_without_its_end_is_incomplete(loopback: Loopback, asynchronous: bool) -> None:
    loopback.play(events(CHUNKS[:2]))
    with testing.capture() as seen:
        await made_by(loopback, asynchronous, stream=True)
        check(seen, endings.INCOMPLETE, ("incomplete_stream", "incomplete_stream"))
    assert tokens(seen.spans[0]) == {"input": 11}


@ways
async def test_cut(loopback: Loopback, asynchronous: bool) -> None:
    loopback.play(events(CHUNKS[:2]).but(cut=True))
    with testing.capture() as seen:
        with pytest.raises(Exception, match=r".") as raised:
            await made_by(loopback, asynchronous, stream=True)
        check(seen, endings.CUT, (type(raised.value).__qualname__, "connection"))


async def test_errors_have_google_s_word_and_the_class_of_all(loopback: Loopback) -> None:
    for status, word, reason, kind in (
        (429, "RESOURCE_EXHAUSTED", None, "rate_limit"),
        (400, "INVALID_ARGUMENT", None, "invalid_request"),
        (400, "INVALID_ARGUMENT", "API_KEY_INVALID", "auth"),
        (404, "NOT_FOUND", None, "not_found"),
        (504, "DEADLINE_EXCEEDED", None, "timeout"),
    ):
        details = [{"reason": reason}] if reason else []
        said = {"error": {"code": status, "status": word, "message": "No.", "details": details}}
        loopback.play(answer(said, status))
        with testing.capture() as seen:
            with pytest.raises(genai.errors.APIError):
                await made_by(loopback, asynchronous=False, stream=False)
            check(seen, endings.REFUSED, (word, kind))


async def test_unreached(loopback: Loopback) -> None:
    loopback.play(Answer(cut=True))
    with testing.capture() as seen:
        with pytest.raises(Exception, match=r".") as raised:
            await made_by(loopback, asynchronous=False, stream=False)
        check(seen, endings.UNREACHED, (type(raised.value).__qualname__, "connection"))


@kinds
async def test_cancelled(loopback: Loopback, stream: bool) -> None:
    gate = threading.Event()
    waits = events(CHUNKS).but(chunks=[*events(CHUNKS).chunks[:1], gate]) if stream else answer(WHOLE).but(gate=gate)
    loopback.play(waits)
    started = asyncio.Event()

    async def read() -> None:
        async with client(loopback.url, True) as used:
            if not stream:
                started.set()
                await ask(used)
            async for _ in await ask_stream(used):
                started.set()

    with testing.capture() as seen:
        task = asyncio.create_task(read())
        await started.wait()
        await asyncio.sleep(0)
        while not loopback.requests and not task.done():
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        gate.set()
        check(seen, endings.CANCELLED)


def test_a_stream_that_nobody_reads_makes_no_request_and_is_no_call(loopback: Loopback) -> None:
    loopback.play()
    with testing.capture() as seen, client(loopback.url) as used:
        ask_stream(used)
    assert (seen.spans, loopback.requests) == ([], [])


def test_nothing_is_kept_of_calls_that_are_over(loopback: Loopback) -> None:
    with client(loopback.url) as used, testing.capture():
        loopback.play(answer(WHOLE), events(CHUNKS))
        ask(used)
        list(ask_stream(used))
        before = kept()
        for _ in range(20):
            loopback.play(answer(WHOLE), events(CHUNKS), events(CHUNKS))
            ask(used)
            list(ask_stream(used))
            next(ask_stream(used))
        assert kept() == before


# --- recordings -------------------------------------------------------------------------------------------------------
def _recorded(row: corpus.Row) -> bool:
    # One recording has Vertex AI's array of chunks, which another client asked for; this one asks for events.
    return row["call_form"].startswith(("gemini.generate", "vertex.")) and row["finish_reasons"] != "1"


@pytest.mark.parametrize("row", corpus.rows(_recorded, "gemini and vertexai"))
def test_what_is_seen_is_what_was_reported(row: corpus.Row, loopback: Loopback) -> None:
    loopback.play(corpus.answer_of(corpus.exchange_of(row)))
    failed = int(row["status"]) >= 400
    vertex = row["provider"] == "vertexai"
    model = row["request_model"]
    with testing.capture() as seen, client(loopback.url, vertexai=vertex) as used:
        try:
            if row["call_form"].endswith(".stream"):
                list(used.models.generate_content_stream(model=model, contents="x"))
            elif row["call_form"].endswith(".embed"):
                used.models.embed_content(model=model, contents="x")
            else:
                used.models.generate_content(model=model, contents="x")
        except genai.errors.APIError:
            assert failed
    (span,) = seen.spans
    said = span.attributes
    assert said["gen_ai.provider.name"] == ("gcp.vertex_ai" if vertex else "gcp.gemini")
    if failed:
        assert said["error.type"] == (row["error_type"] or "INVALID_ARGUMENT")  # which the index lacks for one
        return
    count = {
        name: corpus.number(row[f"{name}_tokens"]) for name in ("input", "output", "total", "reasoning", "cached_input")
    }
    output = corpus.added(count["output"], count["reasoning"])
    if output is None and count["total"] == count["input"]:
        output = 0  # the index has what is written, and counts of nought are not
    assert said.get("gen_ai.usage.input_tokens") == corpus.added(
        count["input"], corpus.number(row["tool_prompt_tokens"])
    )
    assert said.get("gen_ai.usage.output_tokens") == output
    assert said.get("gen_ai.usage.reasoning.output_tokens") == count["reasoning"]
    assert said.get("gen_ai.usage.cache_read.input_tokens") == count["cached_input"]
    assert said["gen_ai.response.model"] == row["response_model"]
    assert said["gen_ai.response.id"] == row["response_id"]
    assert "|".join(said["gen_ai.response.finish_reasons"]) == row["finish_reasons"]
