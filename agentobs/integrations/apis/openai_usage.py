"""Usage as OpenAI's APIs report it, and what their many other speakers make of it.

Source of the shapes: openai 2.54 and 3.57, and what Azure, DeepSeek, Gemini, Groq, OpenRouter, Together and xAI send
through the same client.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...records.calls import CallRequest
from ...records.usage import Usage
from ..reading import fields, finite, pick, text, whole

_TICKS_PER_USD = 10_000_000_000
_THOUGHTS_IN_TOTAL = ("gcp.gemini", "gcp.vertex_ai")


def read_usage(request: CallRequest, usage: Any) -> Usage | None:
    """Usage of any of the APIs; the newer ones say input and output, the older prompt and completion.

    `None` where no tokens are reported: nothing, or a duration (Whisper, which is billed by the minute).
    """
    body = fields(usage)
    new = "input_tokens" in body
    spent_in = whole(body.get("input_tokens" if new else "prompt_tokens"))
    spent_out = whole(body.get("output_tokens" if new else "completion_tokens"))
    if spent_in is None and spent_out is None:
        return None
    details_in, details_out = _details(body, new)
    reasoning = whole(details_out.get("reasoning_tokens"))
    if spent_in is not None and spent_out is not None and body.get("total_tokens") != spent_in + spent_out:
        apart = (whole(body.get("total_tokens")) or 0) - spent_in - spent_out
        if apart > 0 and apart == reasoning:
            # xAI's chat API keeps reasoning out of completion_tokens; only its total tells.
            spent_out += apart
        elif apart > 0 and not reasoning and request.provider in _THOUGHTS_IN_TOTAL:
            # Gemini's thoughts are billed as output and stand in the total alone.
            spent_out, reasoning = spent_out + apart, apart
    return Usage(
        spent_in,
        None if request.operation == "embeddings" else spent_out,
        _cached(body, details_in),
        whole(details_in.get("cache_write_tokens")),
        None,
        reasoning,
        whole(details_in.get("audio_tokens")) or None,
        whole(details_out.get("audio_tokens")) or None,
        None,
        _charged(request.provider, body),
    )


def svg_usage(holder: Any) -> tuple[tuple[str | None, Usage], ...]:
    """What another model used to write a picture as SVG, which is billed apart from rendering it."""
    body = fields(pick(holder, "svg_usage"))
    spent_in, spent_out = whole(body.get("input_tokens")), whole(body.get("output_tokens"))
    if spent_in is None or spent_out is None:
        return ()
    usage = Usage(spent_in, spent_out, reasoning_tokens=whole(body.get("reasoning_tokens")))
    return ((text(body.get("model")), usage),)


def _details(body: Mapping[str, Any], new: bool) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The breakdowns of both sides; transcriptions spell their names in the singular."""
    if not new:
        return fields(body.get("prompt_tokens_details")), fields(body.get("completion_tokens_details"))
    given, answered = body.get("input_tokens_details"), body.get("output_tokens_details")
    return (
        fields(body.get("input_token_details") if given is None else given),
        fields(body.get("output_token_details") if answered is None else answered),
    )


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
