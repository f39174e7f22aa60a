"""Request parameters of the APIs: which field of the body is which parameter, and what makes its value of it.

They are read from the body as it is sent, `extra_body` included. Values are plain whatever subclass they came as.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..reading import finite, integer, pick, text, texts, whole

Rule = tuple[str, Callable[[Any], Any]]
"""Field of `CallRequest.parameters`, and what makes its value of the body's; `None` means that it is left out."""

_FORMATS = {"json_object": "json", "json_schema": "json", "text": "text"}


def _seed(value: Any) -> int | None:
    known = integer(value)
    return known if known is not None and -(2**63) <= known < 2**63 else None


def _not_auto(value: Any) -> str | None:
    known = text(value)
    return None if known == "auto" else known


def _more_than_one(value: Any) -> int | None:
    known = whole(value)
    return None if known == 1 else known


def _format(value: Any) -> str | None:
    return _FORMATS.get(text(pick(value, "type")) or "") if isinstance(value, dict) else None


_OPENAI: dict[str, Rule] = {
    "temperature": ("temperature", finite),
    "top_p": ("top_p", finite),
    "service_tier": ("service_tier", _not_auto),
}
COMPLETIONS: dict[str, Rule] = {
    **_OPENAI,
    "max_tokens": ("max_tokens", whole),
    "n": ("choice_count", _more_than_one),
    "seed": ("seed", _seed),
    "frequency_penalty": ("frequency_penalty", finite),
    "presence_penalty": ("presence_penalty", finite),
    "stop": ("stop_sequences", texts),
}
CHAT_COMPLETIONS: dict[str, Rule] = {
    **COMPLETIONS,
    "max_completion_tokens": ("max_tokens", whole),
    "response_format": ("output_type", _format),
    "reasoning_effort": ("reasoning_level", text),
}
RESPONSES: dict[str, Rule] = {
    **_OPENAI,
    "max_output_tokens": ("max_tokens", whole),
    "text": ("output_type", lambda value: _format(pick(value, "format"))),
    "reasoning": ("reasoning_level", lambda value: text(pick(value, "effort"))),
    "previous_response_id": ("previous_response_id", text),
}
EMBEDDINGS: dict[str, Rule] = {"encoding_format": ("encoding_formats", texts)}
ANTHROPIC_MESSAGES: dict[str, Rule] = {
    "max_tokens": ("max_tokens", whole),
    "max_tokens_to_sample": ("max_tokens", whole),
    "temperature": ("temperature", finite),
    "top_p": ("top_p", finite),
    "top_k": ("top_k", whole),
    "stop_sequences": ("stop_sequences", texts),
    "output_config": ("reasoning_level", lambda value: text(pick(value, "effort"))),
}
