"""litellm: one call for each of its own, whatever makes the request below it, and the program notices nothing."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Iterator
from typing import Any

import pytest

from agentobs import testing
from tests.support import needs
from tests.support.clients import makers, wire
from tests.support.clients.known import tokens
from tests.support.kept import kept
from tests.support.loopback import Answer, Loopback
from tests.support.stack import poll

litellm: Any = None
KNOWN = {"input": 11, "output": 7, "cache_read.input": 4, "reasoning.output": 2}
CHUNKS = wire.events(wire.CHAT_CHUNKS, named=False)
pytestmark = pytest.mark.filterwarnings("ignore")  # litellm's own, of its many parts


@pytest.fixture(scope="module", autouse=True)
def _library() -> Iterator[None]:
    global litellm
    with pytest.MonkeyPatch.context() as patch:
        # Else it asks the network for prices, when it is imported.
        patch.setenv("LITELLM_LOCAL_MODEL_COST_MAP", "True")
        litellm = needs.module("litellm")
        litellm.suppress_debug_info = True
        yield


def asked(loopback: Loopback, model: str = f"openai/{wire.MODEL}", **more: Any) -> dict[str, Any]:
    base = loopback.url if model.startswith("anthropic") else f"{loopback.url}/v1"
    return {"model": model, "messages": wire.SAID, "api_base": base, "api_key": "none", **more}


def run(loopback: Loopback, asynchronous: bool, **more: Any) -> Any:
    """One completion, a stream read to its end; what the program gets of it."""
    if asynchronous:
        return asyncio.run(_arun(loopback, **more))
    said = litellm.completion(**asked(loopback, **more))
    return [chunk.model_dump(exclude={"created"}) for chunk in said] if more.get("stream") else said.model_dump()


async def _arun(loopback: Loopback, **more: Any) -> Any:
    said = await litellm.acompletion(**asked(loopback, **more))
    if more.get("stream"):
        return [chunk.model_dump(exclude={"created"}) async for chunk in said]
    # Callbacks of coroutines come from a task of litellm's own, which ends with the loop.
    await litellm.litellm_core_utils.logging_worker.GLOBAL_LOGGING_WORKER.flush()
    return said.model_dump()


def one(seen: testing.Captured) -> testing.CapturedSpan:
    """The one span, which comes when litellm calls back."""
    poll(lambda: seen.spans, "litellm calls back", deadline_s=20)
    (span,) = seen.spans
    assert seen.value("agentobs.calls") == 1
    assert seen.value("agentobs.calls.active") == 0
    return span


def test_one_call_one_cost_over_openai(loopback: Loopback) -> None:
    loopback.play(wire.answer(wire.chat()))
    with testing.capture() as seen:
        run(loopback, asynchronous=False)
        span = one(seen)
    said = span.attributes
    assert (span.name, said["gen_ai.provider.name"], tokens(span)) == (f"chat {wire.MODEL}", "openai", KNOWN)
    assert said["gen_ai.response.finish_reasons"] == ("stop",)
    assert seen.value("agentobs.cost.usd") == pytest.approx(said["agentobs.cost.usd"])


def test_one_call_over_its_own_http(loopback: Loopback) -> None:
    loopback.play(wire.answer(wire.message()))
    with testing.capture() as seen:
        run(loopback, asynchronous=False, model=f"anthropic/{wire.CLAUDE}")
        span = one(seen)
    assert span.attributes["gen_ai.provider.name"] == "anthropic"
    known = tokens(span)
    assert [known[name] for name in ("input", "output", "cache_read.input", "cache_write.input")] == [11, 7, 4, 2]


def test_the_client_s_retries_belong_to_the_call(loopback: Loopback) -> None:
    loopback.play(wire.error(500), wire.error(429), wire.answer(wire.chat()))
    with testing.capture() as seen:
        run(loopback, asynchronous=False, num_retries=2)
        span = one(seen)
    assert (span.attributes["agentobs.retries"], span.attributes["agentobs.outcome"]) == (2, "success")
    assert [event.attributes["agentobs.retry.status"] for event in seen.events] == ["500", "429"]


@pytest.mark.parametrize(
    ("more", "known"), [({"stream_options": {"include_usage": True}}, KNOWN), ({}, {})], ids=["asked", "not asked"]
)
def test_usage_of_a_stream_is_what_the_provider_said_and_no_estimate(
    loopback: Loopback, more: Any, known: dict[str, int]
) -> None:
    loopback.play(CHUNKS if more else wire.events([*wire.CHAT_CHUNKS[:-2], "[DONE]"], named=False))
    with testing.capture() as seen:
        run(loopback, asynchronous=False, stream=True, **more)
        assert tokens(one(seen)) == known


def test_an_error(loopback: Loopback) -> None:
    loopback.play(wire.error(404, "not_found_error"))
    with testing.capture() as seen:
        with pytest.raises(litellm.NotFoundError):
            run(loopback, asynchronous=False)
        span = one(seen)
    assert (span.status, span.attributes["agentobs.error.class"]) == ("ERROR", "not_found")


def test_a_stream_that_is_broken_off_is_abandoned(loopback: Loopback) -> None:
    def leave() -> None:
        for _ in litellm.completion(**asked(loopback, stream=True)):
            break

    loopback.play(CHUNKS)
    with testing.capture() as seen:
        leave()
        # A thread of litellm has it for a moment, and then it is garbage.
        poll(lambda: gc.collect() >= 0 and seen.spans, "litellm lets go of it", deadline_s=20)
        assert one(seen).attributes["agentobs.outcome"] == "abandoned"


def test_embeddings(loopback: Loopback) -> None:
    vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
    said = {"object": "list", "model": "text-embedding-3-small", "data": [vector]}
    loopback.play(wire.answer(said | {"usage": {"prompt_tokens": 2, "total_tokens": 2}}))
    with testing.capture() as seen:
        more = asked(loopback, "openai/text-embedding-3-small")
        more.pop("messages")
        litellm.embedding(input="x", **more)
        attributes = one(seen).attributes
    assert (attributes["gen_ai.embeddings.dimension.count"], attributes["gen_ai.usage.input_tokens"]) == (2, 2)


@pytest.mark.parametrize("fails", [False, True], ids=["after an answer", "after an error"])
def test_a_call_that_the_program_makes_itself_afterwards_is_its_own(loopback: Loopback, fails: bool) -> None:
    loopback.play(wire.error(400) if fails else wire.answer(wire.message()), wire.answer(wire.chat()))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        with contextlib.suppress(litellm.BadRequestError):
            run(loopback, asynchronous=False, model=f"anthropic/{wire.CLAUDE}")
        client.chat.completions.create(**wire.CHAT)
        poll(lambda: len(seen.spans) == 2, "both are told of", deadline_s=20)


def test_an_answer_from_litellm_s_cache_is_no_call(loopback: Loopback) -> None:
    loopback.play()
    with testing.capture() as seen:
        assert litellm.completion(**asked(loopback, mock_response="Mocked.")).choices[0].message.content == "Mocked."
    assert [span.name for span in seen.spans] == []


ANSWERS: list[tuple[str, Answer, dict[str, Any]]] = [
    ("whole", wire.answer(wire.chat()), {}),
    ("tools", wire.answer(wire.chat(None, "tool_calls", tool_calls=[wire.TOOL_CALL])), {}),
    ("stream", CHUNKS, {"stream": True}),
    ("error", wire.error(429), {"max_retries": 0}),
]


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(("name", "answer", "more"), ANSWERS, ids=[name for name, *_ in ANSWERS])
def test_the_program_notices_nothing(
    loopback: Loopback, name: str, answer: Answer, more: dict[str, Any], asynchronous: bool
) -> None:
    got = []
    for observed in (False, True):
        loopback.play(answer)
        with testing.capture() if observed else contextlib.nullcontext() as seen:
            try:
                got.append((run(loopback, asynchronous, **more), loopback.requests[0].body))
            except litellm.RateLimitError as error:
                got.append((str(error), loopback.requests[0].body))
            if seen is not None:
                poll(lambda: seen.spans, "litellm calls back", deadline_s=20)
    first, second = ([{**each, "created": 0} if isinstance(each, dict) else each for each in told] for told in got)
    assert first == second


def test_litellm_s_lists_are_left_as_they_were(loopback: Loopback) -> None:
    def lists() -> list[Any]:
        names = ("callbacks", "success_callback", "failure_callback", "_async_success_callback")
        return [list(vars(litellm)[name]) for name in names]

    before = lists()
    loopback.play(wire.answer(wire.chat()))
    with testing.capture() as seen:
        run(loopback, asynchronous=False)
        one(seen)
        assert lists() != before
    assert lists() == before


def test_nothing_is_kept_of_calls_that_are_over(loopback: Loopback) -> None:
    with testing.capture() as seen:
        counts = []
        for number in range(1, 8):
            loopback.play(wire.answer(wire.chat()))
            run(loopback, asynchronous=False)
            poll(lambda wanted=number: len(seen.spans) == wanted, "litellm calls back", deadline_s=20)
            counts.append(kept())
    assert len(set(counts[2:])) == 1
