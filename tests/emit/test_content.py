"""What is captured at all, redaction, and sizes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from agentobs.catalogue import genai
from agentobs.emit.content import tool_content
from tests.support.content import Content

CHAT = {
    "messages": [{"role": "user", "content": "I am jane@example.com, password=hunter2"}],
    "system": "key sk-proj-abcDEF123456789abcDEF",
}
ANSWER = {"choices": [{"message": {"role": "assistant", "content": "Hi jane@example.com"}, "finish_reason": "stop"}]}


def test_nothing_is_captured_unless_asked() -> None:
    assert Content(CHAT, ANSWER, capture="none").attributes == {}


def test_full_capture_changes_nothing() -> None:
    assert Content(CHAT, ANSWER).input[0]["parts"][0]["content"] == CHAT["messages"][0]["content"]


@pytest.mark.parametrize("capture", ["redacted", "no-such-policy"])
def test_anything_but_full_redacts(capture: str) -> None:
    content = Content(CHAT, ANSWER, capture=capture)
    assert content.input[0]["parts"][0]["content"] == "I am [EMAIL], password=[SECRET]"
    assert content.system[0]["content"] == "key [SECRET]"
    assert content.output[0]["parts"][0]["content"] == "Hi [EMAIL]"


def test_the_arguments_of_tools_are_redacted_by_name() -> None:
    function = {"name": "login", "arguments": '{"user": "jane@example.com", "password": "a b", "max_tokens": 5}'}
    message = {"role": "assistant", "tool_calls": [{"id": "call_1", "function": function}]}
    part = Content({"messages": [message]}, capture="redacted").input[0]["parts"][0]
    assert part["arguments"] == {"user": "[EMAIL]", "password": "[SECRET]", "max_tokens": 5}


def test_embeddings_have_no_content() -> None:
    assert Content({"input": ["a"]}, {"data": []}, operation="embeddings").attributes == {}


def test_one_shot_iterators_stay_unread() -> None:
    def messages() -> Iterator[dict[str, Any]]:
        yield {"role": "user", "content": "Hi"}

    once = messages()
    assert Content({"messages": once, "system": "Be brief."}).attributes.keys() == {genai.SYSTEM_INSTRUCTIONS.name}
    assert Content({"input": once}).attributes == {}
    assert len(list(once)) == 1


def test_nothing_is_said_of_what_is_not_there() -> None:
    assert Content().attributes == {}
    assert Content({"messages": [], "tools": []}, []).attributes == {}


@pytest.mark.parametrize("limit_bytes", [256, 300, 512, 1_000, 4_096, 16_384])
@pytest.mark.parametrize("capture", ["full", "redacted"])
def test_long_conversations_keep_their_shape_within_the_limit(limit_bytes: int, capture: str) -> None:
    messages = [{"role": "user", "content": f"{number} 漢字 " + "word " * 400} for number in range(300)]
    tools = [{"type": "function", "function": {"name": f"tool_{number}"}} for number in range(300)]
    output = {"choices": [{"message": {"content": "long " * 9_000}, "finish_reason": "stop"}]}
    content = Content({"messages": messages, "tools": tools}, output, capture=capture, limit_bytes=limit_bytes)
    omitted, *kept = content.input
    assert omitted["role"] == "omitted"
    assert omitted["parts"][0]["count"] == 300 - len(kept)
    assert content.tools[-1]["name"] == "tool_299"
    assert content.output[0]["parts"][0]["content"].startswith("long long")


def test_a_message_of_many_parts_keeps_its_shape() -> None:
    blocks = [{"type": "text", "text": f"{number} " + "x" * 500} for number in range(200)]
    (message,) = Content({"messages": [{"role": "user", "content": blocks}]}, limit_bytes=2_000).input
    first, *rest = message["parts"]
    assert first == {"type": "generic", "generic_type": "omitted", "count": 200 - len(rest)}
    assert rest[-1]["content"].startswith("199 xxx")


@pytest.mark.parametrize("limit_bytes", [0, 3, 255])
def test_a_limit_too_small_for_a_message_captures_nothing(limit_bytes: int) -> None:
    assert Content(CHAT, ANSWER, limit_bytes=limit_bytes).attributes == {}


def test_arguments_and_result_of_a_tool() -> None:
    found = tool_content('{"to": "jane@example.com"}', {"api_key": "abc", "rows": [1, None]}, "redacted", 1_000)
    assert {name: json.loads(text) for name, text in found.items()} == {
        genai.TOOL_ARGUMENTS.name: {"to": "[EMAIL]"},
        genai.TOOL_RESULT.name: {"api_key": "[SECRET]", "rows": [1, None]},
    }


def test_a_tool_may_give_anything() -> None:
    found = tool_content({"a": object()}, "plain text", "full", 1_000)
    assert json.loads(found[genai.TOOL_ARGUMENTS.name]) == {"a": "<builtins.object>"}
    assert json.loads(found[genai.TOOL_RESULT.name]) == "plain text"


def test_a_tool_without_content_has_none() -> None:
    assert tool_content(None, None, "full", 1_000) == {}
    assert tool_content({"a": 1}, "x", "none", 1_000) == {}
    assert tool_content({"a": 1}, "x", "full", 3) == {}


def test_a_long_result_fits() -> None:
    found = tool_content(None, {"rows": [{"text": "é" * 1_000}] * 1_000}, "redacted", 500)
    text = found[genai.TOOL_RESULT.name]
    assert len(text.encode()) <= 500
    assert json.loads(text)["rows"]
