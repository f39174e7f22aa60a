"""The chunks of a stream put together into what the same call would have answered without streaming.

A stream that broke off gives what arrived. The results have the shapes of the APIs' bodies, with plain dicts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .parts import get, listed, text_of

_Assembly = dict[str, Any]

_FINAL = ("response.completed", "response.incomplete", "response.failed")
_TEXT_DELTAS = {"response.output_text.delta": ("output_text", "text"), "response.refusal.delta": ("refusal", "refusal")}
_REASONING_DELTAS = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
_ARGUMENT_DELTAS = {
    "response.function_call_arguments.delta": "arguments",
    "response.custom_tool_call_input.delta": "input",
    "response.mcp_call_arguments.delta": "arguments",
    "response.code_interpreter_call_code.delta": "code",
}
_BLOCK_DELTAS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
    "compaction_delta": "content",
}


def assembled(chunks: Sequence[Any]) -> Any:
    """The answer that the chunks add up to, `None` where they hold none."""
    for chunk in chunks:
        if get(chunk, "choices") is not None:
            return _chat(chunks)
        kind = text_of(get(chunk, "type"))
        if kind.startswith("response."):
            return _response(chunks)
        if kind in ("message_start", "content_block_start"):
            return _message(chunks)
    return None


class _Texts:
    """Texts that grow by pieces, by key, in the order of their first piece."""

    def __init__(self) -> None:
        self._pieces: dict[Any, list[str]] = {}

    def add(self, key: Any, piece: Any) -> None:
        if isinstance(piece, str):
            self._pieces.setdefault(key, []).append(piece)

    def get(self, key: Any) -> str | None:
        pieces = self._pieces.get(key)
        return None if pieces is None else "".join(pieces)

    def items(self) -> list[tuple[Any, str]]:
        return [(key, "".join(pieces)) for key, pieces in self._pieces.items()]


def _chat(chunks: Sequence[Any]) -> _Assembly:
    found: dict[Any, _Choice] = {}
    for chunk in chunks:
        for choice in listed(get(chunk, "choices")):
            found.setdefault(get(choice, "index"), _Choice()).add(choice)
    return {"choices": [choice.result() for choice in found.values()]}


class _Choice:
    """One choice of a streamed chat or legacy completion."""

    def __init__(self) -> None:
        self._texts = _Texts()
        self._calls: dict[Any, dict[str, Any]] = {}
        self._arguments = _Texts()
        self._fields: dict[str, Any] = {}
        self._is_chat = False

    def add(self, choice: Any) -> None:
        finish = get(choice, "finish_reason")
        if finish is not None:
            self._fields["finish_reason"] = finish
        self._texts.add("completion", get(choice, "text"))
        delta = get(choice, "delta")
        if delta is None:
            return
        self._is_chat = True
        if get(delta, "role") is not None:
            self._fields["role"] = get(delta, "role")
        for name in ("content", "refusal", "reasoning_content", "reasoning"):
            self._texts.add(name, get(delta, name))
        audio = get(delta, "audio")
        self._texts.add("audio_id", get(audio, "id"))
        self._texts.add("transcript", get(audio, "transcript"))
        for position, call in enumerate(listed(get(delta, "tool_calls"))):
            index = get(call, "index")
            self._add_call(position if index is None else index, get(call, "id"), get(call, "function"))
        if get(delta, "function_call") is not None:
            self._add_call("function_call", None, get(delta, "function_call"))

    def _add_call(self, key: Any, call_id: Any, function: Any) -> None:
        call = self._calls.setdefault(key, {"id": None, "name": None})
        call["id"] = call["id"] or call_id
        call["name"] = call["name"] or get(function, "name")
        self._arguments.add(key, get(function, "arguments"))

    def result(self) -> _Assembly:
        finish = self._fields.get("finish_reason")
        if not self._is_chat:
            return {"text": self._texts.get("completion"), "finish_reason": finish}
        message: _Assembly = {"role": self._fields.get("role") or "assistant"}
        for name in ("content", "refusal", "reasoning_content", "reasoning"):
            message[name] = self._texts.get(name)
        if not message["content"]:
            message["content"] = None
        audio = {"id": self._texts.get("audio_id"), "transcript": self._texts.get("transcript")}
        if any(text is not None for text in audio.values()):
            message["audio"] = audio
        message["tool_calls"] = [
            {"id": call["id"], "function": {"name": call["name"], "arguments": self._arguments.get(key)}}
            for key, call in self._calls.items()
        ]
        return {"message": message, "finish_reason": finish}


def _response(events: Sequence[Any]) -> _Assembly:
    last: Any = None
    items = _Items()
    for event in events:
        kind = text_of(get(event, "type"))
        if kind in _FINAL:
            last = get(event, "response")
        items.add(kind, event)
    if listed(get(last, "output")):
        return {name: get(last, name) for name in ("output", "status", "incomplete_details")}
    # Some servers end with a response without the output they streamed.
    return {
        "output": items.result(),
        "status": get(last, "status"),
        "incomplete_details": get(last, "incomplete_details"),
    }


class _Items:
    """The output items of a streamed response, whole where they were finished, else as far as they came."""

    def __init__(self) -> None:
        self._order: dict[Any, None] = {}
        self._started: dict[Any, Any] = {}
        self._done: dict[Any, Any] = {}
        self._texts: dict[Any, _Texts] = {}

    def add(self, kind: str, event: Any) -> None:
        index = get(event, "output_index")
        if kind == "response.output_item.added":
            self._order.setdefault(index)
            self._started[index] = get(event, "item")
        elif kind == "response.output_item.done":
            self._order.setdefault(index)
            self._done[index] = get(event, "item")
        elif kind in _TEXT_DELTAS:
            self._grow(index, ("content", get(event, "content_index"), *_TEXT_DELTAS[kind]), event)
        elif kind in _REASONING_DELTAS:
            place = get(event, "summary_index")
            self._grow(index, ("reasoning", get(event, "content_index") if place is None else place), event)
        elif kind in _ARGUMENT_DELTAS:
            self._grow(index, ("field", _ARGUMENT_DELTAS[kind]), event)

    def _grow(self, index: Any, key: tuple[Any, ...], event: Any) -> None:
        self._order.setdefault(index)
        self._texts.setdefault(index, _Texts()).add(key, get(event, "delta"))

    def result(self) -> list[Any]:
        return [self._done.get(index) or self._unfinished(index) for index in self._order]

    def _unfinished(self, index: Any) -> Any:
        started, texts = self._started.get(index), self._texts.get(index)
        if texts is None:
            return started
        item = {name: get(started, name) for name in ("id", "type", "call_id", "name", "role")}
        for key, text in texts.items():
            if key[0] == "content":
                item.setdefault("content", []).append({"type": key[2], key[3]: text})
            elif key[0] == "reasoning":
                item.setdefault("summary", []).append({"text": text})
            else:
                item[key[1]] = text
        item["type"] = item["type"] or ("reasoning" if "summary" in item else "message")
        return item


def _message(events: Sequence[Any]) -> _Assembly:
    blocks: dict[Any, Any] = {}
    texts = _Texts()
    stop_reason: Any = None
    for event in events:
        kind, index = get(event, "type"), get(event, "index")
        if kind == "message_start":
            stop_reason = get(get(event, "message"), "stop_reason")
        elif kind == "content_block_start":
            blocks[index] = get(event, "content_block")
        elif kind == "content_block_delta":
            delta = get(event, "delta")
            name = _BLOCK_DELTAS.get(text_of(get(delta, "type")))
            if name is not None:
                blocks.setdefault(index, None)
                texts.add((index, name), get(delta, name))
        elif kind == "message_delta":
            stop_reason = get(get(event, "delta"), "stop_reason") or stop_reason
    return {"content": [_block(index, block, texts) for index, block in blocks.items()], "stop_reason": stop_reason}


def _block(index: Any, block: Any, texts: _Texts) -> Any:
    grown = ((name, texts.get((index, name))) for name in _BLOCK_DELTAS.values())
    arrived = {name: text for name, text in grown if text is not None}
    if not arrived:
        return block
    arguments = arrived.pop("partial_json", None)
    found: _Assembly = {name: get(block, name) for name in ("type", "id", "name", "server_name")}
    if block is None:
        found["type"] = next((name for name in arrived if name != "content"), "tool_use")
    for name, text in arrived.items():
        found[name] = text_of(get(block, name)) + text
    if arguments is not None:
        found["input"] = arguments
    return found
