"""Parts and messages in the conventions' shapes, for every API: the one place where they are made.

What an API's own blocks mean stands in that API's file, as a table of readers (`Blocks`).
Source of the shapes: the message schemas of the GenAI semantic conventions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ...privacy import base64_bytes, fields_of
from ...records.messages import Message, Part

_INLINE_CHARS = 512
"""Base64 text that is longer never stands in a part."""
_OPAQUE = ("encrypted_content", "signature", "cache_control", "logprobs", "prompt_cache_breakpoint")
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


# --- reading ----------------------------------------------------------------------------------------------------------
def get(thing: Any, name: str) -> Any:
    """The entry of a mapping or the attribute of an object by that name, `None` where there is none."""
    if isinstance(thing, Mapping):
        return thing.get(name)
    return getattr(thing, name, None)


def listed(value: Any) -> list[Any]:
    """The items of a list or tuple; of anything else none, so that one-shot iterators stay unread."""
    return list(value) if isinstance(value, (list, tuple)) else []


def text_of(value: Any) -> str:
    """`value` if it is text, else an empty text."""
    return value if isinstance(value, str) else ""


def decoded(arguments: Any) -> Any:
    """Arguments of a tool: the structure where they are JSON text, else as they are (models do write broken JSON)."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def rest(block: Any) -> dict[str, Any]:
    """Every field of a block but its type and what nobody can read."""
    fields = block if isinstance(block, Mapping) else fields_of(block) or {}
    return {str(name): value for name, value in fields.items() if name not in _OPAQUE and name != "type"}


# --- messages ---------------------------------------------------------------------------------------------------------
def message(role: Any, parts: list[Part], finish: str | None = None) -> Message:
    """A message; `finish` is for answers."""
    made: Message = {"role": role if isinstance(role, str) and role else "unknown", "parts": parts}
    return made if finish is None else {**made, "finish_reason": finish}


def finish_word(reason: Any) -> str | None:
    """The conventions' word for a provider's finish or stop reason; `None` where none was given."""
    return _FINISH.get(reason, reason) if isinstance(reason, str) and reason else None


def has_tool_call(parts: list[Part]) -> bool:
    """Whether the program is asked to run a tool."""
    return any(result["type"] == "tool_call" for result in parts)


def tool_definitions(body: Any, details: bool) -> list[dict[str, Any]]:
    """The tools that were offered: type and name, with `details` also description and parameters.

    The conventions ask for the optional fields to be left off by default. Nothing else of a definition is read: remote
    servers' entries carry credentials.
    """
    result = [_tool(tool, details) for tool in listed(get(body, "tools"))]
    return result + [_tool({"type": "function", "function": f}, details) for f in listed(get(body, "functions"))]


def _tool(tool: Any, details: bool) -> dict[str, Any]:
    kind = get(tool, "type")
    inner = get(tool, "function") or get(tool, "custom") or tool
    name = get(inner, "name") or get(tool, "server_label") or kind
    schema = get(inner, "input_schema")
    # Anthropic leaves the type off its client tools, or says custom where OpenAI says function.
    if not isinstance(kind, str) or (kind == "custom" and schema is not None):
        kind = "function"
    result: dict[str, Any] = {"type": kind, "name": name if isinstance(name, str) else "unknown"}
    if details:
        parameters = get(inner, "parameters") if schema is None else schema
        result |= {k: v for k, v in (("description", get(inner, "description")), ("parameters", parameters)) if v}
    return result


# --- parts ------------------------------------------------------------------------------------------------------------
def part(kind: str, **fields: Any) -> Part:
    """A part of type `kind` with the fields that are known."""
    return {"type": kind, **{name: value for name, value in fields.items() if value is not None}}


def text_part(text: str) -> Part:
    """Text."""
    return {"type": "text", "content": text}


def generic(kind: str, **fields: Any) -> Part:
    """A part for what the conventions have no type for; `generic_type` says what it is."""
    return part("generic", generic_type=kind, **fields)


def tool_call(call_id: Any, name: Any, arguments: Any) -> Part:
    """A call of a tool that the program is to run."""
    return part("tool_call", id=call_id, name=text_of(name), arguments=decoded(arguments))


def tool_response(call_id: Any, response: Any) -> Part:
    """The answer of a tool; blocks in it must be parts already, so that images in it are never inline."""
    return {**part("tool_call_response", id=call_id), "response": response}


def media(source: str, modality: str, mime_type: str | None = None) -> Part:
    """A picture, sound or document given by its address or as a data URL."""
    if not source.startswith("data:"):
        return part("uri", mime_type=mime_type, modality=modality, uri=source)
    head, _, data = source.partition(",")
    return blob(data, modality, head[len("data:") :].split(";")[0] or mime_type)


def blob(data: Any, modality: str, mime_type: str | None = None) -> Part:
    """Bytes in base64: only when short with their content, else with their number of bytes."""
    if not isinstance(data, str):
        return {**part("blob", mime_type=mime_type, modality=modality), "content": "", "left_out": True}
    result = {**part("blob", mime_type=mime_type, modality=modality), "content": data}
    result["byte_count"] = base64_bytes(len(data), data[-2:])
    if len(data) > _INLINE_CHARS:
        result.update(content="", left_out=True)
    return result


# --- blocks of an API -------------------------------------------------------------------------------------------------
Reader = Callable[[Any], "Part | list[Part]"]


class Blocks:
    """The content blocks of an API as parts, by their type; what the table does not know becomes a generic part."""

    def __init__(self, readers: Mapping[str, Reader], by_ending: Mapping[str, Reader] | None = None) -> None:
        self.readers = readers
        self.by_ending = by_ending or {}

    def parts(self, content: Any) -> list[Part]:
        """The parts of a message's content: text, one block, or a list of texts and blocks."""
        if content is None:
            return []
        if isinstance(content, str):
            return [text_part(content)]
        blocks = content if isinstance(content, (list, tuple)) else [content]
        return [result for block in blocks for result in self.read(block)]

    def read(self, block: Any) -> list[Part]:
        """The parts of one block or output item, mostly one."""
        kind = get(block, "type")
        if not isinstance(kind, str):
            text = block if isinstance(block, str) else get(block, "text")
            return [text_part(text)] if isinstance(text, str) else [generic("unknown", content=rest(block))]
        read = self.readers.get(kind)
        if read is None:
            read = next((reader for end, reader in self.by_ending.items() if kind.endswith(end)), _unknown)
        result = read(block)
        return result if isinstance(result, list) else [result]

    def answer(self, response: Any) -> Any:
        """What a tool answered: blocks as parts, anything else as it is."""
        return self.parts(response) if isinstance(response, (list, tuple)) else response


def _unknown(block: Any) -> Part:
    known = generic(get(block, "type"))
    return {**known, **{name: value for name, value in rest(block).items() if name not in known}}


class Texts:
    """Texts that grow by pieces, by key, in the order of their first piece."""

    def __init__(self) -> None:
        self._pieces: dict[Any, list[str]] = {}

    def add(self, key: Any, piece: Any) -> None:
        """Another piece of the text `key`; what is no text is left out."""
        if isinstance(piece, str):
            self._pieces.setdefault(key, []).append(piece)

    def get(self, key: Any) -> str | None:
        """The text so far, `None` where no piece came."""
        pieces = self._pieces.get(key)
        return None if pieces is None else "".join(pieces)

    def items(self) -> list[tuple[Any, str]]:
        """All of them."""
        return [(key, "".join(pieces)) for key, pieces in self._pieces.items()]
