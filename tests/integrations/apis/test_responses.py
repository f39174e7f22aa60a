"""OpenAI's Responses API, through the SDK's own objects."""

from __future__ import annotations

from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from tests.support.content import Content

ITEMS: list[dict[str, Any]] = [
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [{"type": "summary_text", "text": "Hm"}],
        "encrypted_content": "zzz",
    },
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [
            {"type": "output_text", "text": "Hi", "annotations": []},
            {"type": "refusal", "refusal": "No."},
        ],
    },
    {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "oslo"}},
    {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get", "arguments": '{"a": 1}'},
    {"type": "custom_tool_call", "id": "ct_1", "call_id": "call_2", "name": "run", "input": "ls"},
    {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "A" * 4_000},
]
PARTS = [
    {"type": "reasoning", "content": "Hm"},
    {"type": "text", "content": "Hi"},
    {"type": "generic", "generic_type": "refusal", "content": "No."},
    {
        "type": "server_tool_call",
        "id": "ws_1",
        "name": "web_search",
        "server_tool_call": {
            "type": "web_search_call",
            "status": "completed",
            "action": {"type": "search", "query": "oslo"},
        },
    },
    {"type": "tool_call", "id": "call_1", "name": "get", "arguments": {"a": 1}},
    {"type": "tool_call", "id": "call_2", "name": "run", "arguments": "ls"},
    {
        "type": "server_tool_call",
        "id": "ig_1",
        "name": "image_generation",
        "server_tool_call": {"type": "image_generation_call", "status": "completed"},
    },
    {"type": "blob", "modality": "image", "content": "", "byte_count": 3_000, "left_out": True},
]


def response(items: list[dict[str, Any]], status: str = "completed", **fields: Any) -> dict[str, Any]:
    base = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "parallel_tool_calls": True}
    return {**base, "tool_choice": "auto", "tools": [], "output": items, "status": status, **fields}


def events(*bodies: dict[str, Any]) -> list[Any]:
    adapter: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
    return [adapter.validate_python({"sequence_number": number, **body}) for number, body in enumerate(bodies)]


def test_an_answer_is_one_message() -> None:
    result = Response.model_validate(response(ITEMS))
    assert Content(output=result).output == [{"role": "assistant", "parts": PARTS, "finish_reason": "tool_call"}]


def test_what_ended_an_answer() -> None:
    cut = response(ITEMS[1:2], "incomplete", incomplete_details={"reason": "max_output_tokens"})
    assert Content(output=Response.model_validate(cut)).output[0]["finish_reason"] == "length"
    assert Content(output=Response.model_validate(response(ITEMS[1:2]))).output[0]["finish_reason"] == "stop"
    assert Content(output=Response.model_validate(response([], "failed"))).output[0]["finish_reason"] == "error"


def test_reasoning_without_visible_text_is_mentioned() -> None:
    hidden = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "zzz"}
    output = Content(output=response([hidden])).output
    assert output[0]["parts"] == [{"type": "generic", "generic_type": "reasoning", "id": "rs_1"}]


def test_the_request() -> None:
    data = "data:image/png;base64," + "A" * 4_000
    body = {
        "instructions": "Be brief.",
        "input": [
            {"role": "developer", "content": "Really."},
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What is it?"},
                    {"type": "input_image", "image_url": data, "detail": "low"},
                    {"type": "input_image", "file_id": "file-1", "detail": "low"},
                    {"type": "input_file", "file_url": "https://example.com/a.pdf"},
                ],
            },
            ITEMS[3],
            {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
            {"type": "item_reference", "id": "msg_0"},
        ],
        "tools": [
            {"type": "function", "name": "get", "parameters": {"type": "object"}, "strict": True},
            {"type": "web_search"},
            {"type": "mcp", "server_label": "docs", "server_url": "https://x", "authorization": "abc"},
        ],
    }
    content = Content(body)
    assert content.system == [{"type": "text", "content": "Be brief."}]
    assert content.input == [
        {"role": "developer", "parts": [{"type": "text", "content": "Really."}]},
        {
            "role": "user",
            "parts": [
                {"type": "text", "content": "What is it?"},
                {
                    "type": "blob",
                    "mime_type": "image/png",
                    "modality": "image",
                    "content": "",
                    "byte_count": 3_000,
                    "left_out": True,
                },
                {"type": "file", "modality": "image", "file_id": "file-1"},
                {"type": "uri", "modality": "document", "uri": "https://example.com/a.pdf"},
            ],
        },
        {"role": "assistant", "parts": [PARTS[4]]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "rain"}]},
        {"role": "assistant", "parts": [{"type": "generic", "generic_type": "item_reference", "id": "msg_0"}]},
    ]
    assert content.tools == [
        {"type": "function", "name": "get", "parameters": {"type": "object"}},
        {"type": "web_search", "name": "web_search"},
        {"type": "mcp", "name": "docs"},
    ]


def test_text_as_input() -> None:
    assert Content({"input": "Hi"}).input == [{"role": "user", "parts": [{"type": "text", "content": "Hi"}]}]


def test_a_stored_prompt() -> None:
    content = Content({"prompt": {"id": "pmpt_1", "version": "2", "variables": {"city": "Oslo"}}})
    prompt = {
        "type": "generic",
        "generic_type": "prompt",
        "id": "pmpt_1",
        "version": "2",
        "variables": {"city": "Oslo"},
    }
    assert content.input == [{"role": "user", "parts": [prompt]}]


def test_a_stream_that_ended_reads_like_its_last_event() -> None:
    stream = events(
        {"type": "response.created", "response": response([], "in_progress")},
        {"type": "response.completed", "response": response(ITEMS)},
    )
    assert Content(output=stream).output == [{"role": "assistant", "parts": PARTS, "finish_reason": "tool_call"}]


def test_a_stream_that_broke_off_shows_what_arrived() -> None:
    text = {"type": "response.output_text.delta", "item_id": "msg_1", "content_index": 0, "logprobs": []}
    call = {**ITEMS[3], "arguments": ""}
    arguments = {"type": "response.function_call_arguments.delta", "item_id": "fc_1", "output_index": 2}
    thought = {"type": "response.reasoning_summary_text.delta", "item_id": "rs_1", "output_index": 1}
    stream = events(
        {"type": "response.created", "response": response([], "in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": {**ITEMS[1], "content": []}},
        {**text, "output_index": 0, "delta": "Hel"},
        {**text, "output_index": 0, "delta": "lo"},
        {**thought, "summary_index": 0, "delta": "H"},
        {**thought, "summary_index": 0, "delta": "m"},
        {"type": "response.output_item.added", "output_index": 2, "item": call},
        {**arguments, "delta": '{"a":'},
        {**arguments, "delta": "1}"},
        {"type": "response.output_item.added", "output_index": 3, "item": {**ITEMS[2], "status": "in_progress"}},
        {"type": "response.output_item.done", "output_index": 3, "item": ITEMS[2]},
    )
    message = Content(output=stream, outcome="error").output[0]
    assert message["finish_reason"] == "error"
    assert message["parts"] == [
        {"type": "text", "content": "Hello"},
        {"type": "reasoning", "content": "Hm"},
        {"type": "tool_call", "id": "call_1", "name": "get", "arguments": {"a": 1}},
        PARTS[3],
    ]
