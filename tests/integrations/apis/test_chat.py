"""OpenAI chat and legacy completions, through the SDK's own objects."""

from __future__ import annotations

from typing import Any

import pytest
from openai.types import Completion
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from tests.support.content import Content


def completion(*choices: dict[str, Any]) -> ChatCompletion:
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m"}
    numbered = [{"index": index, "logprobs": None, **choice} for index, choice in enumerate(choices)]
    return ChatCompletion.model_validate({**body, "choices": numbered})


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0) -> ChatCompletionChunk:
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    choices = [{"index": index, "delta": delta, "finish_reason": finish}]
    return ChatCompletionChunk.model_validate({**body, "choices": choices})


def call_delta(index: int, **function: str) -> dict[str, Any]:
    call: dict[str, Any] = {"index": index, "function": function}
    return {"tool_calls": [{**call, "id": f"call_{index}", "type": "function"} if "name" in function else call]}


def test_a_conversation_with_tools() -> None:
    body = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Weather?", "name": "jane"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "call_1", "type": "function", "function": {"name": "get", "arguments": '{"city": "Oslo"}'}},
                    {"id": "call_2", "type": "custom", "custom": {"name": "run", "input": "ls"}},
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
        ],
    }
    assert Content(body).input == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": "Weather?"}], "name": "jane"},
        {
            "role": "assistant",
            "parts": [
                {"type": "tool_call", "id": "call_1", "name": "get", "arguments": {"city": "Oslo"}},
                {"type": "tool_call", "id": "call_2", "name": "run", "arguments": "ls"},
            ],
        },
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "call_1", "response": "rain"}]},
    ]


def test_pictures_sounds_and_files_are_never_inline() -> None:
    data = "A" * 4_000
    blocks = [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{data}", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]
    content = Content({"messages": [{"role": "user", "content": blocks}]})
    gone = {"content": "", "byte_count": 3_000, "left_out": True}
    assert content.input[0]["parts"] == [
        {"type": "blob", "mime_type": "image/png", "modality": "image", **gone},
        {"type": "uri", "modality": "image", "uri": "https://example.com/a.png"},
        {"type": "blob", "mime_type": "audio/wav", "modality": "audio", **gone},
        {"type": "blob", "mime_type": "application/pdf", "modality": "document", **gone, "name": "a.pdf"},
        {"type": "file", "modality": "document", "file_id": "file-1"},
    ]


def test_tools_have_their_details_in_full_capture_only() -> None:
    schema = {"type": "object", "properties": {}}
    function = {"name": "get", "description": "Gets.", "parameters": schema, "strict": True}
    body = {"tools": [{"type": "function", "function": function}, {"type": "custom", "custom": {"name": "run"}}]}
    assert Content(body, capture="full").tools == [
        {"type": "function", "name": "get", "description": "Gets.", "parameters": schema},
        {"type": "custom", "name": "run"},
    ]
    assert Content(body, capture="redacted").tools == [
        {"type": "function", "name": "get"},
        {"type": "custom", "name": "run"},
    ]


def test_each_choice_is_a_message() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get", "arguments": "{broken"}}
    result = completion(
        {"finish_reason": "length", "message": {"role": "assistant", "content": "Hi", "reasoning_content": "Hm"}},
        {"finish_reason": "tool_calls", "message": {"role": "assistant", "content": None, "tool_calls": [call]}},
        {"finish_reason": "stop", "message": {"role": "assistant", "content": None, "refusal": "No."}},
    )
    assert Content(output=result).output == [
        {
            "role": "assistant",
            "parts": [{"type": "reasoning", "content": "Hm"}, {"type": "text", "content": "Hi"}],
            "finish_reason": "length",
        },
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "call_1", "name": "get", "arguments": "{broken"}],
            "finish_reason": "tool_call",
        },
        {
            "role": "assistant",
            "parts": [{"type": "generic", "generic_type": "refusal", "content": "No."}],
            "finish_reason": "stop",
        },
    ]


def test_a_stream_reads_like_the_plain_answer() -> None:
    chunks = [
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "H"}),
        chunk({"reasoning_content": "m"}),
        chunk({"content": "Let me "}),
        chunk({"content": "look."}),
        chunk(call_delta(0, name="get", arguments="")),
        chunk(call_delta(0, arguments='{"city":')),
        chunk(call_delta(1, name="list", arguments="{}")),
        chunk(call_delta(0, arguments=' "Oslo"}')),
        chunk({}, finish="tool_calls"),
        ChatCompletionChunk.model_validate(
            {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
        ),
    ]
    expected = [
        {
            "role": "assistant",
            "parts": [
                {"type": "reasoning", "content": "Hm"},
                {"type": "text", "content": "Let me look."},
                {"type": "tool_call", "id": "call_0", "name": "get", "arguments": {"city": "Oslo"}},
                {"type": "tool_call", "id": "call_1", "name": "list", "arguments": {}},
            ],
            "finish_reason": "tool_call",
        }
    ]
    assert Content(output=chunks).output == expected
    assert Content(output=[one.model_dump(mode="json") for one in chunks]).output == expected


