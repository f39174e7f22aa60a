"""Whatever goes wrong goes wrong exactly as it does without agentobs: the same exception of the same cause."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

from tests.support.clients import wire
from tests.support.clients.forms import HELPERS, RAW, RAW_STREAM, STREAM_READINGS, VALUE, WHOLE, Call, Form
from tests.support.clients.makers import anthropic_client, openai_client
from tests.support.clients.observation import See
from tests.support.clients.scenarios import Scenario, check, parametrize, with_forms
from tests.support.clients.wire import ASK, CHAT, CHAT_STREAM, MESSAGE
from tests.support.loopback import Answer, Loopback
from tests.support.polling import poll_async

MESSAGE_STREAM: Any = {**MESSAGE, "stream": True}
CHATTED, CHUNKS = wire.answer(wire.chat()), wire.events(wire.CHAT_CHUNKS, named=False)
ANSWERED, EVENTS = wire.answer(wire.message()), wire.events(wire.MESSAGE_EVENTS)
LOST = Answer(cut=True)
NEVER = Answer(cut=True, gate=threading.Event())
HALF = Answer(headers=CHUNKS.headers, chunks=CHUNKS.chunks[:2], cut=True)  # type: ignore[index]
HALF_EVENTS = Answer(headers=EVENTS.headers, chunks=EVENTS.chunks[:4], cut=True)  # type: ignore[index]
SAID_ERROR = wire.events(
    [*wire.CHAT_CHUNKS[:2], {"error": {"message": "Overloaded", "type": "server_error", "code": None}}], named=False
)
SAID_EVENT_ERROR = wire.events(
    [*wire.MESSAGE_EVENTS[:4], {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}]
)
BY_STATUS = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    422: "UnprocessableEntityError",
}
# openai 2 lets the HTTP library's own exception through.
OPENAI_CUT = "APIConnectionError" if int(openai.__version__.partition(".")[0]) >= 3 else "RemoteProtocolError"
RETRIED = {409: "ConflictError", 429: "RateLimitError", 500: "InternalServerError", 503: "InternalServerError"}


class Verdict(BaseModel):
    action: str


class MistakeError(Exception):
    """An error of the program itself."""


def impatient(url: str, asynchronous: bool) -> Any:
    return openai_client(url, asynchronous, timeout=0.05, max_retries=0)


def impatient_anthropic(url: str, asynchronous: bool) -> Any:
    return anthropic_client(url, asynchronous, timeout=0.05, max_retries=0)


def stern(url: str, asynchronous: bool) -> Any:
    return openai_client(url, asynchronous, _strict_response_validation=True)


def nowhere(_: str, asynchronous: bool) -> Any:
    return openai_client("http://127.0.0.1:1", asynchronous, max_retries=1)


def _mistaken(call: Call, see: See) -> None:
    with call() as stream:
        for chunk in stream:
            see("chunk", chunk)
            raise MistakeError("in the loop")


async def _amistaken(call: Call, see: See) -> None:
    async with await call() as stream:
        async for chunk in stream:
            see("chunk", chunk)
            raise MistakeError("in the loop")


def _interrupted(call: Call, see: See) -> None:
    for chunk in call():
        see("chunk", chunk)
        raise KeyboardInterrupt


async def _ainterrupted(call: Call, see: See) -> None:
    stream = await call()
    async for chunk in stream:
        see("chunk", chunk)
        await stream.close()
        raise KeyboardInterrupt


MISTAKEN = Form("mistaken", _mistaken, _amistaken)
INTERRUPTED = Form("interrupted", _interrupted, _ainterrupted)


def chat(c: Any) -> Any:
    return c.chat.completions.create(**CHAT)


def chat_stream(c: Any) -> Any:
    return c.chat.completions.create(**CHAT_STREAM)


def parse(c: Any) -> Any:
    return c.chat.completions.parse(**CHAT, response_format=Verdict)


def chat_raw_stream(c: Any) -> Any:
    return c.chat.completions.with_raw_response.create(**CHAT_STREAM)


def chat_raw(c: Any) -> Any:
    return c.chat.completions.with_raw_response.create(**CHAT)


def chat_streaming_stream(c: Any) -> Any:
    return c.chat.completions.with_streaming_response.create(**CHAT_STREAM)


def chat_streaming(c: Any) -> Any:
    return c.chat.completions.with_streaming_response.create(**CHAT)


def chat_helper(c: Any) -> Any:
    return c.chat.completions.stream(**CHAT)


def responses_stream(c: Any) -> Any:
    return c.responses.create(**ASK, stream=True)


def messages_raw(c: Any) -> Any:
    return c.messages.with_raw_response.create(**MESSAGE)


def messages_helper(c: Any) -> Any:
    return c.messages.stream(**MESSAGE)


def chat_of_nothing(c: Any) -> Any:
    return c.chat.completions.create()


def messages(c: Any) -> Any:
    return c.messages.create(**MESSAGE)


def messages_stream(c: Any) -> Any:
    return c.messages.create(**MESSAGE_STREAM)


def of(
    make: Any, name: str, call: Any, form: Form, raises: str | None, *answers: Answer, spans: int = 1
) -> list[Scenario]:
    return with_forms(name, make, call, [form], *answers, spans=spans, raises=raises)


STATUSES = [
    scenario
    for status, raises in BY_STATUS.items()
    for scenario in (
        *of(openai_client, f"openai {status}", chat, VALUE, raises, wire.error(status)),
        *of(anthropic_client, f"anthropic {status}", messages, VALUE, raises, wire.error(status)),
    )
]
RETRIES = [
    scenario
    for status, raises in RETRIED.items()
    for scenario in (
        *of(openai_client, f"openai {status} thrice", chat, VALUE, raises, *[wire.error(status)] * 3),
        *of(openai_client, f"openai {status} twice", chat, VALUE, None, *[wire.error(status)] * 2, CHATTED),
        *of(anthropic_client, f"anthropic {status} twice", messages, VALUE, None, *[wire.error(status)] * 2, ANSWERED),
    )
]
RETRIES += [
    *of(anthropic_client, "anthropic 529 thrice", messages, VALUE, "OverloadedError", *[wire.error(529)] * 3),
    *of(openai_client, "retry-after-ms", chat, VALUE, None, wire.error(429, retry_after_ms="1"), CHATTED),
    *of(openai_client, "told not to retry", chat, VALUE, "RateLimitError", wire.error(429, x_should_retry="false")),
    *of(openai_client, "stream, 500 once", chat_stream, WHOLE, None, wire.error(500), CHUNKS),
    *of(anthropic_client, "anthropic stream, 500 once", messages_stream, WHOLE, None, wire.error(500), EVENTS),
]
RAW_FORMS = [
    *of(openai_client, "raw 400", chat_raw, RAW, "BadRequestError", wire.error(400)),
    *of(openai_client, "streaming 400", chat_streaming, STREAM_READINGS[0], "BadRequestError", wire.error(400)),
    *of(openai_client, "stream 400", chat_stream, WHOLE, "BadRequestError", wire.error(400)),
    *of(openai_client, "helper 400", chat_helper, HELPERS[0], "BadRequestError", wire.error(400)),
    *of(anthropic_client, "anthropic stream 400", messages_stream, WHOLE, "BadRequestError", wire.error(400)),
    *of(anthropic_client, "anthropic raw 400", messages_raw, RAW, "BadRequestError", wire.error(400)),
    *of(anthropic_client, "anthropic helper 400", messages_helper, HELPERS[0], "BadRequestError", wire.error(400)),
]
CONNECTIONS = [
    *of(openai_client, "openai lost", chat, VALUE, "APIConnectionError", *[LOST] * 3),
    *of(anthropic_client, "anthropic lost", messages, VALUE, "APIConnectionError", *[LOST] * 3),
    *of(openai_client, "openai lost once", chat, VALUE, None, LOST, CHATTED),
    *of(nowhere, "openai refused", chat, VALUE, "APIConnectionError"),
    *of(impatient, "openai timeout", chat, VALUE, "APITimeoutError", NEVER),
    *of(impatient_anthropic, "anthropic timeout", messages, VALUE, "APITimeoutError", NEVER),
]
STREAMS = [
    *of(openai_client, "openai cut", chat_stream, WHOLE, OPENAI_CUT, HALF),
    *of(openai_client, "openai raw cut", chat_raw_stream, RAW_STREAM, OPENAI_CUT, HALF),
    *of(openai_client, "openai bytes cut", chat_streaming_stream, STREAM_READINGS[4], "RemoteProtocolError", HALF),
    *of(openai_client, "openai helper cut", chat_helper, HELPERS[0], OPENAI_CUT, HALF),
    *of(openai_client, "openai error in the stream", chat_stream, WHOLE, "APIError", SAID_ERROR),
    *of(openai_client, "openai helper, error", chat_helper, HELPERS[0], "APIError", SAID_ERROR),
    *of(openai_client, "responses cut", responses_stream, WHOLE, OPENAI_CUT, HALF),
    *of(anthropic_client, "anthropic cut", messages_stream, WHOLE, "RemoteProtocolError", HALF_EVENTS),
    *of(anthropic_client, "anthropic helper cut", messages_helper, HELPERS[0], "RemoteProtocolError", HALF_EVENTS),
    *of(anthropic_client, "anthropic error in the stream", messages_stream, WHOLE, "APIStatusError", SAID_EVENT_ERROR),
    *of(openai_client, "openai, the program's mistake", chat_stream, MISTAKEN, "MistakeError", CHUNKS),
    *of(anthropic_client, "anthropic, the program's mistake", messages_stream, MISTAKEN, "MistakeError", EVENTS),
    *of(openai_client, "openai", chat_stream, INTERRUPTED, "KeyboardInterrupt", CHUNKS),
    *of(anthropic_client, "anthropic", messages_stream, INTERRUPTED, "KeyboardInterrupt", EVENTS),
]
UNUSABLE = [
    *of(openai_client, "too long", parse, VALUE, "LengthFinishReasonError", wire.answer(wire.chat("{", "length"))),
    *of(
        openai_client,
        "filtered",
        parse,
        VALUE,
        "ContentFilterFinishReasonError",
        wire.answer(wire.chat("{", "content_filter")),
    ),
    *of(openai_client, "not the format", parse, VALUE, "ValidationError", wire.answer(wire.chat('{"other": 1}'))),
    *of(stern, "not the shape", chat, VALUE, "APIResponseValidationError", wire.answer({"id": 7})),
    *of(
        openai_client,
        "not JSON, though it says so",
        chat,
        VALUE,
        "JSONDecodeError",
        Answer(body=b"{", headers=CHATTED.headers),
    ),
    *of(openai_client, "no content type", chat, VALUE, None, Answer(body=b"hello")),
    *of(openai_client, "error without a body", chat, VALUE, "BadRequestError", Answer(400)),
    *of(
        openai_client,
        "error in plain text",
        chat,
        VALUE,
        "BadRequestError",
        Answer(400, b"No.", {"content-type": "text/plain"}),
    ),
    *of(openai_client, "bad argument", chat_of_nothing, VALUE, "TypeError", spans=0),
]


@parametrize(STATUSES + RETRIES + RAW_FORMS + CONNECTIONS + STREAMS + UNUSABLE)
def test_the_program_gets_the_same_error(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    check(loopback, scenario, asynchronous)


@pytest.mark.parametrize("make", [openai_client, anthropic_client])
@pytest.mark.parametrize("reading", [False, True], ids=["waiting", "reading"])
def test_a_cancelled_task(loopback: Loopback, make: Any, reading: bool) -> None:
    """Cancelled while it waits for the answer, or for the next chunk, which does not come."""
    call, chunks = (chat_stream, CHUNKS) if make is openai_client else (messages_stream, EVENTS)
    never = threading.Event()
    held = chunks.but(chunks=[chunks.chunks[0], never], cut=True) if reading else chunks.but(gate=never)  # type: ignore[index]
    got_one = asyncio.Event()

    async def consume(call: Call, see: See) -> None:
        async with await call() as stream:
            async for chunk in stream:
                see("chunk", chunk)
                got_one.set()

    async def cancel(call: Call, see: See) -> None:
        got_one.clear()
        task = asyncio.ensure_future(consume(call, see))
        await poll_async(lambda: got_one.is_set() if reading else loopback.requests, "what it waits for")
        task.cancel()
        await task

    try:
        form = Form("cancelled", VALUE.sync, cancel)
        check(loopback, Scenario("cancelled", make, call, form, [held], raises="CancelledError"), asynchronous=True)
    finally:
        never.set()


def test_the_library_still_knows_its_own_errors() -> None:
    """The names above are the libraries' public ones, so that `except` in a program means what it says here."""
    for library in (openai, anthropic):
        for name in {*BY_STATUS.values(), *RETRIED.values(), "APITimeoutError", "APIConnectionError"}:
            assert issubclass(getattr(library, name), library.APIError)
