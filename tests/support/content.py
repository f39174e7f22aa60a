"""The message schemas of the GenAI semantic conventions, as far as they say what must be there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from agentobs.catalogue import genai
from agentobs.catalogue.values import Outcome
from agentobs.emit.content import content_attributes
from agentobs.integrations.apis.messages import input_content, result_messages
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
        request = CallRequest(operation, "openai", "m", content=lambda: input_content(body, capture == "full"))
        result = CallResult(messages=lambda: result_messages(output))
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
