"""What the openai client sends and gets: its model routes, request parameters, answers and chunks.

Source of the shapes: openai 2.54 and 3.54, and what Azure, DeepSeek, Groq, OpenRouter, Together and xAI send through the
same client.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ...records.usage import Usage
from ..errors import reported_failure
from ..observer import Observer
from ..patching import Installed
from ..reading import fields, finite, items, pick, text, texts, whole
from ..seams.base_client import BaseClient, Reading, Route, Rule

_TICKS_PER_USD = 10_000_000_000
_FORMATS = {"json_object": "json", "json_schema": "json", "text": "text"}


def _seed(value: Any) -> int | None:
    return value if type(value) is int and -(2**63) <= value < 2**63 else None


def _not_auto(value: Any) -> str | None:
    return None if value == "auto" else text(value)


def _more_than_one(value: Any) -> int | None:
    return None if value == 1 else whole(value)


def _format(value: Any) -> str | None:
    kind = pick(value, "type") if isinstance(value, dict) else None
    return _FORMATS.get(kind) if isinstance(kind, str) else None


_COMMON: dict[str, Rule] = {
    "temperature": ("temperature", finite),
    "top_p": ("top_p", finite),
    "service_tier": ("service_tier", _not_auto),
}
_COMPLETION_RULES: dict[str, Rule] = {
    **_COMMON,
    "max_tokens": ("max_tokens", whole),
    "n": ("choice_count", _more_than_one),
    "seed": ("seed", _seed),
    "frequency_penalty": ("frequency_penalty", finite),
    "presence_penalty": ("presence_penalty", finite),
    "stop": ("stop_sequences", texts),
}
_CHAT_RULES: dict[str, Rule] = {
    **_COMPLETION_RULES,
    "max_completion_tokens": ("max_tokens", whole),
    "response_format": ("output_type", _format),
    "reasoning_effort": ("reasoning_level", text),
}
_RESPONSES_RULES: dict[str, Rule] = {
    **_COMMON,
    "max_output_tokens": ("max_tokens", whole),
    "text": ("output_type", lambda value: _format(pick(value, "format")) if isinstance(value, dict) else None),
    "reasoning": ("reasoning_level", lambda value: text(pick(value, "effort")) if isinstance(value, dict) else None),
    "previous_response_id": ("previous_response_id", text),
}
_EMBEDDING_RULES: dict[str, Rule] = {"encoding_format": ("encoding_formats", texts)}


def _usage(reading: Reading, usage: Any) -> None:
    """Usage of any of the client's APIs; the newer ones say input and output, the older prompt and completion."""
    if usage is None:
        return
    said = fields(usage)
    new = "input_tokens" in said
    spent_in = whole(said.get("input_tokens" if new else "prompt_tokens"))
    spent_out = whole(said.get("output_tokens" if new else "completion_tokens"))
    if spent_in is None and spent_out is None:
        return
    details_in = fields(said.get("input_tokens_details" if new else "prompt_tokens_details"))
    details_out = fields(said.get("output_tokens_details" if new else "completion_tokens_details"))
    reasoning = whole(details_out.get("reasoning_tokens"))
    if reasoning and spent_in is not None and spent_out is not None:
        # xAI's chat API keeps reasoning out of completion_tokens; only its total tells.
        spent_out += reasoning if said.get("total_tokens") == spent_in + spent_out + reasoning else 0
    found = reading.result.usage
    if found is None:
        found = reading.result.usage = Usage()
    found.input_tokens = spent_in
    found.output_tokens = None if reading.request.operation == "embeddings" else spent_out
    found.cache_read_tokens = _cached(said, details_in)
    found.cache_write_tokens = whole(details_in.get("cache_write_tokens"))
    found.reasoning_tokens = reasoning
    found.audio_input_tokens = whole(details_in.get("audio_tokens")) or None
    found.audio_output_tokens = whole(details_out.get("audio_tokens")) or None
    found.reported_cost_usd = _charged(reading.request.provider, said)


def _charged(provider: str, usage: Mapping[str, Any]) -> float | None:
    """What the provider says that it charged, in USD; only those that document it are believed.

    Source: OpenRouter's usage accounting; xAI's cost tracking, which counts 10,000,000,000 ticks to the dollar.
    """
    if provider == "openrouter":
        return finite(usage.get("cost"))
    ticks = whole(usage.get("cost_in_usd_ticks")) if provider == "x_ai" else None
    return None if ticks is None else ticks / _TICKS_PER_USD


def _cached(usage: Mapping[str, Any], details: Mapping[str, Any]) -> int | None:
    """Cached tokens; DeepSeek and Together say them beside the totals."""
    read = details.get("cached_tokens")
    if read is None:
        read = usage.get("prompt_cache_hit_tokens", usage.get("cached_tokens"))
    return whole(read)


def _identity(reading: Reading, said: Mapping[str, Any]) -> None:
    reading.result.id = text(said.get("id")) or reading.result.id
    reading.result.model = text(said.get("model")) or reading.result.model
    reading.result.system_fingerprint = text(said.get("system_fingerprint")) or reading.result.system_fingerprint


def _tier(reading: Reading, said: Mapping[str, Any]) -> None:
    tier = text(said.get("service_tier"))
    if tier is not None and reading.result.usage is not None:
        reading.result.usage.service_tier = tier


