"""Times of a stream: to its first chunk, between its chunks, and of the whole call."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agentobs import testing
from tests.support.clients import wire
from tests.support.clients.makers import anthropic_client, openai_client
from tests.support.clock import Clock
from tests.support.loopback import Loopback
from tests.support.polling import poll

FIRST, GAP = "gen_ai.client.inference.time_to_first_chunk", "gen_ai.client.inference.time_per_output_chunk"
DURATION = "gen_ai.client.inference.duration"
HELD_S = 100.0
"""How long the server holds something back, in seconds: on a clock that the test puts forward."""


def chat_stream(url: str) -> Iterator[Any]:
    with openai_client(url) as client:
        yield from client.chat.completions.create(**wire.CHAT_STREAM)


def messages_stream(url: str) -> Iterator[Any]:
    with anthropic_client(url) as client:
        yield from client.messages.create(**wire.MESSAGE, stream=True)


def chat_helper(url: str) -> Iterator[Any]:
    with openai_client(url) as client, client.chat.completions.stream(**wire.CHAT) as stream:
        yield from stream


def chat_lines(url: str) -> Iterator[Any]:
    ask = wire.CHAT_STREAM
    with openai_client(url) as c, c.chat.completions.with_streaming_response.create(**ask) as raw:
        yield from raw.iter_lines()


STREAMS: dict[str, tuple[Callable[[str], Iterator[Any]], Any]] = {
    "chat": (chat_stream, wire.events(wire.CHAT_CHUNKS, named=False)),
    "chat helper": (chat_helper, wire.events(wire.CHAT_CHUNKS, named=False)),
    "chat lines": (chat_lines, wire.events(wire.CHAT_CHUNKS, named=False)),
    "messages": (messages_stream, wire.events(wire.MESSAGE_EVENTS)),
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def read(loopback: Loopback, name: str, held: int | None = None, clock: Clock | None = None) -> testing.Captured:
    """Read a stream whose chunk number `held` comes late by the clock."""
    call, answer = STREAMS[name]
    chunks = list(answer.chunks)
    gate = threading.Event()
    if held is not None:
        chunks.insert(held, gate)
    loopback.play(answer.but(chunks=chunks))
    with testing.capture() as seen:
        for number, _ in enumerate(call(loopback.url)):
            if number == 0 and clock is not None:
                clock.forward(HELD_S)
                gate.set()
    return seen


def samples(seen: testing.Captured, name: str) -> tuple[int, float]:
    points = [point for point in seen.points if point.name == name]
    return sum(point.count or 0 for point in points), sum(point.sum or 0.0 for point in points)


@pytest.mark.parametrize("name", STREAMS)
def test_each_stream_gives_one_sample_of_each(loopback: Loopback, name: str) -> None:
    seen = read(loopback, name)
    (span,) = seen.spans
    chunks = span.attributes["agentobs.stream.chunks"]
    (first_count, first_s), (gap_count, gap_s) = samples(seen, FIRST), samples(seen, GAP)
    duration_count, duration_s = samples(seen, DURATION)
    assert (first_count, gap_count, duration_count) == (1, 1, 1)
    assert span.attributes["gen_ai.response.time_to_first_chunk"] == first_s
    assert first_s > 0
    assert first_s + gap_s * (chunks - 1) <= duration_s + 1e-9


@pytest.mark.parametrize("name", STREAMS)
def test_a_late_chunk_is_between_the_chunks(loopback: Loopback, clock: Clock, name: str) -> None:
    seen = read(loopback, name, 3, clock)
    (span,) = seen.spans
    _, gap_s = samples(seen, GAP)
    _, duration_s = samples(seen, DURATION)
    assert gap_s * (span.attributes["agentobs.stream.chunks"] - 1) >= HELD_S
    assert duration_s >= HELD_S


def test_a_late_answer_is_in_the_time_to_the_first_chunk(loopback: Loopback, clock: Clock) -> None:
    gate = threading.Event()
    loopback.play(wire.events(wire.CHAT_CHUNKS, named=False).but(gate=gate))

    def hold() -> None:
        poll(lambda: loopback.requests, "the request")
        clock.forward(HELD_S)
        gate.set()

    holding = threading.Thread(target=hold)
    holding.start()
    with testing.capture() as seen:
        assert len(list(chat_stream(loopback.url))) == 5
    holding.join()
    assert samples(seen, FIRST)[1] >= HELD_S


def test_the_chunks_of_the_program_are_counted(loopback: Loopback) -> None:
    """Five chunks; `[DONE]` is none."""
    assert read(loopback, "chat").span(f"chat {wire.MODEL}").attributes["agentobs.stream.chunks"] == 5
    assert read(loopback, "messages").span(f"chat {wire.CLAUDE}").attributes["agentobs.stream.chunks"] == 7


def test_a_stream_of_one_chunk_has_nothing_between(loopback: Loopback) -> None:
    loopback.play(wire.events([wire.CHAT_CHUNKS[3], "[DONE]"], named=False))
    with testing.capture() as seen:
        assert len(list(chat_stream(loopback.url))) == 1
    assert samples(seen, FIRST)[0] == 1
    assert samples(seen, GAP)[0] == 0


def test_a_plain_answer_has_neither(loopback: Loopback) -> None:
    loopback.play(wire.answer(wire.chat()))
    with testing.capture() as seen, openai_client(loopback.url) as client:
        client.chat.completions.create(**wire.CHAT)
    assert samples(seen, FIRST)[0] == samples(seen, GAP)[0] == 0
    assert "gen_ai.response.time_to_first_chunk" not in seen.span(f"chat {wire.MODEL}").attributes


def test_a_stream_that_was_never_read_has_neither(loopback: Loopback) -> None:
    loopback.play(wire.events(wire.CHAT_CHUNKS, named=False))
    with testing.capture() as seen, openai_client(loopback.url) as client:
        client.chat.completions.create(**wire.CHAT_STREAM).close()
    assert samples(seen, FIRST)[0] == samples(seen, GAP)[0] == 0
    assert samples(seen, DURATION)[0] == 1
