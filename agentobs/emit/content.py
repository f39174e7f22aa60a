"""The content of calls and tools as span attributes: valid JSON whatever happens, redacted and shortened inside it.

SignalProvider of the shapes: the message schemas of the GenAI semantic conventions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..catalogue import Attribute, genai
from ..privacy import LEAST_BYTES, bounded, dumps, fit
from ..records.calls import CallEnding, CallRequest, CallResult
from ..records.messages import Part

_LEAST_BYTES = 256
"""Below this many bytes no message fits with its role and parts."""
_WORK_FACTOR = 4
"""Older messages are not even read once the newer ones fill the limit this many times."""
_OMITTED = "omitted"


def content_attributes(
    request: CallRequest, result: CallResult, ending: CallEnding, capture: str, limit_bytes: int
) -> dict[str, str]:
    """Instructions, messages and tools of a call as JSON texts of at most `limit_bytes` bytes of UTF-8 each.

    `capture` is `none`, `redacted` or `full`; anything but `full` redacts. What was not kept or cannot be read without
    taking it from the program is left out, and so is everything when `limit_bytes` is less than 256. Long base64 data
    is replaced by its media type and number of bytes. An answer that gave no finish reason says `error` where the call
    failed, else `unknown`, because the schema wants one.
    """
    if capture == "none" or request.operation == "embeddings" or limit_bytes < _LEAST_BYTES:
        return {}
    writer = _Writer(limit_bytes, capture != "full")
    if request.content is not None:
        content = request.content()
        writer.add(genai.SYSTEM_INSTRUCTIONS, content.instructions)
        writer.add(genai.INPUT_MESSAGES, content.messages, content.convert)
        writer.add(genai.TOOL_DEFINITIONS, content.tools)
    messages = [] if result.messages is None else result.messages()
    for message in messages:
        message.setdefault("finish_reason", "error" if ending.outcome == "error" else "unknown")
    writer.add(genai.OUTPUT_MESSAGES, messages)
    return writer.attributes


def tool_content(arguments: Any, result: Any, capture: str, limit_bytes: int) -> dict[str, str]:
    """Arguments and result of a tool as JSON texts of at most `limit_bytes` bytes of UTF-8 each; `None` is left out.

    Arguments and results that are JSON text stand as the structure they hold.
    """
    if capture == "none" or limit_bytes < LEAST_BYTES:
        return {}
    attributes = {}
    for attribute, value in ((genai.TOOL_ARGUMENTS, arguments), (genai.TOOL_RESULT, result)):
        if value is not None:
            content = bounded(_decoded(value), limit_bytes, capture != "full")
            attributes[attribute.name] = dumps(fit(content, limit_bytes))
    return attributes


def run_content(given: Any, answered: Any, outcome: str, capture: str, limit_bytes: int) -> dict[str, str]:
    """What a run of an agent was asked and what it answered, as `content_attributes` writes messages.

    A text is a message; so is a mapping with a `role`, whose `content` becomes parts where it has none; a list of such is
    a conversation. Anything else is one message with one part of type `generic`.
    """
    if capture == "none" or limit_bytes < _LEAST_BYTES:
        return {}
    writer = _Writer(limit_bytes, capture != "full")
    writer.add(genai.INPUT_MESSAGES, _messages(given, "user"))
    answers = _messages(answered, "assistant")
    for message in answers:
        message.setdefault("finish_reason", "stop" if outcome == "success" else "error")
    writer.add(genai.OUTPUT_MESSAGES, answers)
    return writer.attributes


def _messages(value: Any, role: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    if isinstance(value, (list, tuple)) and value and all(_is_message(entry) for entry in value):
        return [_message(entry) for entry in value]
    if _is_message(value):
        return [_message(value)]
    return [{"role": role, "parts": _parts(value)}]


def _is_message(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("role"), str)


def _message(value: Mapping[str, Any]) -> dict[str, Any]:
    parts = value.get("parts")
    made = {"role": value["role"], "parts": list(parts) if isinstance(parts, list) else _parts(value.get("content"))}
    return made | {name: value[name] for name in ("name", "finish_reason") if isinstance(value.get(name), str)}


def _parts(value: Any) -> list[Part]:
    if value is None:
        return []
    return [{"type": "text", "content": value}] if isinstance(value, str) else [_generic("data", content=value)]


def _decoded(arguments: Any) -> Any:
    """The structure where it is JSON text, else as it is (models do write broken JSON)."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def _generic(kind: str, **fields: Any) -> Part:
    return {"type": "generic", "generic_type": kind, **fields}


def _same(item: Any) -> Any:
    return item


class _Writer:
    """Collects attributes, each a list as JSON text within the limit."""

    def __init__(self, limit_bytes: int, redacted: bool) -> None:
        self._limit_bytes = limit_bytes
        self._redacted = redacted
        self.attributes: dict[str, str] = {}

    def add(self, attribute: Attribute, items: Sequence[Any], read: Callable[[Any], Any] = _same) -> None:
        """Add the list as `attribute`, unless it is empty; the newest items are read first and the oldest go first."""
        if not items:
            return
        kept: list[Any] = []
        size = 0
        unread = len(items)
        while unread and size <= _WORK_FACTOR * self._limit_bytes:
            unread -= 1
            kept.append(bounded(read(items[unread]), self._limit_bytes, self._redacted))
            size += len(dumps(kept[-1]))
        kept.reverse()
        if unread:
            kept.insert(0, _note(unread, kept[0]))
        text = dumps(kept)
        if len(text.encode()) > self._limit_bytes:
            text = dumps(fit(kept, self._limit_bytes, _left_out))
        self.attributes[attribute.name] = text


def _left_out(items: list[Any]) -> Any:
    return _note(sum(map(_count, items)), items[-1])


def _note(count: int, like: Any) -> Any:
    """What stands for `count` items such as `like`, in a shape that is valid where they stood."""
    if isinstance(like, dict) and "parts" in like:
        return {"role": _OMITTED, "parts": [_generic(_OMITTED, count=count)]}
    if isinstance(like, dict) and "generic_type" not in like and "name" in like and "id" not in like:
        return {"type": _OMITTED, "name": _OMITTED, "count": count}
    if isinstance(like, dict) and "type" in like:
        return _generic(_OMITTED, count=count)
    return f"[{count} older items left out]"


def _count(item: Any) -> int:
    """How many items this is: more than one if it is a note that stands for others."""
    if isinstance(item, dict):
        for place in (item, *(part for part in item.get("parts", ())[:1] if isinstance(part, dict))):
            if _OMITTED in (place.get("generic_type"), place.get("type")) and isinstance(place.get("count"), int):
                return int(place["count"])
    return 1
