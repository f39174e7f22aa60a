"""Without instrument() the verbs change nothing and emit nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest
from opentelemetry import trace

import agentobs
from agentobs import process
from agentobs.testing import capture


@pytest.fixture(autouse=True)
def _nothing_in_force() -> None:
    assert process.current() is None


def test_blocks_and_calls_pass_everything_through() -> None:
    before = trace.get_current_span()
    with agentobs.agent("a"), agentobs.tool("t") as tool, agentobs.fallback("f"):
        tool.result = 1
        assert trace.get_current_span() is before
        assert agentobs.decision("k", "c")
        agentobs.notice()
        agentobs.retry("429")
        agentobs.feedback(value=1)
    error = ValueError("x")
    with pytest.raises(ValueError, match="x") as caught, agentobs.agent("a"):
        raise error
    assert caught.value is error


async def test_decorators_pass_everything_through() -> None:
    @agentobs.agent("a")
    def plain(value: int) -> int:
        return value

    @agentobs.tool
    async def coroutine(value: int) -> int:
        await asyncio.sleep(0)
        return value

    @agentobs.fallback("f")
    def lines() -> Iterator[int]:
        yield from (1, 2)

    @agentobs.agent("a")
    async def async_lines() -> AsyncIterator[int]:
        yield 1

    assert (plain(1), await coroutine(2), list(lines())) == (1, 2, [1, 2])
    assert [item async for item in async_lines()] == [1]


def test_wrong_values_still_raise() -> None:
    with pytest.raises(ValueError, match="outcome='maybe' is not allowed"):
        agentobs.decision("a", "b", outcome="maybe")  # type: ignore[arg-type]


def test_what_began_before_instrument_ends_quietly() -> None:
    with agentobs.agent("early"), capture() as seen:
        agentobs.decision("k", "c")
    assert ([span.name for span in seen.spans], [event.name for event in seen.events]) == ([], ["agentobs.decision"])


def test_what_ends_after_uninstrument_ends_quietly() -> None:
    with ExitStack() as later:
        with capture() as seen:
            later.enter_context(agentobs.agent("late"))
        agentobs.decision("k", "c")
    assert ([span.name for span in seen.spans], [event.name for event in seen.events]) == ([], [])