def read_completion(reading: Reading, answer: Any) -> None:
    """A chat completion or a legacy completion."""
    said = fields(answer)
    _identity(reading, said)
    reasons = [text(pick(choice, "finish_reason")) for choice in items(said.get("choices"))]
    reading.result.finish_reasons = tuple([reason for reason in reasons if reason is not None])
    _usage(reading, said.get("usage"))
    _tier(reading, said)


def read_completion_chunks(reading: Reading, chunks: list[Any]) -> bool:
    """Chunks of a streamed completion: whole where a finish reason came for some choice.

    Some servers (vLLM, xAI) repeat usage in every chunk: its output is that of the chunks so far.
    """
    reasons: dict[int, str] = {}
    for chunk in chunks:
        said = fields(chunk)
        _identity(reading, said)
        for choice in items(said.get("choices")):
            reason = text(pick(choice, "finish_reason"))
            if reason is not None:
                reasons[whole(pick(choice, "index")) or 0] = reason
        _usage(reading, said.get("usage") or pick(said.get("x_groq"), "usage"))
        _tier(reading, said)
    reading.result.finish_reasons = tuple(reasons[index] for index in sorted(reasons))
    if not reasons and reading.result.usage is not None:
        reading.result.usage.output_tokens = reading.result.usage.reasoning_tokens = (
            reading.result.usage.audio_output_tokens
        ) = None
        reading.result.usage.reported_cost_usd = None
    return bool(reasons)


def read_response(reading: Reading, answer: Any) -> None:
    """An answer of the Responses API; its finish reason is why it is incomplete, else its status."""
    said = fields(answer)
    _identity(reading, said)
    status = text(said.get("status"))
    reason = text(pick(said.get("incomplete_details"), "reason")) or status
    reading.result.finish_reasons = (reason,) if reason is not None else ()
    _usage(reading, said.get("usage"))
    _tier(reading, said)
    if status == "failed":
        reading.ending = reported_failure(said.get("error"))


def read_response_chunks(reading: Reading, chunks: list[Any]) -> bool:
    """Events of a streamed response: whole where one of the closing events came."""
    for chunk in chunks:
        kind = pick(chunk, "type")
        answer = pick(chunk, "response")
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            read_response(reading, answer)
            return True
        if answer is not None:
            _identity(reading, fields(answer))
        if kind == "error":
            reading.ending = reported_failure(chunk)
    return False


def read_embeddings(reading: Reading, answer: Any) -> None:
    """Embeddings: usage and the length of the first vector, where it is a list of numbers."""
    reading.result.model = text(pick(answer, "model"))
    _usage(reading, pick(answer, "usage"))
    for entry in items(pick(answer, "data")):
        vector = pick(entry, "embedding")
        reading.result.dimensions = len(vector) if isinstance(vector, list) else None
        break


def read_media(reading: Reading, answer: Any) -> None:
    """Images, speech and transcriptions: usage where the provider reports tokens."""
    _identity(reading, fields(answer))
    usage = pick(answer, "usage")
    if pick(usage, "type") != "duration":
        _usage(reading, usage)


def read_media_chunks(reading: Reading, chunks: list[Any]) -> bool:
    """Events of a streamed image or transcription; the closing one carries the usage."""
    for chunk in chunks:
        read_media(reading, chunk)
    kind = pick(chunks[-1], "type") if chunks else None
    return type(kind) is str and kind.endswith((".done", ".completed"))


def read_fetched(reading: Reading, answer: Any) -> None:
    """A stored response that was fetched: it has a status, and usage that was counted when it was made."""
    _identity(reading, fields(answer))
    reading.result.status = text(pick(answer, "status"))


def read_fetched_chunks(reading: Reading, chunks: list[Any]) -> bool:
    """Events of a stored response that is streamed again."""
    complete = read_response_chunks(reading, chunks)
    reading.result.usage = None
    return complete


_CHAT = Route("chat", _CHAT_RULES, read_completion, read_completion_chunks, {"api_type": "chat_completions"})
_RESPONSES = Route("chat", _RESPONSES_RULES, read_response, read_response_chunks, {"api_type": "responses"})
_FETCH = Route("fetch_response", {}, read_fetched, read_fetched_chunks, {})
_COMPLETIONS = Route("text_completion", _COMPLETION_RULES, read_completion, read_completion_chunks, {})
_EMBEDDINGS = Route("embeddings", _EMBEDDING_RULES, read_embeddings, read_media_chunks, {})


def _media(output_type: str) -> Route:
    return Route("generate_content", {}, read_media, read_media_chunks, {"output_type": output_type})


_POST = {
    "/chat/completions": _CHAT,
    "/responses": _RESPONSES,
    "/completions": _COMPLETIONS,
    "/embeddings": _EMBEDDINGS,
    "/images/generations": _media("image"),
    "/images/edits": _media("image"),
    "/images/variations": _media("image"),
    "/audio/speech": _media("speech"),
    "/audio/transcriptions": _media("text"),
    "/audio/translations": _media("text"),
}


def route_of(method: str, path: str, _: str) -> Route | None:
    """The route of a request, `None` for one that asks no model (`/models`, `/files`, `/batches`, ...).

    Absolute URLs and deployment paths count too: what matters is how the path ends.
    """
    if method == "post":
        for ending in sorted(_POST, key=len, reverse=True):
            if path.endswith(ending):
                return _POST[ending]
        return None
    parent, _, last = path.rpartition("/")
    return _FETCH if method == "get" and parent.endswith("/responses") and last else None


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch the base clients of `openai._base_client`."""
    return Installed(BaseClient("openai", observer, route_of).patches(module))
