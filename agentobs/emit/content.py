"""The content of calls and tools as span attributes: valid JSON whatever happens, redacted and shortened inside it.

Source of the shapes: the message schemas of the GenAI semantic conventions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..catalogue import Attribute, genai
from ..privacy import LEAST_BYTES, bounded, dumps, fit
from ..record import Call
from .content_messages import request_messages, result_messages, system_instructions, tool_definitions
from .content_parts import decoded, generic

_LEAST_BYTES = 256
"""Below this many bytes no message fits with its role and parts."""
_WORK_FACTOR = 4
"""Older messages are not even read once the newer ones fill the limit this many times."""
_OMITTED = "omitted"


def content_attributes(call: Call, capture: str, limit_bytes: int) -> dict[str, str]:
    """Instructions, messages and tools of `call` as JSON texts of at most `limit_bytes` bytes of UTF-8 each.

    `capture` is `none`, `redacted` or `full`; anything but `full` redacts. What was not held or cannot be read without
    taking it from the program is left out, and so is everything when `limit_bytes` is less than 256. Long base64 data
    is replaced by its media type and number of bytes. An answer that gave no finish reason says `error` where the call
    failed, else `unknown`, because the schema wants one.
    """
    if capture == "none" or call.operation == "embeddings" or limit_bytes < _LEAST_BYTES:
        return {}
    writer = _Writer(limit_bytes, capture != "full")
    body = call.content
    if body is not None:
        writer.add(genai.SYSTEM_INSTRUCTIONS, system_instructions(body))
        request = request_messages(body)
        if request is not None:
            writer.add(genai.INPUT_MESSAGES, *request)
        writer.add(genai.TOOL_DEFINITIONS, tool_definitions(body, details=capture == "full"))
    messages = result_messages(call.output)
    for message in messages:
        message.setdefault("finish_reason", "error" if call.outcome == "error" else "unknown")
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
            found = bounded(decoded(value), limit_bytes, capture != "full")
            attributes[attribute.name] = dumps(fit(found, limit_bytes))
    return attributes


def _same(item: Any) -> Any:
    return item


class _Writer:
    """Collects attributes, each a list as JSON text within the limit."""

    def __init__(self, limit_bytes: int, redacted: bool) -> None:
        self._limit_bytes = limit_bytes
        self._redacted = redacted
        self.attributes: dict[str, str] = {}

    def add(self, attribute: Attribute, items: list[Any], read: Callable[[Any], Any] = _same) -> None:
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
        return {"role": _OMITTED, "parts": [generic(_OMITTED, count=count)]}
    if isinstance(like, dict) and "generic_type" not in like and "name" in like and "id" not in like:
        return {"type": _OMITTED, "name": _OMITTED, "count": count}
    if isinstance(like, dict) and "type" in like:
        return generic(_OMITTED, count=count)
    return f"[{count} older items left out]"


def _count(item: Any) -> int:
    """How many items this is: more than one if it is a note that stands for others."""
    if isinstance(item, dict):
        for place in (item, *(part for part in item.get("parts", ())[:1] if isinstance(part, dict))):
            if _OMITTED in (place.get("generic_type"), place.get("type")) and isinstance(place.get("count"), int):
                return int(place["count"])
    return 1
