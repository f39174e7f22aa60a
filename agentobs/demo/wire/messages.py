"""Anthropic's messages."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

from ..answer import Answer, Json, Question, Tool
from ..tariff import UNREPORTED, Tokens, served_as
from . import Frame, event, text_of

_START_TOKENS = 1
"""What `message_start` says about the output, before there is any: a placeholder, so nobody knows the output from it."""


class Messages:
    """`POST /v1/messages`, the beta of it included."""

    provider = "anthropic"
    operation = "chat"

    def question(self, body: Json) -> Question:
        messages = body["messages"]
        choice = body.get("tool_choice") or {}
        form = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
        users = [text for m in messages if m.get("role") == "user" and (text := text_of(m.get("content")))]
        prompt = json.dumps([body.get("system"), messages, body.get("tools")])
        return Question(
            model=body["model"],
            streamed=bool(body.get("stream")),
            prompt=prompt,
            user=users[-1] if users else "",
            tools=tuple(Tool(t["name"], t["input_schema"]) for t in body.get("tools") or [] if "input_schema" in t),
            must_call={"any": "", "tool": choice.get("name")}.get(choice.get("type", "auto")),
            may_call=choice.get("type") != "none" and not _has_tool_result(messages[-1]),
            schema=form.get("schema") if form.get("type") == "json_schema" else None,
            thinks=(body.get("thinking") or {}).get("type") in ("enabled", "adaptive"),
            caches='"cache_control"' in prompt or "cache_control" in body,
            writes_cache=True,
            max_tokens=body["max_tokens"],
        )

    def reply(self, question: Question, answer: Answer, *, usage: bool) -> tuple[Json, Tokens]:
        body = _message(question, answer)
        body |= {"content": _blocks(answer), "stop_reason": _stop(answer)}
        if not usage:
            return {**body, "usage": None}, UNREPORTED
        body["usage"] = {**_input(answer.tokens), **_output(answer.tokens)}
        return body, _reported(answer)

    def stream(self, question: Question, answer: Answer, *, usage: bool) -> list[Frame]:
        tokens = answer.tokens
        start: Json = {**_input(tokens), "output_tokens": _START_TOKENS}
        known = Tokens(tokens.input, None, tokens.cache_read, tokens.cache_write)
        end: Json = {key: value for key, value in _input(tokens).items() if isinstance(value, int)} | _output(tokens)
        if not usage:
            start, known = {"input_tokens": None, "output_tokens": None}, UNREPORTED
            end = {"output_tokens": None}
        message = {**_message(question, answer), "usage": start}
        frames = [Frame(_event("message_start", message=message), known)]
        for index, block in enumerate(_blocks(answer)):
            frames.extend(Frame(data, known) for data in _block_events(index, block, answer))
        known = _reported(answer) if usage else known
        delta = {"stop_reason": _stop(answer), "stop_sequence": None}
        frames.append(Frame(_event("message_delta", delta=delta, usage=end), known))
        frames.append(Frame(_event("message_stop"), known))
        return frames

    def stream_error(self, question: Question, answer: Answer) -> bytes:
        return event(self.error(529, "Overloaded"), "error")

    def error(self, status: int, message: str) -> Json:
        kind = {
            400: "invalid_request_error",
            404: "not_found_error",
            429: "rate_limit_error",
            529: "overloaded_error",
        }.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}}


def _has_tool_result(message: Json) -> bool:
    content = message.get("content")
    return isinstance(content, list) and any(part.get("type") == "tool_result" for part in content)


def _message(question: Question, answer: Answer) -> Json:
    return {
        "id": f"msg_{answer.id}",
        "type": "message",
        "role": "assistant",
        "model": served_as(question.model),
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _blocks(answer: Answer) -> list[Json]:
    """The content blocks as they are when they are complete."""
    blocks: list[Json] = []
    if answer.thought:
        signature = base64.b64encode(answer.id.encode()).decode()
        blocks.append({"type": "thinking", "thinking": answer.thought, "signature": signature})
    if answer.text:
        blocks.append({"type": "text", "text": answer.text})
    for call in answer.tool_calls:
        given = json.loads(call.arguments)
        blocks.append({"type": "tool_use", "id": f"toolu_{call.id}", "name": call.name, "input": given})
    return blocks


def _block_events(index: int, block: Json, answer: Answer) -> Iterator[bytes]:
    empty: Json = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""}, "tool_use": {"input": {}}}
    opened = {**block, **empty[block["type"]]}
    yield _event("content_block_start", index=index, content_block=opened)
    if index == 0:
        yield _event("ping")
    for delta in _deltas(block, answer):
        yield _event("content_block_delta", index=index, delta=delta)
    yield _event("content_block_stop", index=index)


def _deltas(block: Json, answer: Answer) -> list[Json]:
    if block["type"] == "text":
        return [{"type": "text_delta", "text": piece} for piece in answer.pieces()]
    if block["type"] == "thinking":
        thinking = {"type": "thinking_delta", "thinking": block["thinking"]}
        return [thinking, {"type": "signature_delta", "signature": block["signature"]}]
    text = json.dumps(block["input"])
    parts = ("", text[: len(text) // 2], text[len(text) // 2 :])
    return [{"type": "input_json_delta", "partial_json": part} for part in parts]


def _event(kind: str, **data: object) -> bytes:
    return event({"type": kind, **data}, kind)


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.tool_calls else "max_tokens" if answer.truncated else "end_turn"


def _input(tokens: Tokens) -> Json:
    """Anthropic's `input_tokens` leaves out what was read from and written to the cache."""
    read, write = tokens.cache_read or 0, tokens.cache_write or 0
    return {
        "input_tokens": (tokens.input or 0) - read - write,
        "cache_creation_input_tokens": write,
        "cache_read_input_tokens": read,
        "cache_creation": {"ephemeral_5m_input_tokens": write, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }


def _output(tokens: Tokens) -> Json:
    thinking = {"output_tokens_details": {"thinking_tokens": tokens.reasoning}} if tokens.reasoning else {}
    return {"output_tokens": tokens.output, **thinking}


def _reported(answer: Answer) -> Tokens:
    tokens = answer.tokens
    return Tokens(tokens.input, tokens.output, tokens.cache_read, tokens.cache_write, tokens.reasoning or None)
