"""Amazon Bedrock's Converse API: what its requests, answers and events say.

Source of the shapes: botocore 1.44, the Converse API's reference, and recorded exchanges. `inputTokens` leaves cached
tokens out; the conventions count them in, so the three are added up.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ...records.calls import CallEnding, CallResult
from ...records.messages import InputContent, Message, Part
from ...records.usage import Usage
from ..reading import fields, finite, items, pick, text, texts, whole
from .parts import blob, generic, part, text_part, tool_call, tool_response

_INLINE_BYTES = 384
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_call",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}
_MEDIA = ("image", "audio", "video", "document")


# --- requests ---------------------------------------------------------------------------------------------------------
def parameters(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The request parameters that were given, by the names of `CallRequest.parameters`."""
    config = fields(asked.get("inferenceConfig"))
    more = fields(asked.get("additionalModelRequestFields"))
    known = {
        "max_tokens": whole(config.get("maxTokens")),
        "temperature": finite(config.get("temperature")),
        "top_p": finite(config.get("topP")),
        "stop_sequences": texts(config.get("stopSequences")),
        "top_k": whole(more.get("top_k")),
    }
    return {name: value for name, value in known.items() if value is not None}


def input_content(asked: Mapping[str, Any], *, details: bool) -> InputContent:
    """What a request sends, in the conventions' shapes; with `details` the tools have all their fields."""
    instructions = [collected for block in items(asked.get("system")) for collected in _parts(block)]
    tools = items(pick(asked.get("toolConfig"), "tools"))
    return InputContent(instructions, list(items(asked.get("messages"))), _message, list(_tools(tools, details)))


def _message(message: Any) -> Message:
    parts = [collected for block in items(pick(message, "content")) for collected in _parts(block)]
    answers = any(collected["type"] == "tool_call_response" for collected in parts)
    return {"role": "tool" if answers else text(pick(message, "role")) or "unknown", "parts": parts}


def _tools(tools: Iterable[Any], details: bool) -> Iterable[dict[str, Any]]:
    for tool in tools:
        spec = pick(tool, "toolSpec")
        if spec is None:
            continue
        collected = {"type": "function", "name": text(pick(spec, "name")) or "unknown"}
        if details:
            more = {"description": pick(spec, "description"), "parameters": pick(pick(spec, "inputSchema"), "json")}
            collected |= {key: body for key, body in more.items() if body}
        yield collected


def _parts(block: Any) -> list[Part]:
    for name, value in fields(block).items():
        read = _READERS.get(name)
        if read is not None:
            return [read(value)]
        if name in _MEDIA:
            return [_media(name, value)]
        return [] if name == "cachePoint" else [generic(name)]
    return []


def _tool_result(value: Any) -> Part:
    content = [collected for block in items(pick(value, "content")) for collected in _result_parts(block)]
    collected = tool_response(text(pick(value, "toolUseId")), None)
    collected["response"] = content
    return {**collected, "is_error": True} if pick(value, "status") == "error" else collected


def _result_parts(block: Any) -> list[Part]:
    structure = pick(block, "json")
    return _parts(block) if structure is None else [generic("json", content=structure)]


def _media(modality: str, value: Any) -> Part:
    encoding = text(pick(value, "format"))
    mime_type = f"{'application' if modality == 'document' else modality}/{encoding}" if encoding else None
    source = pick(value, "source")
    address = text(pick(pick(source, "s3Location"), "uri"))
    if address is not None:
        return part("uri", mime_type=mime_type, modality=modality, uri=address)
    data = pick(source, "bytes")
    if isinstance(data, bytes) and len(data) <= _INLINE_BYTES:
        return blob(base64.b64encode(data).decode(), modality, mime_type)
    known = blob(None, modality, mime_type)
    return {**known, "byte_count": len(data)} if isinstance(data, (bytes, bytearray)) else known


_READERS: dict[str, Callable[[Any], Part]] = {
    "text": lambda value: text_part(text(value) or ""),
    "reasoningContent": lambda value: part("reasoning", content=text(pick(pick(value, "reasoningText"), "text")) or ""),
    "toolUse": lambda value: tool_call(text(pick(value, "toolUseId")), text(pick(value, "name")), pick(value, "input")),
    "toolResult": _tool_result,
    "guardContent": lambda value: text_part(text(pick(pick(value, "text"), "text")) or ""),
}


