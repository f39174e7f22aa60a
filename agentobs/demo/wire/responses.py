"""OpenAI's responses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from ..answer import Answer, Json, Question, Tool
from ..tariff import UNREPORTED, Tokens, served_as
from . import Frame, event, openai_error, text_of


class Responses:
    """`POST .../responses`."""

    provider = "openai"
    operation = "chat"

    def question(self, body: Json) -> Question:
        given = body.get("input", "")
        items = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
        choice = body.get("tool_choice")
        form = (body.get("text") or {}).get("format") or {}
        functions = [entry for entry in body.get("tools") or [] if entry.get("type") == "function"]
        users = [text_of(item.get("content")) for item in items if item.get("role") == "user"]
        return Question(
            model=body["model"],
            streamed=bool(body.get("stream")),
            prompt=json.dumps([body.get("instructions"), items, body.get("tools")]),
            user=users[-1] if users else "",
            tools=tuple(Tool(entry["name"], entry.get("parameters") or {}) for entry in functions),
            must_call=choice.get("name", "") if isinstance(choice, dict) else "" if choice == "required" else None,
            may_call=choice != "none" and (not items or items[-1].get("type") != "function_call_output"),
            schema=form["schema"] if form.get("type") == "json_schema" else None,
            thinks=body["model"].startswith("gpt-5") and (body.get("reasoning") or {}).get("effort") != "none",
            caches=True,
            max_tokens=body.get("max_output_tokens"),
        )

    def reply(self, question: Question, answer: Answer, *, usage: bool) -> tuple[Json, Tokens]:
        known = answer.tokens if usage else UNREPORTED
        return _response(question, answer, _end(answer), usage=usage), known

    def stream(self, question: Question, answer: Answer, *, usage: bool) -> list[Frame]:
        end = {"response": _response(question, answer, _end(answer), usage=usage)}
        steps = [*_steps(question, answer), (f"response.{_end(answer)}", end)]
        events = [
            event({"type": kind, "sequence_number": number, **data}, kind) for number, (kind, data) in enumerate(steps)
        ]
        return [*map(Frame, events[:-1]), Frame(events[-1], answer.tokens if usage else UNREPORTED)]

    def stream_error(self, question: Question, answer: Answer) -> bytes:
        failed = _response(question, answer, "failed", usage=False)
        failed["error"] = {"code": "server_error", "message": "The server had an error while processing your request."}
        return event({"type": "response.failed", "sequence_number": 1000, "response": failed}, "response.failed")

    def error(self, status: int, message: str) -> Json:
        return openai_error(status, message)


def _end(answer: Answer) -> str:
    return "incomplete" if answer.truncated else "completed"


def _response(question: Question, answer: Answer, status: str, *, usage: bool) -> Json:
    finished = status in ("completed", "incomplete")
    return {
        "id": f"resp_{answer.id}",
        "object": "response",
        "created_at": int(time.time()),
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "max_output_tokens": question.max_tokens,
        "model": served_as(question.model),
        "output": _items(answer) if finished else [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _usage(answer.tokens) if finished and usage else None,
        "user": None,
        "metadata": {},
    }


def _items(answer: Answer) -> list[Json]:
    """The output items as they are when they are done."""
    items: list[Json] = []
    if answer.thought:
        items.append({"id": f"rs_{answer.id}", "type": "reasoning", "summary": []})
    if answer.text:
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": answer.text}
        status = "incomplete" if answer.truncated else "completed"
        message = {"type": "message", "status": status, "role": "assistant", "content": [part]}
        items.append({"id": f"msg_{answer.id}", **message})
    for call in answer.tool_calls:
        named = {"call_id": f"call_{call.id}", "name": call.name, "arguments": call.arguments}
        items.append({"id": f"fc_{call.id}", "type": "function_call", "status": "completed", **named})
    return items


def _steps(question: Question, answer: Answer) -> Iterator[tuple[str, Json]]:
    """Every event before the last one, in the order of the real API."""
    for state in ("created", "in_progress"):
        yield f"response.{state}", {"response": _response(question, answer, "in_progress", usage=False)}
    for index, item in enumerate(_items(answer)):
        place = {"item_id": item["id"], "output_index": index}
        yield "response.output_item.added", {"output_index": index, "item": _opened(item)}
        if item["type"] == "message":
            yield from _text_steps(answer, {**place, "content_index": 0})
        elif item["type"] == "function_call":
            half = len(item["arguments"]) // 2
            for delta in (item["arguments"][:half], item["arguments"][half:]):
                yield "response.function_call_arguments.delta", {**place, "delta": delta}
            done = {**place, "name": item["name"], "arguments": item["arguments"]}
            yield "response.function_call_arguments.done", done
        yield "response.output_item.done", {"output_index": index, "item": item}


def _opened(item: Json) -> Json:
    """An output item before anything of it has been streamed."""
    empties: dict[str, Json] = {"message": {"content": []}, "function_call": {"arguments": ""}}
    empty = empties.get(item["type"])
    return {**item, "status": "in_progress", **empty} if empty else item


def _text_steps(answer: Answer, place: Json) -> Iterator[tuple[str, Json]]:
    part: Json = {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
    yield "response.content_part.added", {**place, "part": part}
    for piece in answer.pieces():
        yield "response.output_text.delta", {**place, "delta": piece, "logprobs": []}
    yield "response.output_text.done", {**place, "text": answer.text, "logprobs": []}
    yield "response.content_part.done", {**place, "part": {**part, "text": answer.text}}


def _usage(tokens: Tokens) -> Json:
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cache_read, "cache_write_tokens": tokens.cache_write},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": (tokens.input or 0) + (tokens.output or 0),
    }
