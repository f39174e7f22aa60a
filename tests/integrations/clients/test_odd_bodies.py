"""Whatever a server answers, the program gets what it would get without agentobs, and agentobs makes the best of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest

from agentobs import testing
from tests.support.clients import wire
from tests.support.clients.forms import HELPERS, RAW, RAW_STREAM, READINGS, VALUE, WHOLE, Form
from tests.support.clients.makers import anthropic_client, openai_client
from tests.support.clients.observation import observe
from tests.support.clients.scenarios import Scenario, parametrize, same
from tests.support.loopback import Answer, Loopback

HUGE = 10**400
DEEP = b"[" * 100_000 + b"]" * 100_000
SURROGATE = "gpt-\ud800"
JSON_TYPE = {"content-type": "application/json"}


def check(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    """Run the scenario with and without agentobs: no difference, one span, no error of agentobs.

    Content is captured with asynchronous clients and not with synchronous ones; reading it is the same code for both.
    """
    loopback.play(*scenario.answers)
    without = observe(loopback, scenario.run(loopback.url, asynchronous))
    loopback.play(*scenario.answers)
    with testing.capture(content="full" if asynchronous else "none") as seen:
        observed = observe(loopback, scenario.run(loopback.url, asynchronous))
    same(without, observed)
    assert seen.value("agentobs.internal.errors") == 0
    assert len(seen.spans) == 1
    assert seen.value("agentobs.calls.active") == 0
    for value in _attributes(seen):
        _exportable(value)


def _attributes(seen: testing.Captured) -> Iterator[Any]:
    for entry in (*seen.spans, *seen.events, *seen.points):
        yield from entry.attributes.values()
    yield from (point.value for point in seen.points if point.value is not None)


def _exportable(value: Any) -> None:
    """One value that OTLP and Prometheus cannot carry costs every span, or every series, that goes along with it."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, int):
        assert -(2**63) <= value < 2**63
    elif isinstance(value, (list, tuple)):
        for entry in value:
            _exportable(entry)
    elif isinstance(value, Mapping):
        for entry in value.values():
            _exportable(entry)


def _rows(make: Any, call: Callable[[Any], Any], forms: Iterable[Form], bodies: Mapping[str, Answer]) -> list[Scenario]:
    return [
        Scenario(f"{name}, {form.name}", make, call, form, (answer,))
        for form in forms
        for name, answer in bodies.items()
    ]


# --- bodies that no API documents -------------------------------------------------------------------------------------
NO_JSON = {
    "empty": Answer(headers=JSON_TYPE),
    "no type": Answer(body=b'{"id": 1}'),
    "plain text": Answer(body=b"upstream is fine", headers={"content-type": "text/plain"}),
    "text that claims to be JSON": Answer(body=b"upstream is fine", headers=JSON_TYPE),
    "cut JSON": Answer(body=b'{"choices": [', headers=JSON_TYPE),
    "bad UTF-8": Answer(body=b'{"id": "\xff\xfe"}', headers=JSON_TYPE),
    "null": Answer(body=b"null", headers=JSON_TYPE),
    "a list": Answer(body=b'[{"choices": 1}]', headers=JSON_TYPE),
    "a number": Answer(body=b"7", headers=JSON_TYPE),
    "too deep": Answer(body=DEEP, headers=JSON_TYPE),
    "too deep an object": Answer(body=b'{"usage": ' + DEEP + b"}", headers=JSON_TYPE),
    "no content": Answer(204),
}
ERRORS = {
    "text": Answer(400, b"no"),
    "empty": Answer(404),
    "null": wire.answer(None, 400),
    "a list": wire.answer([1], 400),
    "error is a text": wire.answer({"error": "no"}, 400),
    "error is null": wire.answer({"error": None}, 400),
    "odd fields": wire.answer({"error": {"type": {"a": 1}, "code": [2], "message": {"b": 3}, "param": 4}}, 400),
    "surrogates": wire.answer({"error": {"type": "t", "message": "\ud800", "code": "\ud800"}}, 400),
    "too deep": Answer(400, DEEP, JSON_TYPE),
    "unknown status": Answer(477, b"{}", JSON_TYPE),
}

# --- chat completions -------------------------------------------------------------------------------------------------
WHOLE_CHAT = wire.chat()


def _choice(**fields: Any) -> dict[str, Any]:
    return WHOLE_CHAT | {"choices": [WHOLE_CHAT["choices"][0] | fields]}


def _message(**fields: Any) -> dict[str, Any]:
    return _choice(message=WHOLE_CHAT["choices"][0]["message"] | fields)