# --- answers ----------------------------------------------------------------------------------------------------------
class Conversation:
    """What an answer says: given whole, or event by event. `complete` is whether the stop reason has come."""

    ending: CallEnding | None = None

    def __init__(self, keep: bool) -> None:
        self.complete = False
        self._result = CallResult()
        self._blocks: dict[int, _Block] = {}
        self._parts: list[Part] | None = [] if keep else None

    def add(self, body: Any) -> None:
        """Take up a whole answer, or one event of a stream."""
        event = fields(body)
        if "output" in event or "stopReason" in event:
            self._stopped(event.get("stopReason"))
            self._used(event)
            if self._parts is not None:
                blocks = items(pick(pick(event.get("output"), "message"), "content"))
                self._parts += [collected for block in blocks for collected in _parts(block)]
        elif "messageStop" in event:
            self._stopped(pick(event["messageStop"], "stopReason"))
        elif "metadata" in event:
            self._used(fields(event["metadata"]))
        elif self._parts is not None:
            for name in ("contentBlockStart", "contentBlockDelta"):
                if name in event:
                    self._grow(event[name])

    def _stopped(self, reason: Any) -> None:
        known = text(reason)
        if known is not None:
            self._result.finish_reasons = (known,)
            self.complete = True

    def _used(self, body: Mapping[str, Any]) -> None:
        usage = fields(body.get("usage"))
        fresh, spent = whole(usage.get("inputTokens")), whole(usage.get("outputTokens"))
        if fresh is None and spent is None:
            return
        read, write = whole(usage.get("cacheReadInputTokens")), whole(usage.get("cacheWriteInputTokens"))
        hour = [
            whole(pick(entry, "inputTokens"))
            for entry in items(usage.get("cacheDetails"))
            if pick(entry, "ttl") == "1h"
        ]
        self._result.usage = Usage(
            input_tokens=None if fresh is None else fresh + (read or 0) + (write or 0),
            output_tokens=spent,
            cache_read_tokens=read,
            cache_write_tokens=write,
            cache_write_1h_tokens=hour[0] if hour else None,
            service_tier=text(pick(body.get("serviceTier"), "type")),
        )

    def _grow(self, event: Any) -> None:
        index = whole(pick(event, "contentBlockIndex")) or 0
        self._blocks.setdefault(index, _Block()).add(pick(event, "start") or pick(event, "delta"))

    def result(self) -> CallResult:
        """What is known."""
        if self._parts is not None:
            self._result.messages = self._messages
        return self._result

    def _messages(self) -> list[Message]:
        parts = [*(self._parts or ()), *(self._blocks[index].part() for index in sorted(self._blocks))]
        if not parts and not self.complete:
            return []
        message: Message = {"role": "assistant", "parts": parts}
        for reason in self._result.finish_reasons:
            message["finish_reason"] = _FINISH.get(reason, reason)
        return [message]


class _Block:
    """One block of a streamed message: text, thoughts, or a tool's name and its arguments as JSON text."""

    def __init__(self) -> None:
        self._tool: Any = None
        self._texts: dict[str, list[str]] = {}

    def add(self, delta: Any) -> None:
        tool = pick(delta, "toolUse")
        if pick(tool, "name") is not None:
            self._tool = tool
        pieces = {
            "text": pick(delta, "text"),
            "reasoning": pick(pick(delta, "reasoningContent"), "text"),
            "input": pick(tool, "input"),
        }
        for kind, piece in pieces.items():
            if isinstance(piece, str):
                self._texts.setdefault(kind, []).append(piece)

    def part(self) -> Part:
        known = {kind: "".join(pieces) for kind, pieces in self._texts.items()}
        if self._tool is not None:
            return tool_call(text(pick(self._tool, "toolUseId")), text(pick(self._tool, "name")), known.get("input"))
        if "reasoning" in known:
            return part("reasoning", content=known["reasoning"])
        return text_part(known.get("text", ""))
