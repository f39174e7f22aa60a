"""Each row of the table of endings, for the clients and forms in which it can happen: one span, one count, nothing open."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
from collections.abc import Callable
from typing import Any

import openai
import pytest

from agentobs import testing
from tests.support.clients import endings, makers, wire
from tests.support.clients.endings import Ending
from tests.support.loopback import Loopback
from tests.support.polling import poll_async

# Clients are left open here, as programs leave them; dropped streams keep their connections until they are collected.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore:Exception ignored in. <(socket|function _SelectorTransport)"
)


class _Family:
    """One client and API whose streams can end in all the ways."""

    def __init__(self, name: str, chunks: list[Any], client: Callable[..., Any], open_: Callable[[Any], Any]) -> None:
        self.name = name
        self.chunks = chunks
        self.client = client
        self.open = open_


FAMILIES = [
    _Family(
        "chat",
        wire.CHAT_CHUNKS,
        makers.openai_client,
        lambda client: client.chat.completions.create(**wire.CHAT_STREAM),
    ),
    _Family(
        "responses",
        wire.response_events(),
        makers.openai_client,
        lambda client: client.responses.create(**wire.ASK, stream=True),
    ),
    _Family(
        "messages",
        wire.MESSAGE_EVENTS,
        makers.anthropic_client,
        lambda client: client.messages.create(**wire.MESSAGE, stream=True),
    ),
]
families = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def check(
    seen: testing.Captured, ending: Ending, error_type: str | None = None, error_class: str | None = None
) -> None:
    """The one call that was made ended as `ending` says."""
    gc.collect()
    (span,) = seen.spans
    said = span.attributes
    assert span.status == ending.status
    assert said["agentobs.outcome"] == ending.outcome
    assert said.get("error.type") == error_type
    assert said.get("agentobs.error.class") == error_class
    assert said.get("agentobs.stream.ending") == (ending.left.strip("`") or None)
    assert seen.value("agentobs.calls") == 1
    assert seen.value("agentobs.calls", agentobs_outcome=ending.outcome) == 1
    assert seen.value("gen_ai.client.inference.duration") == 1
    assert seen.value("agentobs.calls.active") == 0
    exceptions = [event for event in seen.events if event.name == "gen_ai.client.operation.exception"]
    assert len(exceptions) == (1 if ending.outcome == "error" else 0)


# --- streams, synchronous ---------------------------------------------------------------------------------------------
@families
def test_read_to_its_end(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks))
    with testing.capture() as seen:
        list(family.open(family.client(loopback.url)))
    check(seen, endings.ANSWERED)


@families
def test_closed_early(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks))
    with testing.capture() as seen:
        stream = family.open(family.client(loopback.url))
        next(iter(stream))
        stream.close()
    check(seen, endings.CLOSED)


@families
def test_closed_unread(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks))
    with testing.capture() as seen:
        family.open(family.client(loopback.url)).close()
    check(seen, endings.CLOSED)


@families
def test_with_block_left_early(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks))
    with testing.capture() as seen, family.open(family.client(loopback.url)) as stream:
        for _ in stream:
            break
    check(seen, endings.CLOSED)


@families
def test_broken_off_and_dropped(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks))
    with testing.capture() as seen:
        stream = family.open(family.client(loopback.url))
        for _ in stream:
            break
        del stream, _
        gc.collect()
        assert [span.attributes["agentobs.outcome"] for span in seen.spans] == ["abandoned"]
    (span,) = seen.spans
    assert span.status == endings.DROPPED.status
    # Whether the generator behind the stream or the stream itself goes first is the library's matter.
    assert span.attributes["agentobs.stream.ending"] in ("dropped", "closed")
    assert seen.value("agentobs.calls.active") == 0


@families
def test_never_read_and_dropped(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks))
    with testing.capture() as seen:
        stream = family.open(family.client(loopback.url))
        del stream
        gc.collect()
        check(seen, endings.DROPPED)


@families
def test_the_programs_exception(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks))
    with testing.capture() as seen:
        client = family.client(loopback.url)
        with pytest.raises(ZeroDivisionError), family.open(client) as stream:
            for _ in stream:
                raise ZeroDivisionError
    check(seen, endings.USER_ERROR)


@families
def test_cut(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks[:2]).but(cut=True))
    with testing.capture() as seen:
        with pytest.raises(Exception, match=r".") as raised:
            list(family.open(family.client(loopback.url)))
        check(seen, endings.CUT, type(raised.value).__qualname__, "connection")


@families
def test_ended_without_its_last_event(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks[:2]))
    with testing.capture() as seen:
        list(family.open(family.client(loopback.url)))
    check(seen, endings.INCOMPLETE, "incomplete_stream", "incomplete_stream")


def test_error_event_of_anthropic(loopback: Loopback) -> None:
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    loopback.play(wire.events([*wire.MESSAGE_EVENTS[:2], error]))
    with testing.capture() as seen:
        client = makers.anthropic_client(loopback.url)
        with pytest.raises(Exception, match="Overloaded"):
            list(client.messages.create(**wire.MESSAGE, stream=True))
        check(seen, endings.SAID_ERROR, "overloaded_error", "overloaded")


def test_error_event_of_openai(loopback: Loopback) -> None:
    error = {"error": {"type": "server_error", "code": None, "message": "The server had an error"}}
    loopback.play(wire.events([*wire.CHAT_CHUNKS[:2], error]))
    with testing.capture() as seen:
        client = makers.openai_client(loopback.url)
        with pytest.raises(openai.APIError, match="server had an error"):
            list(client.chat.completions.create(**wire.CHAT_STREAM))
        check(seen, endings.SAID_ERROR, "server_error", "server_error")


def test_failed_response_in_a_stream(loopback: Loopback) -> None:
    failed = wire.response("failed", error={"code": "rate_limit_exceeded", "message": "Slow down"})
    loopback.play(
        wire.events(
            [*wire.response_events()[:2], {"type": "response.failed", "response": failed, "sequence_number": 9}]
        )
    )
    with testing.capture() as seen:
        list(makers.openai_client(loopback.url).responses.create(**wire.ASK, stream=True))
    check(seen, endings.FAILED, "rate_limit_exceeded", "rate_limit")


# --- plain calls ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "kind", "error_class"),
    [
        (400, "invalid_request_error", "invalid_request"),
        (401, "authentication_error", "auth"),
        (404, "not_found_error", "not_found"),
        (429, "rate_limit_error", "rate_limit"),
        (500, "server_error", "server_error"),
        (529, "overloaded_error", "overloaded"),
    ],
)
def test_error_status(status: int, kind: str, error_class: str, loopback: Loopback) -> None:
    loopback.play(wire.error(status, kind))
    with testing.capture() as seen:
        client = makers.openai_client(loopback.url, max_retries=0)
        with pytest.raises(openai.APIStatusError):
            client.chat.completions.create(**wire.CHAT)
        check(seen, endings.REFUSED, kind, error_class)


def test_no_connection() -> None:
    with testing.capture() as seen:
        client = makers.openai_client("http://127.0.0.1:9", max_retries=0)
        with pytest.raises(openai.APIConnectionError):
            client.chat.completions.create(**wire.CHAT)
        check(seen, endings.UNREACHED, "APIConnectionError", "connection")


def test_timed_out(loopback: Loopback) -> None:
    gate = threading.Event()
    loopback.play(wire.answer(wire.chat()).but(gate=gate))
    with testing.capture() as seen:
        client = makers.openai_client(loopback.url, max_retries=0, timeout=0.05)
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(**wire.CHAT)
        gate.set()
        check(seen, endings.UNREACHED, "APITimeoutError", "timeout")


def test_billed_answer_that_the_library_refuses(loopback: Loopback) -> None:
    from pydantic import BaseModel

    class Place(BaseModel):
        city: str

    loopback.play(wire.answer(wire.chat('{"city": "Ber', finish="length")))
    with testing.capture() as seen:
        client = makers.openai_client(loopback.url)
        with pytest.raises(openai.LengthFinishReasonError):
            client.chat.completions.parse(**wire.CHAT, response_format=Place)
        check(seen, endings.UNUSABLE, "LengthFinishReasonError", "invalid_output")
    assert seen.spans[0].attributes["gen_ai.usage.output_tokens"] == wire.CHAT_USAGE["completion_tokens"]
    assert seen.value("agentobs.cost.usd") > 0


def test_incomplete_response_is_an_answer(loopback: Loopback) -> None:
    loopback.play(wire.answer(wire.response("incomplete", incomplete_details={"reason": "max_output_tokens"})))
    with testing.capture() as seen:
        makers.openai_client(loopback.url).responses.create(**wire.ASK)
    check(seen, endings.ANSWERED)
    assert seen.spans[0].attributes["gen_ai.response.finish_reasons"] == ("max_output_tokens",)


def test_keyboard_interrupt(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    client = makers.openai_client(loopback.url)
    monkeypatch.setattr(client._client, "send", _interrupt)
    with testing.capture() as seen:
        with pytest.raises(KeyboardInterrupt):
            client.chat.completions.create(**wire.CHAT)
        check(seen, endings.CANCELLED)


def _interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


# --- asynchronous -----------------------------------------------------------------------------------------------------
@families
async def test_async_read_to_its_end(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks))
    with testing.capture() as seen:
        async for _ in await family.open(family.client(loopback.url, asynchronous=True)):
            pass
    check(seen, endings.ANSWERED)


@families
async def test_async_with_block_left_early(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks))
    with testing.capture() as seen:
        async with await family.open(family.client(loopback.url, asynchronous=True)) as stream:
            async for _ in stream:
                break
    check(seen, endings.CLOSED)


@families
async def test_cancelled_while_waiting(family: _Family, loopback: Loopback) -> None:
    gate = threading.Event()
    loopback.play(wire.events(family.chunks).but(gate=gate))
    with testing.capture() as seen:
        task = asyncio.ensure_future(family.open(family.client(loopback.url, asynchronous=True)))
        await poll_async(lambda: loopback.requests, "the request")
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        gate.set()
        check(seen, endings.CANCELLED)


@families
async def test_cancelled_while_reading(family: _Family, loopback: Loopback) -> None:
    gate = threading.Event()
    answer = wire.events(family.chunks)
    loopback.play(answer.but(chunks=[answer.chunks[0], gate, *answer.chunks[1:]]))  # type: ignore[index, misc]
    first = asyncio.Event()

    async def read() -> None:
        async for _ in await family.open(family.client(loopback.url, asynchronous=True)):
            first.set()

    with testing.capture() as seen:
        task = asyncio.create_task(read())
        await first.wait()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        gate.set()
        check(seen, endings.CANCELLED)


@families
async def test_async_cut(family: _Family, loopback: Loopback) -> None:
    loopback.play(wire.events(family.chunks[:2]).but(cut=True))
    with testing.capture() as seen:
        with pytest.raises(Exception, match=r".") as raised:
            async for _ in await family.open(family.client(loopback.url, asynchronous=True)):
                pass
        check(seen, endings.CUT, type(raised.value).__qualname__, "connection")