CHATS = {
    name: wire.answer(body)
    for name, body in {
        "choices null": WHOLE_CHAT | {"choices": None},
        "choices of null": WHOLE_CHAT | {"choices": [None]},
        "choices an object": WHOLE_CHAT | {"choices": {"0": 1}},
        "choices texts": WHOLE_CHAT | {"choices": ["a", 1, []]},
        "choices missing": {"id": "x", "model": "m"},
        "message null": _choice(message=None),
        "message a text": _choice(message="hi"),
        "finish reason odd": _choice(finish_reason={"why": 1}),
        "finish reason surrogate": _choice(finish_reason="\ud800"),
        "function null": _message(tool_calls=[{"id": "call_1", "type": "function", "function": None}]),
        "tool calls of null": _message(tool_calls=[None, {"function": {"name": 1, "arguments": {"a": 1}}}]),
        "content a list": _message(content=[None, 1, {"type": "text", "text": None}]),
        "usage a text": WHOLE_CHAT | {"usage": "n/a"},
        "usage a list": WHOLE_CHAT | {"usage": [1, 2]},
        "usage fractions": WHOLE_CHAT
        | {"usage": {"prompt_tokens": 1.5, "completion_tokens": 2.0, "total_tokens": 3.5}},
        "usage huge": WHOLE_CHAT | {"usage": {"prompt_tokens": HUGE, "completion_tokens": 2**64, "total_tokens": HUGE}},
        "usage not finite": WHOLE_CHAT | {"usage": {"prompt_tokens": float("nan"), "completion_tokens": float("inf")}},
        "usage details odd": WHOLE_CHAT
        | {
            "usage": {
                "prompt_tokens": 1,
                "completion_tokens": 2,
                "prompt_tokens_details": [1],
                "completion_tokens_details": 7,
            }
        },
        "usage contradicts itself": WHOLE_CHAT
        | {
            "usage": {
                "prompt_tokens": 1,
                "completion_tokens": 2,
                "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 9},
            }
        },
        "names odd": WHOLE_CHAT | {"id": 1, "model": [2], "system_fingerprint": {"a": 1}, "service_tier": 4},
        "names surrogates": WHOLE_CHAT | {"id": SURROGATE, "model": SURROGATE, "system_fingerprint": SURROGATE},
        "names empty": WHOLE_CHAT | {"id": "", "model": "", "service_tier": ""},
        "model very long": WHOLE_CHAT | {"model": "m" * 100_000},
        "error beside status 200": {"error": {"message": "no", "code": 429}},
    }.items()
}
CHUNK = wire.chat_chunk({"content": "In "})


def _stream(*chunks: Any) -> Answer:
    return wire.events([wire.CHAT_CHUNKS[0], *chunks, *wire.CHAT_CHUNKS[3:]], named=False)


def _calls(*calls: Any) -> dict[str, Any]:
    return wire.chat_chunk({"tool_calls": list(calls)})


CHAT_STREAMS = {
    "choices null": _stream(CHUNK | {"choices": None}),
    "choices of null": _stream(CHUNK | {"choices": [None]}),
    "delta null": _stream(wire.chat_chunk(None)),
    "finish reason odd": _stream(wire.chat_chunk({}, [1])),  # type: ignore[arg-type]
    "index odd": _stream(CHUNK | {"choices": [{"index": "a", "delta": {}, "finish_reason": "stop"}]}),
    "tool index null": _stream(_calls({"index": None, **wire.TOOL_CALL})),
    "tool index a text": _stream(_calls({"index": "a", **wire.TOOL_CALL})),
    "function null": _stream(_calls({"index": 0, "id": "call_1", "type": "function", "function": None})),
    "usage a text": _stream(CHUNK | {"usage": "n/a"}),
    "usage huge": _stream(CHUNK | {"usage": {"prompt_tokens": HUGE, "completion_tokens": 2**64}}),
    "names surrogates": _stream(CHUNK | {"id": SURROGATE, "model": SURROGATE}),
    "data null": _stream(None),
    "data a list": _stream([1]),
    "data a text": _stream('"hello"'),
    "data no JSON": _stream("{not"),
    "data too deep": _stream(DEEP.decode()),
    "error in between": _stream({"error": {"message": "no", "type": {"a": 1}, "code": [1]}}),
    "error a text": _stream({"error": "no"}),
    "comments and retries": Answer(
        headers={"content-type": "text/event-stream"},
        chunks=[b": ping\n\n", b"retry: 3\n\n", b"id: 1\n\n", wire.event(CHUNK), b"data\n\n", b"data: [DONE]"],
    ),
    "nothing": wire.events([]),
    "done at once": wire.events(["[DONE]"]),
    "JSON instead": wire.answer(WHOLE_CHAT),
    "text instead": Answer(body=b"upstream is fine", headers={"content-type": "text/plain"}),
    "empty": Answer(headers=JSON_TYPE),
}


