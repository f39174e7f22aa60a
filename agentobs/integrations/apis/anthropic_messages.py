"""Anthropic's Messages API, and its legacy Completions API.

Source of the shapes: anthropic 1.17 and 2.13. `input_tokens` on the wire leaves cached tokens out; the conventions count
them in, so the three are added up. `message_delta` repeats usage cumulatively: the last word counts, nothing is summed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...records.calls import CallRequest
from ...records.messages import InputContent, Message, Part
from ...records.usage import Usage
from ..reading import fields, items, pick, text, whole
from .answer import Answer, reason
from .parts import (
    Blocks,
    Texts,
    blob,
    decoded,
    finish_word,
    generic,
    get,
    listed,
    media,
    message,
    part,
    text_of,
    text_part,
    tool_call,
    tool_definitions,
    tool_response,
)

_COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")
_BLOCK_DELTAS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "input_json_delta": "partial_json",
    "compaction_delta": "content",
}


# --- usage ------------------------------------------------------------------------------------------------------------
class Counts:
    """Usage as the wire gives it, merged over the events of a stream field by field.

    The top-level fields count the turns of the message; entries of type `message` and `fallback_message` in `iterations`
    repeat them. A `compaction` is billed beside them at the same rates, and so is added; an `advisor_message` is another
    model's and is priced on its own.
    """

    __slots__ = ("_counts", "_iterations", "_one_hour", "_thinking", "_tier")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._one_hour: int | None = None
        self._thinking: int | None = None
        self._tier: str | None = None
        self._iterations: Sequence[Any] = ()

    def add(self, usage: Any) -> None:
        """Take over what a usage object says."""
        payload = fields(usage)
        for name in _COUNTS:
            count = whole(payload.get(name))
            if count is not None:
                self._counts[name] = count
        one_hour = whole(pick(payload.get("cache_creation"), "ephemeral_1h_input_tokens"))
        self._one_hour = self._one_hour if one_hour is None else one_hour
        thinking = whole(pick(payload.get("output_tokens_details"), "thinking_tokens"))
        self._thinking = self._thinking if thinking is None else thinking
        speed = text(payload.get("speed"))
        self._tier = speed if speed not in (None, "standard") else text(payload.get("service_tier")) or self._tier
        if payload.get("iterations") is not None:
            self._iterations = tuple(items(payload["iterations"]))

    def usage(self, output_known: bool) -> Usage | None:
        """The normalised usage; `output_known` is false for a stream that was cut before its last event."""
        usage = self._plain(output_known)
        for entry in self._iterations:
            kind = pick(entry, "type")
            if kind not in ("compaction", "advisor_message"):
                continue
            counts = Counts()
            counts.add(entry)
            beside = counts._plain(True)
            if beside is None:
                continue
            if usage is None:
                usage = Usage()
            if kind == "compaction":
                usage.add(beside)
            else:
                usage.others = (*usage.others, (text(pick(entry, "model")), beside))
        if usage is not None:
            usage.service_tier = self._tier
        return usage

    def _plain(self, output_known: bool) -> Usage | None:
        read = self._counts.get("cache_read_input_tokens")
        write = self._counts.get("cache_creation_input_tokens")
        fresh = self._counts.get("input_tokens")
        spent_in = None if fresh is None else fresh + (read or 0) + (write or 0)
        spent_out = self._counts.get("output_tokens") if output_known else None
        if spent_in is None and spent_out is None:
            return None
        return Usage(
            input_tokens=spent_in,
            output_tokens=spent_out,
            cache_read_tokens=read,
            cache_write_tokens=write,
            cache_write_1h_tokens=self._one_hour,
            reasoning_tokens=self._thinking,
        )


# --- answers ----------------------------------------------------------------------------------------------------------
class AnthropicMessage(Answer):
    """A message, or a legacy completion; a stream is whole where `message_stop` came, or at least the stop reason."""

    __slots__ = ("_blocks", "_complete", "_counts", "_started", "_stop", "_texts")

    def __init__(self, request: CallRequest, capture: bool = False) -> None:
        super().__init__(request, capture)
        self._counts = Counts()
        self._complete = self._started = False
        self._stop: str | None = None
        self._blocks: dict[Any, Any] = {}
        self._texts = Texts()

    def holds(self, payload: Mapping[str, Any]) -> bool:
        return (
            isinstance(payload.get("content"), (list, tuple))
            or text(payload.get("stop_reason")) is not None
            or isinstance(payload.get("completion"), str)
            or (payload.get("usage") is not None and not payload.get("error"))
        )

    def read(self, payload: Mapping[str, Any]) -> None:
        self.identify(payload)
        stop = reason(payload.get("stop_reason"))
        self.result.finish_reasons = (stop,) if stop is not None else ()
        self._counts.add(payload.get("usage"))
        self.result.usage = self._counts.usage(output_known=True)
        if self.capture:
            content = payload.get("content")
            if content is None:
                content = payload.get("completion")
            self.result.messages = lambda: _answer(content, stop)

    def add(self, chunks: Sequence[Any]) -> None:
        for chunk in chunks:
            payload = fields(chunk)
            kind = payload.get("type")
            if kind == "content_block_delta":
                if self.capture:
                    self._grow(payload)
            elif kind == "message_delta":
                self._stopped(pick(payload.get("delta"), "stop_reason"))
                self._counts.add(payload.get("usage"))
            elif kind == "message_start":
                started = fields(payload.get("message"))
                self._started = True
                self.identify(started)
                self._counts.add(started.get("usage"))
            elif kind == "message_stop":
                self._complete = True
            elif kind == "content_block_start":
                if self.capture:
                    self._blocks[payload.get("index")] = payload.get("content_block")
            elif kind == "completion":
                self.identify(payload)
                self._stopped(payload.get("stop_reason"))
                self._texts.add((None, "text"), payload.get("completion"))
            elif kind == "error":
                self.reject(payload)

    def _stopped(self, stop: Any) -> None:
        known = reason(stop)
        if known is not None:
            self._stop, self._complete = known, True

    def _grow(self, payload: Mapping[str, Any]) -> None:
        index, delta = payload.get("index"), payload.get("delta")
        name = _BLOCK_DELTAS.get(text_of(get(delta, "type")))
        if name is not None:
            self._blocks.setdefault(index, None)
            self._texts.add((index, name), get(delta, name))

    def finish(self, marked: bool) -> bool:
        """See `Answer.finish`."""
        stop, blocks, texts = self._stop, self._blocks, self._texts
        self.result.finish_reasons = (stop,) if stop is not None else ()
        self.result.usage = self._counts.usage(output_known=self._complete)
        if self.capture and (self._started or blocks):
            self.result.messages = lambda: _answer(
                [_block(index, block, texts) for index, block in blocks.items()], stop
            )
        elif self.capture:
            self.result.messages = lambda: _answer(texts.get((None, "text")), stop)
        return self._complete


def _answer(content: Any, stop: Any) -> list[Message]:
    if content is None:
        return []
    return [message("assistant", BLOCKS.parts(content), finish_word(stop))]


def _block(index: Any, block: Any, texts: Texts) -> Any:
    grown = ((name, texts.get((index, name))) for name in _BLOCK_DELTAS.values())
    arrived = {name: piece for name, piece in grown if piece is not None}
    if not arrived:
        return block
    arguments = arrived.pop("partial_json", None)
    collected: dict[str, Any] = {name: get(block, name) for name in ("type", "id", "name", "server_name")}
    if block is None:
        collected["type"] = next((name for name in arrived if name != "content"), "tool_use")
    for name, piece in arrived.items():
        collected[name] = text_of(get(block, name)) + piece
    if arguments is not None:
        collected["input"] = arguments
    return collected


# --- requests ---------------------------------------------------------------------------------------------------------
def input_content(body: Any, details: bool) -> InputContent:
    """What a request's body sends, unread; with `details` the tools have all their fields.

    A one-shot iterator as `messages` is left alone: reading it would take it from the program.
    """
    messages = listed(get(body, "messages"))
    prompt = get(body, "prompt")
    if not messages and isinstance(prompt, str):
        messages = [{"role": "user", "content": prompt}]
    return InputContent(_system(body), messages, _message, tool_definitions(body, details))


def _system(body: Any) -> list[Part]:
    given = get(body, "system")
    if isinstance(given, str):
        return [text_part(given)]
    texts = [entry if isinstance(entry, str) else get(entry, "text") for entry in listed(given)]
    return [text_part(text) for text in texts if isinstance(text, str)]


def _message(given: Any) -> Message:
    return message(get(given, "role"), BLOCKS.parts(get(given, "content")))


# --- blocks -----------------------------------------------------------------------------------------------------------
def _source(block: Any) -> list[Part]:
    """Images and documents: base64, an address, an uploaded file, text, or blocks."""
    modality = str(get(block, "type"))
    source = get(block, "source")
    mime_type = get(source, "media_type")
    kind = get(source, "type")
    if kind == "url":
        return [media(text_of(get(source, "url")), modality, mime_type)]
    if kind == "file":
        return [part("file", modality=modality, mime_type=mime_type, file_id=text_of(get(source, "file_id")))]
    if kind == "text":
        return [text_part(text_of(get(source, "data")))]
    if kind == "content":
        return BLOCKS.parts(get(source, "content"))
    return [blob(get(source, "data"), modality, mime_type)]


def _tool_result(block: Any) -> Part:
    collected = tool_response(get(block, "tool_use_id"), BLOCKS.answer(get(block, "content")))
    return {**collected, "is_error": True} if get(block, "is_error") is True else collected


def _server_tool_use(block: Any) -> Part:
    kind = {"type": str(get(block, "type")), "arguments": decoded(get(block, "input"))}
    return part("server_tool_call", id=get(block, "id"), name=text_of(get(block, "name")), server_tool_call=kind)


def _server_tool_result(block: Any) -> Part:
    collected = part(str(get(block, "type")), content=get(block, "content"))
    return part("server_tool_call_response", id=get(block, "tool_use_id"), server_tool_call_response=collected)


BLOCKS: Blocks = Blocks(
    {
        "text": lambda block: text_part(text_of(get(block, "text"))),
        **dict.fromkeys(("image", "document"), _source),
        "thinking": lambda block: part("reasoning", content=text_of(get(block, "thinking"))),
        "redacted_thinking": lambda _: generic("reasoning"),
        "tool_use": lambda block: tool_call(get(block, "id"), get(block, "name"), get(block, "input")),
        "tool_result": _tool_result,
        **dict.fromkeys(("server_tool_use", "mcp_tool_use"), _server_tool_use),
        "container_upload": lambda block: part("file", modality="document", file_id=text_of(get(block, "file_id"))),
        "compaction": lambda block: part("compaction", id=get(block, "id"), content=get(block, "content")),
    },
    {"_tool_result": _server_tool_result},
)
"""The blocks of messages."""
