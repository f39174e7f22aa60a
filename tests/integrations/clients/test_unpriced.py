"""Whatever was served and has no known amount is counted as unpriced; what was not served is not."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from typing import Any

import pytest

from agentobs import testing
from tests.support.clients import makers, wire
from tests.support.loopback import Loopback

# The connection of a cancelled stream stays open until it is collected.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
NO_USAGE = {**wire.CHAT, "stream": True}
PLAIN = [*wire.CHAT_CHUNKS[:-2], "[DONE]"]


def unpriced(seen: testing.Captured) -> float:
    return seen.value("agentobs.calls.unpriced", agentobs_unpriced_reason="no_usage")


async def test_a_stream_whose_task_was_cancelled(loopback: Loopback) -> None:
    gate = threading.Event()
    answer = wire.events(wire.CHAT_CHUNKS, named=False)
    loopback.play(answer.but(chunks=[answer.chunks[0], gate, *answer.chunks[1:]]))  # type: ignore[index, misc]
    first = asyncio.Event()

    async def read(client: Any) -> None:
        async for _ in await client.chat.completions.create(**wire.CHAT_STREAM):
            first.set()

    with testing.capture() as seen:
        async with makers.openai_client(loopback.url, asynchronous=True) as client:
            task = asyncio.create_task(read(client))
            await first.wait()
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            gate.set()
    assert seen.spans[0].attributes["agentobs.outcome"] == "cancelled"
    assert unpriced(seen) == 1


def test_a_stream_that_was_cut(loopback: Loopback) -> None:
    loopback.play(wire.events(wire.CHAT_CHUNKS[:2], named=False).but(cut=True))
    with (
        testing.capture() as seen,
        makers.openai_client(loopback.url) as client,
        pytest.raises(Exception, match=r"closed|Connection error"),
    ):
        list(client.chat.completions.create(**wire.CHAT_STREAM))
    assert unpriced(seen) == 1


def test_a_stream_that_ended_early(loopback: Loopback) -> None:
    loopback.play(wire.events(wire.CHAT_CHUNKS[:2], named=False))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        list(client.chat.completions.create(**wire.CHAT_STREAM))
    assert unpriced(seen) == 1


async def test_a_call_that_was_cancelled_before_its_answer(loopback: Loopback) -> None:
    gate = threading.Event()
    loopback.play(wire.events(wire.CHAT_CHUNKS, named=False).but(gate=gate))
    with testing.capture() as seen:
        async with makers.openai_client(loopback.url, asynchronous=True) as client:
            task = asyncio.ensure_future(client.chat.completions.create(**wire.CHAT_STREAM))
            while not loopback.requests:
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            gate.set()
    assert seen.value("agentobs.calls.unpriced") == 0


def test_an_error_is_not_served(loopback: Loopback) -> None:
    loopback.play(wire.error(400, "invalid_request_error"))
    with (
        testing.capture() as seen,
        makers.openai_client(loopback.url, max_retries=0) as client,
        pytest.raises(Exception, match="No"),
    ):
        client.chat.completions.create(**wire.CHAT)
    assert seen.value("agentobs.calls.unpriced") == 0


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "include_usage" in record.getMessage()]


def test_a_stream_without_usage_is_told_once_for_each_client(
    loopback: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.play(*[wire.events(PLAIN, named=False)] * 4)
    with caplog.at_level(logging.WARNING), testing.capture() as seen:
        for _ in range(2):
            with makers.openai_client(loopback.url) as client:
                for _ in range(2):
                    list(client.chat.completions.create(**NO_USAGE))
    assert unpriced(seen) == 4
    assert len(told(caplog)) == 2
    assert 'stream_options={"include_usage": True}' in told(caplog)[0]


def test_nothing_is_told_where_usage_came_or_was_asked_for(
    loopback: Loopback, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.play(wire.events(wire.CHAT_CHUNKS, named=False), wire.events(PLAIN, named=False))
    with caplog.at_level(logging.WARNING), testing.capture(), makers.openai_client(loopback.url) as client:
        list(client.chat.completions.create(**NO_USAGE))
        list(client.chat.completions.create(**wire.CHAT_STREAM))
    assert not told(caplog)
