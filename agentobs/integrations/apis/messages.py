"""Requests and results of model calls as lists of messages.

Which API it was is read from the shape of the data, not from the client: many providers speak one of these shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...records.messages import InputContent, Message, Part
from .parts import (
    block_parts,
    generic,
    get,
    has_tool_call,
    listed,
    part,
    parts_of,
    text_of,
    text_part,
    tool_call,
    tool_response,
)
from .streams import assembled

_FINISH = {
    "tool_calls": "tool_call",
    "function_call": "tool_call",
    "tool_use": "tool_call",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
    "failed": "error",
}
_ANSWERS = ("function_call_output", "custom_tool_call_output", "mcp_approval_response")


def finish_reason(said: Any) -> str | None:
    """The conventions' word for a provider's finish or stop reason; `None` where none was given."""
    return _FINISH.get(said, said) if isinstance(said, str) and said else None


def input_content(body: Any, details: bool) -> InputContent:
    """What a request's body sends, in the conventions' shapes; with `details` the tools have all their fields."""
    sent = request_messages(body)
    messages, convert = sent if sent is not None else ((), chat_message)
    return InputContent(system_instructions(body), messages, convert, tool_definitions(body, details))


def system_instructions(body: Any) -> list[Part]:
    """Instructions that are given apart from the messages: Anthropic's `system`, the Responses API's `instructions`."""
    given = get(body, "system")
    given = get(body, "instructions") if given is None else given
    if given is not None and not isinstance(given, (str, list, tuple)):
        return []
    if isinstance(given, str):
        return [text_part(given)]
    texts = [entry if isinstance(entry, str) else get(entry, "text") for entry in listed(given)]
    return [text_part(text) for text in texts if isinstance(text, str)]


def request_messages(body: Any) -> tuple[list[Any], Callable[[Any], Message]] | None:
    """What was sent, unread, with the function that makes a message of one; `None` where it cannot be known.

    A one-shot iterator as `messages` or `input` is such a case: reading it would take it from the program.
    """
    messages = get(body, "messages")
    if messages is not None:
        return (listed(messages), chat_message) if isinstance(messages, (list, tuple)) else None
    read: Callable[[Any], Message] = _item_message
    given = get(body, "input")
    if given is None:
        given, read = get(body, "prompt"), _prompt_message
    if isinstance(given, (list, tuple)):
        # A list of numbers is one text in tokens.
        return ([given] if given and isinstance(given[0], int) else listed(given)), read
    return ([given], read) if isinstance(given, str) or get(given, "id") is not None else None


def result_messages(output: Any) -> list[Message]:
    """What came back, one message for each choice; a stream's chunks are put together first."""
    if isinstance(output, (list, tuple)):
        output = assembled(output)
    if output is None:
        return []
    choices = get(output, "choices")
    if choices is not None:
        return [_choice(choice) for choice in listed(choices)]
    items = get(output, "output")
    if isinstance(items, (list, tuple)):
        return _response(output, listed(items))
    content = get(output, "content")
    if content is None:
        return []
    return [_message("assistant", parts_of(content), finish_reason(get(output, "stop_reason")))]


def tool_definitions(body: Any, details: bool) -> list[dict[str, Any]]:
    """The tools that were offered: type and name, with `details` also description and parameters.

    The conventions ask for the optional fields to be left off by default. Nothing else of a definition is read: remote
    servers' entries carry credentials.
    """
    found = [_tool(tool, details) for tool in listed(get(body, "tools"))]
    return found + [_tool({"type": "function", "function": f}, details) for f in listed(get(body, "functions"))]


def chat_message(message: Any) -> Message:
    """One message of a chat: OpenAI's and Anthropic's differ in their blocks, and OpenAI's tools have fields."""
    role = get(message, "role")
    if role in ("tool", "function"):
        found = [tool_response(get(message, "tool_call_id"), get(message, "content"))]
    else:
        found = [*_reasoning(message), *parts_of(get(message, "content")), *_asides(message), *_calls(message)]
    result = _message(role, found)
    name = get(message, "name")
    return {**result, "name": name} if isinstance(name, str) else result


