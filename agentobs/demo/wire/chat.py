"""OpenAI's chat completions."""

from __future__ import annotations

import json
import time

from ..answer import Answer, Json, Question, Tool
from ..tariff import UNREPORTED, Tokens, served_as
from . import Frame, event, openai_error, text_of


class Chat:
    """`POST .../chat/completions`, also behind an Azure deployment's path."""

    provider = "openai"
    operation = "chat"

    def question(self, body: Json) -> Question:
        messages = body["messages"]
        choice = body.get("tool_choice")
        form = body.get("response_format") or {}
        users = [text_of(message.get("content")) for message in messages if message.get("role") == "user"]
        return Question(
            model=body["model"],
            streamed=bool(body.get("stream")),
            prompt=json.dumps([messages, body.get("tools")]),
            user=users[-1] if users else "",
            tools=tuple(
                Tool(entry["function"]["name"], entry["function"].get("parameters") or {})
                for entry in body.get("tools") or []
            ),
            must_call=choice["function"]["name"] if isinstance(choice, dict) else "" if choice == "required" else None,
            may_call=choice != "none" and messages[-1].get("role") != "tool",
            schema=form["json_schema"]["schema"] if form.get("type") == "json_schema" else None,
            thinks=body["model"].startswith("gpt-5") and body.get("reasoning_effort") != "none",
            caches=True,
            max_tokens=body.get("max_completion_tokens") or body.get("max_tokens"),
            include_usage=bool((body.get("stream_options") or {}).get("include_usage")),
        )

    def reply(self, question: Question, answer: Answer, *, usage: bool) -> tuple[Json, Tokens]:
        message: Json = {"role": "assistant", "content": answer.text or None, "refusal": None, "annotations": []}
        if answer.tool_calls:
            message["tool_calls"] = _tool_calls(answer)
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
        body = {**_head(question, answer, "chat.completion"), "choices": [choice], "usage": None}
        if not usage:
            return body, UNREPORTED
        return {**body, "usage": _usage(answer.tokens)}, _reported(answer.tokens)

    def stream(self, question: Question, answer: Answer, *, usage: bool) -> list[Frame]:
        head = _head(question, answer, "chat.completion.chunk")
        if question.include_usage:
            head["usage"] = None
        frames = [Frame(_chunk(head, delta)) for delta in _deltas(answer)]
        frames.append(Frame(_chunk(head, {}, _finish(answer))))
        if not (question.include_usage and usage):
            return [*frames, Frame(b"data: [DONE]\n\n")]
        known = _reported(answer.tokens)
        last = event({**head, "choices": [], "usage": _usage(answer.tokens)})
        return [*frames, Frame(last, known), Frame(b"data: [DONE]\n\n", known)]

    def stream_error(self, question: Question, answer: Answer) -> bytes:
        return event(self.error(500, "The server had an error while processing your request."))

    def error(self, status: int, message: str) -> Json:
        return openai_error(status, message)


def _head(question: Question, answer: Answer, kind: str) -> Json:
    return {
        "id": f"chatcmpl-{answer.id}",
        "object": kind,
        "created": int(time.time()),
        "model": served_as(question.model),
        "service_tier": "default",
        "system_fingerprint": "fp_0d3m0",
    }


def _chunk(head: Json, delta: Json, finish: str | None = None) -> bytes:
    return event({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]})


def _deltas(answer: Answer) -> list[Json]:
    if not answer.tool_calls:
        first: Json = {"role": "assistant", "content": "", "refusal": None}
        return [first, *({"content": piece} for piece in answer.pieces())]
    deltas: list[Json] = []
    for index, call in enumerate(_tool_calls(answer)):
        opened = {**call, "index": index, "function": {"name": call["function"]["name"], "arguments": ""}}
        deltas.append({"tool_calls": [opened]})
        text = call["function"]["arguments"]
        halves = (text[: len(text) // 2], text[len(text) // 2 :])
        deltas.extend({"tool_calls": [{"index": index, "function": {"arguments": half}}]} for half in halves)
    deltas[0] = {"role": "assistant", "content": None, **deltas[0]}
    return deltas


def _tool_calls(answer: Answer) -> list[Json]:
    return [
        {"id": f"call_{call.id}", "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
        for call in answer.tool_calls
    ]


def _finish(answer: Answer) -> str:
    return "tool_calls" if answer.tool_calls else "length" if answer.truncated else "stop"


def _usage(tokens: Tokens) -> Json:
    return {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": (tokens.input or 0) + (tokens.output or 0),
        "prompt_tokens_details": {"cached_tokens": tokens.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": tokens.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def _reported(tokens: Tokens) -> Tokens:
    """Chat completions say nothing about cache writes."""
    return Tokens(tokens.input, tokens.output, tokens.cache_read, None, tokens.reasoning)
