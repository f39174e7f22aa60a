"""The message schemas of the GenAI semantic conventions, as far as they say what must be there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agentobs.catalogue import genai
from agentobs.catalogue.values import Outcome
from agentobs.emit.content import content_attributes
from agentobs.integrations.apis import anthropic_messages, openai_content
from agentobs.integrations.apis.answer import Answer
from agentobs.integrations.apis.anthropic_messages import AnthropicMessage
from agentobs.integrations.apis.chat_completions import ChatCompletion
from agentobs.integrations.apis.responses import Response
from agentobs.records.calls import CallEnding, CallRequest, CallResult

NEEDED = {
    "text": {"content": str},
    "reasoning": {"content": str},
    "tool_call": {"name": str},
    "tool_call_response": {"response": object},
    "server_tool_call": {"name": str, "server_tool_call": dict},
    "server_tool_call_response": {"server_tool_call_response": dict},
    "blob": {"modality": str, "content": str},
    "file": {"modality": str, "file_id": str},
    "uri": {"modality": str, "uri": str},
    "compaction": {},
    "generic": {"generic_type": str},
}


def check_parts(parts: Any) -> None:
    assert isinstance(parts, list)
    for part in parts:
        for name, kind in NEEDED[part["type"]].items():
            assert isinstance(part[name], kind), part
        if part["type"] == "uri":
            assert not part["uri"].startswith("data:")
        if part["type"].startswith("server_tool_call"):
            assert isinstance(part[part["type"]]["type"], str)


def check_messages(messages: Any, answers: bool) -> None:
    assert isinstance(messages, list)
    for message in messages:
        assert isinstance(message["role"], str)
        check_parts(message["parts"])
        assert not answers or message["role"] == "omitted" or isinstance(message["finish_reason"], str)


def check(attributes: Mapping[str, str]) -> None:
    """Fail unless each attribute is JSON text of the right shape."""
    for name, text in attributes.items():
        value = json.loads(text)
        if name == genai.SYSTEM_INSTRUCTIONS.name:
            check_parts(value)
            assert {part["type"] for part in value} <= {"text", "generic"}
        elif name == genai.TOOL_DEFINITIONS.name:
            assert all(isinstance(tool["type"], str) and isinstance(tool["name"], str) for tool in value)
        else:
            check_messages(value, answers=name == genai.OUTPUT_MESSAGES.name)


_BLOCKS = {"tool_use", "tool_result", "image", "document", "thinking"}


def _is_anthropic(body: Any) -> bool:
    """Whether a request is one of Anthropic's: by its fields and blocks, which no other API has."""
    if not isinstance(body, Mapping) or "system" in body:
        return isinstance(body, Mapping)
    messages = body.get("messages")
    messages = messages if isinstance(messages, list) else []
    contents = [message.get("content") for message in messages if isinstance(message, Mapping)]
    blocks = [block for content in contents if isinstance(content, list) for block in content]
    return any(isinstance(block, Mapping) and block.get("type") in _BLOCKS for block in blocks)


def _result(request: CallRequest, output: Any) -> CallResult:
    """An answer or the chunks of one, read by the API whose shape it has."""
    chunks = output if isinstance(output, list) else None
    first = (chunks[0] if chunks else None) if chunks is not None else output
    plain = first if isinstance(first, Mapping) else getattr(first, "__dict__", {})
    api: type[Answer] = AnthropicMessage
    if "choices" in plain:
        api = ChatCompletion
    elif "output" in plain or str(plain.get("type")).startswith("response."):
        api = Response
    answer = api(request, capture=True)
    if chunks is None:
        answer.take(output)
    else:
        answer.add(chunks)
        answer.finish(marked=False)
    return answer.result


class Content:
    """The content attributes of a call, read back."""

    def __init__(
        self,
        body: Any = None,
        output: Any = None,
        *,
        capture: str = "full",
        limit_bytes: int = 16_384,
        operation: str = "chat",
        outcome: Outcome = "success",
    ) -> None:
        read = anthropic_messages.input_content if _is_anthropic(body) else openai_content.input_content
        request = CallRequest(operation, "openai", "m", content=lambda: read(body, capture == "full"))
        result = _result(request, output)
        self.attributes = content_attributes(request, result, CallEnding(outcome), capture, limit_bytes)
        check(self.attributes)
        assert all(len(text.encode()) <= limit_bytes for text in self.attributes.values())

    def _read(self, name: str) -> Any:
        return json.loads(self.attributes[name]) if name in self.attributes else None

    @property
    def system(self) -> Any:
        return self._read(genai.SYSTEM_INSTRUCTIONS.name)

    @property
    def input(self) -> Any:
        return self._read(genai.INPUT_MESSAGES.name)

    @property
    def output(self) -> Any:
        return self._read(genai.OUTPUT_MESSAGES.name)

    @property
    def tools(self) -> Any:
        return self._read(genai.TOOL_DEFINITIONS.name)