def _message(role: Any, parts: list[Part], finish: str | None = None) -> Message:
    message: Message = {"role": role if isinstance(role, str) and role else "unknown", "parts": parts}
    return message if finish is None else {**message, "finish_reason": finish}


def _reasoning(message: Any) -> list[Part]:
    # DeepSeek, vLLM and OpenRouter answer with text beside `content`; the names are theirs.
    for name in ("reasoning_content", "reasoning"):
        text = get(message, name)
        if isinstance(text, str) and text:
            return [part("reasoning", content=text)]
    return []


def _asides(message: Any) -> list[Part]:
    found: list[Part] = []
    refusal, audio = get(message, "refusal"), get(message, "audio")
    if isinstance(refusal, str) and refusal:
        found.append(generic("refusal", content=refusal))
    if audio is not None:
        transcript = get(audio, "transcript")
        found += [text_part(transcript)] if isinstance(transcript, str) else []
        found.append(part("file", modality="audio", file_id=text_of(get(audio, "id"))))
    return found


def _calls(message: Any) -> list[Part]:
    found: list[Part] = []
    for call in listed(get(message, "tool_calls")):
        custom = get(call, "custom")
        function = get(call, "function") if custom is None else custom
        given = get(function, "arguments")
        found.append(
            tool_call(get(call, "id"), get(function, "name"), get(custom, "input") if given is None else given)
        )
    function = get(message, "function_call")
    if function is not None:
        found.append(tool_call(None, get(function, "name"), get(function, "arguments")))
    return found


def _prompt_message(prompt: Any) -> Message:
    if isinstance(prompt, str):
        return _message("user", [text_part(prompt)])
    if isinstance(prompt, (list, tuple)):
        return _message("user", [generic("tokens", count=len(prompt))])
    fields = {name: get(prompt, name) for name in ("id", "version", "variables")}
    return _message("user", [generic("prompt", **fields)])


def _item_message(item: Any) -> Message:
    if isinstance(item, str):
        return _message("user", [text_part(item)])
    kind, role = get(item, "type"), get(item, "role")
    if kind in (None, "message"):
        return chat_message(item)
    if not isinstance(role, str):
        answer = kind in _ANSWERS or (isinstance(kind, str) and kind.endswith("_call_output"))
        role = "tool" if answer else "assistant"
    return _message(role, block_parts(item))


def _choice(choice: Any) -> Message:
    finish = finish_reason(get(choice, "finish_reason"))
    message = get(choice, "message")
    if message is None:
        text = get(choice, "text")
        return _message("assistant", [text_part(text)] if isinstance(text, str) else [], finish)
    found = chat_message(message)
    found["role"] = get(message, "role") or "assistant"
    return found if finish is None else {**found, "finish_reason": finish}


def _response(response: Any, items: list[Any]) -> list[Message]:
    parts = [found for item in items for found in block_parts(item)]
    status = get(response, "status")
    if status == "completed":
        finish: str | None = "tool_call" if has_tool_call(parts) else "stop"
    elif status == "incomplete":
        finish = finish_reason(get(get(response, "incomplete_details"), "reason") or status)
    else:
        finish = finish_reason(status)
    return [_message("assistant", parts, finish)] if parts or finish else []


def _tool(tool: Any, details: bool) -> dict[str, Any]:
    kind = get(tool, "type")
    inner = get(tool, "function") or get(tool, "custom") or tool
    name = get(inner, "name") or get(tool, "server_label") or kind
    schema = get(inner, "input_schema")
    # Anthropic leaves the type off its client tools, or says custom where OpenAI says function.
    if not isinstance(kind, str) or (kind == "custom" and schema is not None):
        kind = "function"
    found: dict[str, Any] = {"type": kind, "name": name if isinstance(name, str) else "unknown"}
    if details:
        parameters = get(inner, "parameters") if schema is None else schema
        found |= {k: v for k, v in (("description", get(inner, "description")), ("parameters", parameters)) if v}
    return found
