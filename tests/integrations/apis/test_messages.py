"""Anthropic's Messages API, through the SDK's own objects."""

from __future__ import annotations

from typing import Any

from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from tests.support.content import Content

USAGE = {"input_tokens": 1, "output_tokens": 1}


def message(content: list[dict[str, Any]], stop_reason: str | None = "end_turn") -> dict[str, Any]:
    base = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None, "usage": USAGE}
    return {**base, "content": content, "stop_reason": stop_reason}


def events(*bodies: dict[str, Any]) -> list[Any]:
    adapter: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
    return [adapter.validate_python(body) for body in bodies]


def started(index: int, block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, **fields: str) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": fields}


def test_an_answer_is_one_message() -> None:
    result = Message.model_validate(
        message(
            [
                {"type": "thinking", "thinking": "Hm", "signature": "zzz"},
                {"type": "redacted_thinking", "data": "zzz"},
                {"type": "text", "text": "Hi", "citations": None},
                {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {"a": 1}},
                {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "oslo"}},
                {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []},
            ],
            "tool_use",
        )
    )
    assert Content(output=result).output == [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Hm"},
                {"type": "generic", "generic_type": "reasoning"},
                {"type": "text", "content": "Hi"},
                {"type": "tool_call", "id": "toolu_1", "name": "get", "arguments": {"a": 1}},
                {
                    "type": "server_tool_call",
                    "id": "srv_1",
                    "name": "web_search",
                    "server_tool_call": {"type": "server_tool_use", "arguments": {"query": "oslo"}},
                },
                {
                    "type": "server_tool_call_response",
                    "id": "srv_1",
                    "server_tool_call_response": {"type": "web_search_tool_result", "content": []},
                },
            ],
            "finish_reason": "tool_call",
        }
    ]


def test_the_request() -> None:
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "A" * 4_000}}
    gone = {"mime_type": "image/png", "modality": "image", "content": "", "byte_count": 3_000, "left_out": True}
    body = {
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "get", "input": {}}]},
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "content": [{"type": "text", "text": "rain"}, picture],
                        "is_error": True,
                    },
                    {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
                    {"type": "document", "source": {"type": "file", "file_id": "file_1"}},
                    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
                    {"type": "search_result", "source": "s", "title": "t", "content": []},
                ],
            },
        ],
        "tools": [
            {"name": "get", "description": "Gets.", "input_schema": {"type": "object"}},
            {"type": "custom", "name": "set", "input_schema": {"type": "object"}},
            {"type": "web_search_20250305", "name": "web_search", "max_uses": 2},
        ],
    }
    content = Content(body)
    assert content.system == [{"type": "text", "content": "Be brief."}]
    assert content.input == [
        {"role": "user", "parts": [{"type": "text", "content": "Hi"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "toolu_1", "name": "get", "arguments": {}}]},
        {
            "role": "user",
            "parts": [
                {
                    "type": "tool_call_response",
                    "id": "toolu_1",
                    "response": [{"type": "text", "content": "rain"}, {"type": "blob", **gone}],
                    "is_error": True,
                },
                {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"},
                {"type": "file", "modality": "document", "file_id": "file_1"},
                {"type": "text", "content": "words"},
                {"type": "generic", "generic_type": "search_result", "source": "s", "title": "t", "content": []},
            ],
        },
    ]
    assert content.tools == [
        {"type": "function", "name": "get", "description": "Gets.", "parameters": {"type": "object"}},
        {"type": "function", "name": "set", "parameters": {"type": "object"}},
        {"type": "web_search_20250305", "name": "web_search"},
    ]


def test_system_as_text() -> None:
    assert Content({"system": "Be brief.", "messages": []}).system == [{"type": "text", "content": "Be brief."}]


STREAM = (
    {"type": "message_start", "message": message([], None)},
    started(0, {"type": "thinking", "thinking": "", "signature": ""}),
    delta(0, type="thinking_delta", thinking="H"),
    delta(0, type="thinking_delta", thinking="m"),
    delta(0, type="signature_delta", signature="zzz"),
    {"type": "content_block_stop", "index": 0},
    started(1, {"type": "text", "text": ""}),
    delta(1, type="text_delta", text="Hel"),
    delta(1, type="text_delta", text="lo"),
    started(2, {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {}}),
    delta(2, type="input_json_delta", partial_json=""),
    delta(2, type="input_json_delta", partial_json='{"city": '),
)
ENDING = (
    delta(2, type="input_json_delta", partial_json='"Oslo"}'),
    started(3, {"type": "tool_use", "id": "toolu_2", "name": "list", "input": {}}),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": USAGE},
    {"type": "message_stop"},
)
HEAD = [{"type": "reasoning", "content": "Hm"}, {"type": "text", "content": "Hello"}]


def test_a_stream_reads_like_the_plain_answer() -> None:
    expected = [
        {
            "role": "assistant",
            "parts": [
                *HEAD,
                {"type": "tool_call", "id": "toolu_1", "name": "get", "arguments": {"city": "Oslo"}},
                {"type": "tool_call", "id": "toolu_2", "name": "list", "arguments": {}},
            ],
            "finish_reason": "tool_call",
        }
    ]
    assert Content(output=events(*STREAM, *ENDING)).output == expected
    assert Content(output=[*STREAM, *ENDING]).output == expected


def test_a_stream_that_broke_off_shows_what_arrived() -> None:
    cut = {"type": "tool_call", "id": "toolu_1", "name": "get", "arguments": '{"city": '}
    output = Content(output=events(*STREAM), outcome="error").output
    assert output == [{"role": "assistant", "parts": [*HEAD, cut], "finish_reason": "error"}]


def test_a_stream_without_content_is_an_empty_message() -> None:
    output = Content(output=events(STREAM[0]), outcome="abandoned").output
    assert output == [{"role": "assistant", "parts": [], "finish_reason": "unknown"}]
