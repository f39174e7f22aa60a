"""What the providers send, written by hand from the documented shapes, and the requests that go with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.support.loopback import Answer

# --- requests ---------------------------------------------------------------------------------------------------------
MODEL = "gpt-4.1-mini"
CLAUDE = "claude-sonnet-4-6"
SAID: Any = [{"role": "user", "content": "Where is my parcel?"}]
CHAT: Any = {"model": MODEL, "messages": SAID, "temperature": 0.2, "max_tokens": 100}
CHAT_STREAM: Any = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
ASK: Any = {"model": MODEL, "input": "Where is my parcel?"}
MESSAGE: Any = {"model": CLAUDE, "max_tokens": 100, "messages": SAID}

# --- answers ----------------------------------------------------------------------------------------------------------
CHAT_USAGE: Any = {
    "prompt_tokens": 11,
    "completion_tokens": 7,
    "total_tokens": 18,
    "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0},
}
RESPONSE_USAGE: Any = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 18,
}
MESSAGE_USAGE: Any = {
    "input_tokens": 5,
    "cache_read_input_tokens": 4,
    "cache_creation_input_tokens": 2,
    "output_tokens": 7,
}


def answer(value: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON answer; headers are given with underscores for hyphens."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    body = json.dumps(value).encode()
    return Answer(
        status, body, {"content-type": "application/json", "x-request-id": "req_1", "request-id": "req_1"} | named
    )


def error(status: int, kind: str | None = "server_error", message: str = "No.", **headers: str) -> Answer:
    """An HTTP error in the shape that OpenAI and Anthropic share."""
    value = {"type": "error", "error": {"type": kind, "message": message, "code": None, "param": None}}
    return answer(value, status, **headers)


def event(value: Any, named: bool = True) -> bytes:
    """One server-sent event; `named` puts the value's type on an `event:` line, as all but chat completions do."""
    data = value if isinstance(value, str) else json.dumps(value)
    name = f"event: {value['type']}\n" if named and isinstance(value, Mapping) and "type" in value else ""
    return f"{name}data: {data}\n\n".encode()


def events(values: Iterable[Any], named: bool = True) -> Answer:
    """A server-sent event stream, each event in a chunk of its own."""
    headers = {"content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_1", "request-id": "req_1"}
    return Answer(headers=headers, chunks=[event(value, named) for value in values])


def chat(
    content: str | None = "In the depot.", finish: str = "stop", usage: Any = CHAT_USAGE, **message: Any
) -> dict[str, Any]:
    """A chat completion."""
    choice = {
        "index": 0,
        "finish_reason": finish,
        "logprobs": None,
        "message": {"role": "assistant", "content": content, "refusal": None} | message,
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1790000000,
        "model": f"{MODEL}-2025-04-14",
        "choices": [choice],
        "usage": usage,
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    }


def chat_chunk(delta: Any, finish: str | None = None, usage: Any = None, **fields: Any) -> dict[str, Any]:
    """One chunk of a streamed chat completion."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": f"{MODEL}-2025-04-14",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}],
        "usage": usage,
    } | fields


CHAT_CHUNKS: list[Any] = [
    chat_chunk({"role": "assistant", "content": "", "refusal": None}),
    chat_chunk({"content": "In the "}),
    chat_chunk({"content": "depot."}),
    chat_chunk({}, "stop"),
    chat_chunk({}, usage=CHAT_USAGE, choices=[]),
    "[DONE]",
]
TOOL_CALL: Any = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "look_up", "arguments": '{"order": "4711"}'},
}


def look_up(order: str) -> str:
    """Where an order is."""
    return f"{order} is in the depot"


TOOL_CHUNKS: list[Any] = [
    chat_chunk({"role": "assistant", "content": None, "tool_calls": [{"index": 0, **TOOL_CALL}]}),
    chat_chunk({}, "tool_calls"),
    chat_chunk({}, usage=CHAT_USAGE, choices=[]),
    "[DONE]",
]


def response(status: str = "completed", text: str = "In the depot.", **fields: Any) -> dict[str, Any]:
    """An answer of the Responses API."""
    content = [{"type": "output_text", "text": text, "annotations": []}]
    output = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": content}]
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1790000000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": f"{MODEL}-2025-04-14",
        "output": output,
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": RESPONSE_USAGE,
    } | fields


def response_events(kind: str = "response.completed", last: Any = None) -> list[Any]:
    """Events of a streamed response; the last is of `kind` and carries the response `last`."""
    begun = response("in_progress", output=[], usage=None)
    part = {"type": "output_text", "text": "", "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "in_progress", "content": []}
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    told = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **where, "part": part},
        {"type": "response.output_text.delta", **where, "delta": "In the ", "logprobs": []},
        {"type": "response.output_text.delta", **where, "delta": "depot.", "logprobs": []},
        {"type": "response.output_text.done", **where, "text": "In the depot.", "logprobs": []},
        {"type": "response.content_part.done", **where, "part": part | {"text": "In the depot."}},
        {"type": "response.output_item.done", "output_index": 0, "item": response()["output"][0]},
        {"type": kind, "response": last or response()},
    ]
    return [{**each, "sequence_number": number} for number, each in enumerate(told)]


def message(
    text: str = "In the depot.", stop: str = "end_turn", usage: Any = MESSAGE_USAGE, **fields: Any
) -> dict[str, Any]:
    """An Anthropic message."""
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": f"{CLAUDE}-20260217",
        "content": [{"type": "text", "text": text}],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": usage,
    } | fields


MESSAGE_EVENTS: list[Any] = [
    {
        "type": "message_start",
        "message": message(content=[], stop_reason=None, usage=MESSAGE_USAGE | {"output_tokens": 1}),
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "In the "}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "depot."}},
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 7},
    },
    {"type": "message_stop"},
]
MESSAGE_TOOL: Any = message(
    content=[{"type": "tool_use", "id": "toolu_1", "name": "look_up", "input": {"order": "4711"}}],
    stop_reason="tool_use",
)