def test_choices_of_a_stream_stay_apart() -> None:
    chunks = [chunk({"content": "a"}), chunk({"content": "x"}, index=1), chunk({"content": "b"}, finish="stop")]
    output = Content(output=chunks, outcome="error").output
    assert [(m["parts"][0]["content"], m["finish_reason"]) for m in output] == [("ab", "stop"), ("x", "error")]


def test_an_abandoned_stream_has_an_unknown_finish_reason() -> None:
    assert Content(output=[chunk({"content": "a"})], outcome="abandoned").output[0]["finish_reason"] == "unknown"


def test_legacy_completions() -> None:
    base = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
    choices = [{"index": 0, "text": "b", "logprobs": None, "finish_reason": "stop"}]
    result = Completion.model_validate({**base, "choices": choices})
    content = Content({"prompt": ["a", "c"]}, result, operation="text_completion")
    assert [message["parts"] for message in content.input] == [
        [{"type": "text", "content": "a"}],
        [{"type": "text", "content": "c"}],
    ]
    assert content.output == [
        {"role": "assistant", "parts": [{"type": "text", "content": "b"}], "finish_reason": "stop"}
    ]
    assert Content(output=[result, result], operation="text_completion").output[0]["parts"][0]["content"] == "bb"


def test_a_prompt_in_tokens_is_counted() -> None:
    content = Content({"prompt": [1, 2, 3]}, operation="text_completion")
    assert content.input == [{"role": "user", "parts": [{"type": "generic", "generic_type": "tokens", "count": 3}]}]


def kinds(messages: Any) -> list[list[str]]:
    """The types of the parts of each message."""
    return [[part["type"] for part in message["parts"]] for message in messages or []]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"choices": None}, []),
        ({"choices": [None]}, [[]]),
        ({"choices": [{"message": None}]}, [[]]),
        (
            {"choices": [{"message": {"content": None, "tool_calls": [{"function": None}, None]}}]},
            [["tool_call", "tool_call"]],
        ),
        (
            {"choices": [{"message": {"content": [None, 1, {"type": "new", "type2": 1}, {"text": 5}]}}]},
            [["generic", "generic", "generic", "generic"]],
        ),
        ({"choices": "x"}, []),
        ([{"choices": [{"delta": None}]}], [[]]),
        (
            [{"choices": [{"delta": {"tool_calls": [None, {"function": None}], "content": 5}}]}, None, "x"],
            [["tool_call", "tool_call"]],
        ),
        (["x", 1, None], []),
        ({}, []),
        ("text", []),
    ],
)
def test_odd_answers_are_taken_as_far_as_they_go(output: Any, expected: list[list[str]]) -> None:
    assert kinds(Content(output=output).output) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"messages": None, "tools": None}, []),
        ({"messages": [None, 1, "x", {}, {"role": 5, "content": 7}]}, [[], [], [], [], ["generic"]]),
        (
            {"messages": [{"role": "tool", "content": [{"type": "text"}, {"type": "image_url", "image_url": None}]}]},
            [["tool_call_response"]],
        ),
        ({"messages": [{"role": "user", "content": {"type": "file", "file": None}}]}, [["blob"]]),
        (
            {"messages": [{"role": "user", "content": [{"type": t} for t in ("input_audio", "x_call", "message")]}]},
            [["blob", "server_tool_call"]],
        ),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, [["blob"]]),
        ({"messages": [{"role": "user", "content": b"bytes"}], "system": 5}, [["generic"]]),
        ([], []),
        ("text", []),
    ],
)
def test_odd_requests_are_taken_as_far_as_they_go(body: Any, expected: list[list[str]]) -> None:
    assert kinds(Content(body).input) == expected


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"tools": [None, {}, {"type": "function"}]}, ["unknown", "unknown", "function"]),
        ({"functions": [None]}, ["function"]),
        ({"tools": None}, []),
    ],
)
def test_odd_tools_are_taken_as_far_as_they_go(body: Any, names: list[str]) -> None:
    assert [tool["name"] for tool in Content(body).tools or []] == names
