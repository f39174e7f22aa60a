"""Many calls at once: nothing is lost, nothing is mixed up, nothing piles up."""

from __future__ import annotations

import asyncio
import gc
import threading
import tracemalloc
from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan

import agentobs
from tests.support import model
from tests.support.backend import Backend, observed
from tests.support.model import NAME, ask, async_client, client

THREADS = 16
CALLS_PER_THREAD = 1_250
TASKS = 500
CALLS_PER_TASK = 3


def counted(backend: Backend, numbers: Iterable[int]) -> None:
    """The sums over all calls are those of the messages that were asked, to the token and to the cent."""
    numbers = list(numbers)
    assert backend.total("agentobs.calls", agentobs_outcome="success") == len(numbers)
    assert backend.total("agentobs.calls") == len(numbers)
    assert backend.total("agentobs.calls.active") == 0
    spent, made = sum(map(model.input_tokens, numbers)), sum(map(model.output_tokens, numbers))
    assert backend.total("agentobs.tokens", agentobs_token_kind="input_uncached") == spent
    assert backend.total("agentobs.tokens", agentobs_token_kind="output") == made
    assert backend.total("agentobs.cost.usd") == pytest.approx(sum(map(model.cost_usd, numbers)), rel=1e-9)
    assert backend.total("agentobs.call.cost.usd") == len(numbers)


def belongs(spans: Iterable[ReadableSpan]) -> Counter[str]:
    """Each call's span is in the run that made the call; returns the number of calls by agent."""
    spans = list(spans)
    runs = {span.context.span_id: span for span in spans if span.name.startswith("invoke_agent")}
    calls: Counter[str] = Counter()
    for span in spans:
        if span.name != f"chat {NAME}":
            continue
        assert span.parent is not None
        assert span.attributes is not None
        run = runs[span.parent.span_id]
        assert run.attributes is not None
        for name in ("gen_ai.agent.name", "gen_ai.conversation.id"):
            assert span.attributes[name] == run.attributes[name]
        number = int(str(span.attributes["gen_ai.response.id"]).removeprefix("chatcmpl-"))
        # Which call this is stands in the conversation's id, and the model said what it was asked.
        first, last = map(int, str(span.attributes["gen_ai.conversation.id"]).split("-"))
        assert first <= number <= last
        assert span.attributes["gen_ai.usage.input_tokens"] == model.input_tokens(number)
        calls[str(span.attributes["gen_ai.agent.name"])] += 1
    return calls


def test_calls_of_many_threads() -> None:
    api, strange = client(), []

    def said(number: int) -> str | None:
        if number % 20 == 0:
            chunks = api.chat.completions.create(**ask(number, stream=True))
            return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        if number % 20 == 1:
            return api.chat.completions.create(**ask(number)).choices[0].message.content
        # The client's own door for bodies without types; it takes a third of the time.
        completion: Any = api.post("/chat/completions", cast_to=object, body=ask(number))
        return str(completion["choices"][0]["message"]["content"])

    def work(thread: int) -> None:
        for start in range(thread * CALLS_PER_THREAD, (thread + 1) * CALLS_PER_THREAD, 10):
            with agentobs.agent(f"agent {thread}", conversation_id=f"{start}-{start + 9}"):
                strange.extend(number for number in range(start, start + 10) if said(number) != str(number))

    backend = Backend()
    with observed(backend):
        threads = [threading.Thread(target=work, args=(thread,)) for thread in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive()
        assert not strange
        counted(backend, range(THREADS * CALLS_PER_THREAD))
        assert backend.total("agentobs.agent.runs") == THREADS * CALLS_PER_THREAD / 10
        assert backend.own_errors() == {}
    assert belongs(backend.spans) == {f"agent {thread}": CALLS_PER_THREAD for thread in range(THREADS)}


async def test_calls_of_many_tasks_at_once() -> None:
    """All tasks are inside their first call before any of them gets an answer."""
    inside, everybody = 0, asyncio.Event()

    async def answer(request: Any) -> Any:
        nonlocal inside
        inside += 1
        if inside == TASKS:
            everybody.set()
        await asyncio.wait_for(everybody.wait(), 60)
        return model.answer(request)

    async def work(task: int) -> list[str | None]:
        first = task * CALLS_PER_TASK
        said = []
        async with agentobs.agent(f"agent {task % 7}", conversation_id=f"{first}-{first + CALLS_PER_TASK - 1}"):
            for number in range(first, first + CALLS_PER_TASK):
                if number % 2:
                    completion = await api.chat.completions.create(**ask(number))
                    said.append(completion.choices[0].message.content)
                else:
                    stream = await api.chat.completions.create(**ask(number, stream=True))
                    letters = [c.choices[0].delta.content or "" async for c in stream if c.choices]
                    said.append("".join(letters))
        return said

    backend = Backend()
    with observed(backend):
        api = async_client(answer)
        answers = await asyncio.gather(*map(work, range(TASKS)))
        assert [said for task in answers for said in task] == [str(n) for n in range(TASKS * CALLS_PER_TASK)]
        counted(backend, range(TASKS * CALLS_PER_TASK))
        assert backend.own_errors() == {}
    assert sum(belongs(backend.spans).values()) == TASKS * CALLS_PER_TASK


@pytest.mark.parametrize("capture", ["none", "redacted"])
def test_memory_stays_flat(capture: str) -> None:
    api = client()

    def work(rounds: int) -> None:
        for number in range(100, 100 + rounds):
            with agentobs.agent("support", conversation_id=str(number)):
                api.chat.completions.create(**ask(number))
                list(api.chat.completions.create(**ask(number, stream=True)))
                with api.chat.completions.create(**ask(number, stream=True)) as left_early:
                    next(left_early)
                with pytest.raises(model.openai.BadRequestError):
                    api.chat.completions.create(**ask(model.REFUSED))

    def held_bytes() -> int:
        backend.clear()
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    backend = Backend()
    with observed(backend, capture=capture):
        work(20)
        tracemalloc.start()
        try:
            work(20)
            before = held_bytes()
            work(60)
            grown = held_bytes() - before
        finally:
            tracemalloc.stop()
    # 240 calls; each that kept as little as its attributes would add a kilobyte.
    assert grown < 64_000