@parametrize(
    [
        *_rows(openai_client, lambda c: c.chat.completions.create(**wire.CHAT), [VALUE], NO_JSON | CHATS),
        *_rows(
            openai_client,
            lambda c: c.chat.completions.with_raw_response.create(**wire.CHAT),
            [RAW],
            CHATS,
        ),
        *_rows(
            openai_client,
            lambda c: c.chat.completions.with_streaming_response.create(**wire.CHAT),
            READINGS[1:3],
            NO_JSON,
        ),
        *_rows(
            openai_client,
            lambda c: c.chat.completions.parse(**wire.CHAT, response_format={"type": "json_object"}),
            [VALUE._replace(name="parse")],
            CHATS,
        ),
    ]
)
def test_chat(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    check(loopback, scenario, asynchronous)


@parametrize(
    [
        *_rows(openai_client, lambda c: c.chat.completions.create(**wire.CHAT_STREAM), [WHOLE], CHAT_STREAMS),
        *_rows(openai_client, lambda c: c.chat.completions.stream(**wire.CHAT), HELPERS[:1], CHAT_STREAMS),
        *_rows(
            openai_client,
            lambda c: c.chat.completions.with_raw_response.create(**wire.CHAT_STREAM),
            [RAW_STREAM],
            CHAT_STREAMS,
        ),
    ]
)
def test_chat_stream(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    check(loopback, scenario, asynchronous)


def _create(client: Any) -> Any:
    quick = client.with_options(max_retries=0)
    return (quick.chat.completions if hasattr(quick, "chat") else quick.messages).create(
        **(wire.CHAT if hasattr(quick, "chat") else wire.MESSAGE)
    )


@parametrize([*_rows(openai_client, _create, [VALUE], ERRORS), *_rows(anthropic_client, _create, [VALUE], ERRORS)])
def test_error(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    check(loopback, scenario, asynchronous)


# --- responses --------------------------------------------------------------------------------------------------------
RESPONDED = wire.response()
RESPONSES = {
    name: wire.answer(RESPONDED | fields)
    for name, fields in {
        "output null": {"output": None},
        "output of null": {"output": [None, 1, {"type": "message", "content": None}]},
        "call without a name": {"output": [{"type": "function_call", "name": None, "arguments": None}]},
        "status odd": {"status": ["completed"]},
        "incomplete for odd reasons": {"status": "incomplete", "incomplete_details": {"reason": [1]}},
        "failed without an error": {"status": "failed", "error": None},
        "failed with a text": {"status": "failed", "error": "no"},
        "usage a text": {"usage": "n/a"},
        "usage details null": {"usage": {"input_tokens": 1, "output_tokens": None, "input_tokens_details": None}},
        "names odd": {"id": None, "model": 7, "service_tier": [1]},
    }.items()
}
RESPONSE_STREAMS = {
    "response null": wire.events([*wire.response_events()[:-1], {"type": "response.completed", "response": None}]),
    "response a text": wire.events([{"type": "response.completed", "response": "n/a"}]),
    "failed without an error": wire.events(wire.response_events("response.failed", wire.response("failed"))),
    "error without fields": wire.events([{"type": "error"}]),
    "unknown events": wire.events([{"type": "response.dreamt"}, {"type": 7}, *wire.response_events()]),
    "no type": wire.events([{"a": 1}]),
    "data a list": wire.events([[1]]),
    "nothing": wire.events([]),
}


@parametrize(
    [
        *_rows(openai_client, lambda c: c.responses.create(**wire.ASK), [VALUE], NO_JSON | RESPONSES),
        *_rows(openai_client, lambda c: c.responses.with_raw_response.create(**wire.ASK), [RAW], RESPONSES),
        *_rows(openai_client, lambda c: c.responses.create(**wire.ASK, stream=True), [WHOLE], RESPONSE_STREAMS),
        *_rows(openai_client, lambda c: c.responses.stream(**wire.ASK), HELPERS[:1], RESPONSE_STREAMS),
    ]
)
def test_responses(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    check(loopback, scenario, asynchronous)


# --- messages ---------------------------------------------------------------------------------------------------------
MESSAGES = {
    name: wire.answer(wire.message(**fields))
    for name, fields in {
        "content null": {"content": None},
        "content of null": {"content": [None, 1, "a", {"type": "text", "text": None}]},
        "tool without a name": {"content": [{"type": "tool_use", "name": None, "input": None}]},
        "stop reason odd": {"stop_reason": ["end_turn"]},
        "usage a text": {"usage": "n/a"},
        "usage huge": {"usage": {"input_tokens": HUGE, "output_tokens": 2**64, "cache_read_input_tokens": -1}},
        "usage fractions": {"usage": {"input_tokens": 1.5, "output_tokens": 2.5, "cache_creation": [1]}},
        "names odd": {"id": 1, "model": {"a": 1}, "role": None},
        "names surrogates": {"id": SURROGATE, "model": SURROGATE},
    }.items()
}
START, BLOCK, _, DELTA, *_REST = wire.MESSAGE_EVENTS


def _events(*between: Any) -> Answer:
    return wire.events([START, BLOCK, *between, *wire.MESSAGE_EVENTS[3:]])


MESSAGE_STREAMS = {
    "message null": wire.events([{"type": "message_start", "message": None}, *wire.MESSAGE_EVENTS[1:]]),
    "usage a text": wire.events(
        [{"type": "message_start", "message": wire.message(usage="n/a")}, *wire.MESSAGE_EVENTS[1:]]
    ),
    "delta null": _events({"type": "content_block_delta", "index": 0, "delta": None}),
    "index null": _events({"type": "content_block_delta", "index": None, "delta": {"type": "text_delta", "text": "a"}}),
    "block null": _events({"type": "content_block_start", "index": 1, "content_block": None}),
    "last delta null": _events({"type": "message_delta", "delta": None, "usage": None}),
    "last delta odd": _events({"type": "message_delta", "delta": {"stop_reason": 7}, "usage": [1]}),
    "unknown event": _events({"type": "message_dream"}),
    "error without fields": _events({"type": "error"}),
    "error a text": _events({"type": "error", "error": "no"}),
    "no start": wire.events(wire.MESSAGE_EVENTS[1:]),
    "data no JSON": _events("{not"),
    "nothing": wire.events([]),
    "JSON instead": wire.answer(wire.message()),
}


@parametrize(
    [
        *_rows(anthropic_client, lambda c: c.messages.create(**wire.MESSAGE), [VALUE], NO_JSON | MESSAGES),
        *_rows(anthropic_client, lambda c: c.messages.with_raw_response.create(**wire.MESSAGE), [RAW], MESSAGES),
        *_rows(anthropic_client, lambda c: c.messages.create(**wire.MESSAGE, stream=True), [WHOLE], MESSAGE_STREAMS),
        *_rows(anthropic_client, lambda c: c.messages.stream(**wire.MESSAGE), HELPERS[:1], MESSAGE_STREAMS),
    ]
)
def test_messages(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    check(loopback, scenario, asynchronous)


# --- embeddings, and odd requests -------------------------------------------------------------------------------------
EMBEDDINGS = {
    "data null": wire.answer({"data": None, "model": None, "usage": None}),
    "data of null": wire.answer({"data": [None], "usage": {"prompt_tokens": "2"}}),
    "vector odd": wire.answer({"data": [{"embedding": {"a": 1}}], "model": 1, "usage": []}),
}


@parametrize(_rows(openai_client, lambda c: c.embeddings.create(model="e", input="hello"), [VALUE], EMBEDDINGS))
def test_embeddings(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    check(loopback, scenario, asynchronous)


ODD_REQUESTS: dict[str, dict[str, Any]] = {
    "huge numbers": {"seed": HUGE, "max_tokens": HUGE, "temperature": HUGE, "n": HUGE, "top_p": -HUGE},
    "wrong types": {"seed": "a", "max_tokens": [1], "temperature": {}, "n": None, "stop": [1, None], "stream": 0},
    "odd names": {"model": 7, "service_tier": [1], "reasoning_effort": {"a": 1}, "response_format": "json"},
    "surrogates": {"model": SURROGATE, "stop": ["\ud800"], "reasoning_effort": "\ud800"},
    "messages of null": {"messages": [None, 1, {"role": None, "content": [None, {"type": 1}]}]},
}


@pytest.mark.parametrize("fields", ODD_REQUESTS.values(), ids=ODD_REQUESTS)
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_odd_request(loopback: Loopback, fields: dict[str, Any], asynchronous: bool) -> None:
    def call(client: Any) -> Any:
        return client.chat.completions.create(**wire.CHAT | fields)

    check(loopback, Scenario("", openai_client, call, VALUE, (wire.answer(WHOLE_CHAT),)), asynchronous)
