"""Every field of every usage object in the clients' answers is read, or named here with the reason why it is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from agentobs.integrations.apis.anthropic_messages import AnthropicMessage
from agentobs.integrations.apis.openai_usage import read_usage, svg_usage
from agentobs.integrations.apis.responses import Response
from agentobs.records.calls import CallRequest
from agentobs.records.usage import Usage
from tests.support.clients.surface import CLIENTS, methods, usage_types

TOOL = {"type": "image_generation", "model": "gpt-image-1"}
NOT_READ = {
    "total_tokens": "the sum of the others",
    "type": "which of the shapes it is",
    "text_tokens": "what is left of the whole when audio is taken away",
    "image_tokens": "the price table has one rate for the tokens that a model reads, and one for those that it writes",
    "accepted_prediction_tokens": "part of the output, billed as output",
    "rejected_prediction_tokens": "part of the output, billed as output",
    "ttl_12h_tokens": "part of the cache writes, for which there is one rate",
    "ttl_30m_tokens": "part of the cache writes, for which there is one rate",
    "ephemeral_5m_input_tokens": "what is left of the cache writes when those for an hour are taken away",
    "seconds": "billed by the minute, not by tokens: counted as unpriced",
    "inference_geo": "surcharges of regions are in no price of tokens",
    "num_requests": "searches are billed by the search, not by tokens",
    "cached_tokens_details": "parts of the cached tokens, for which there is one rate",
    "web_search_requests": "searches are billed by the search, not by tokens",
    "web_fetch_requests": "free of charge but for the tokens that are read",
    "code_execution_requests": "billed by the hour of the container, not by tokens",
    "tool_search_requests": "free of charge but for the tokens that are read",
    "fallback_credit": "a credit on the bill, whose amount it does not say",
}


def kinds() -> list[Any]:
    """The usage objects in the answers and events of every method that is a call."""
    found: dict[str, Any] = {}
    for client in CLIENTS.values():
        for method in methods(client.resources):
            if client.route_of(method.verb, method.path) is not None:
                for answer in method.answers:
                    found |= {f"{kind.__module__}.{kind.__name__}": kind for kind in usage_types(answer)}
    return [pytest.param(kind, id=name) for name, kind in sorted(found.items())]


def sample(kind: Any, number: int = 100) -> Any:
    """A value of a field's type: numbers from `number` on, objects with all their fields, the first of alternatives."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: sample(field.annotation, number) for name, field in kind.model_fields.items()}
    if get_origin(kind) is list:
        return [sample(part, number) for part in alternatives(get_args(kind)[0])]
    options = alternatives(kind)
    if options != [kind]:
        return sample(options[0], number)
    arguments = get_args(kind)
    if arguments:
        return sample(arguments[0], number) if not isinstance(arguments[0], str) else arguments[0]
    return {int: number, float: float(number), str: "text", bool: True}.get(kind, "text")


def alternatives(kind: Any) -> list[Any]:
    """The members of a union that are not `None`, whatever it is wrapped in."""
    if get_origin(kind) is not None and hasattr(kind, "__metadata__"):
        return alternatives(get_args(kind)[0])
    members = [part for part in get_args(kind) if part is not type(None)]
    is_union = "Union" in str(get_origin(kind)) or get_origin(kind).__class__.__name__ == "UnionType"
    return [inner for part in members for inner in alternatives(part)] if members and is_union else [kind]


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else None
    if entries is None:
        yield path
    else:
        for key, inner in entries:
            yield from leaves(inner, (*path, key))


def changed(value: Any, path: tuple[Any, ...]) -> Any:
    """The same with another value at `path`."""
    if not path:
        return value + 1 if isinstance(value, (int, float)) else "another"
    copy = dict(value) if isinstance(value, Mapping) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:])
    return copy


def read(kind: type, said: Any) -> Usage | None:
    """What is known of a usage object, as a call reads it."""
    request = CallRequest("chat", "openai", "m")
    if kind.__module__.startswith("anthropic"):
        answer = AnthropicMessage(request)
        answer.take({"content": [], "usage": said})
        return answer.result.usage
    if kind.__name__ == "ToolUsage":
        response = Response(request)
        response.take({"status": "completed", "output": [], "tool_usage": said, "tools": [TOOL]})
        return response.result.usage
    if kind.__name__.endswith("SvgUsage"):
        return Usage(others=svg_usage({"svg_usage": said}))
    return read_usage(request, said)


@pytest.mark.parametrize("kind", kinds())
def test_every_field_is_read_or_named(kind: Any) -> None:
    said = sample(kind)
    known = read(kind, said)
    ignored = [path for path in leaves(said) if read(kind, changed(said, path)) == known]
    unnamed = [path for path in ignored if not any(part in NOT_READ for part in path) and not _repeats(path, said)]
    assert not unnamed


def _repeats(path: tuple[Any, ...], said: Any) -> bool:
    """An iteration of the message itself repeats the fields at the top."""
    if path[0] != "iterations":
        return False
    return str(said["iterations"][path[1]]["type"]) in ("message", "fallback_message")


def test_they_are_found() -> None:
    names = {parameter.id for parameter in kinds()}
    assert {
        "openai.types.completion_usage.CompletionUsage",
        "openai.types.responses.response_usage.ResponseUsage",
        "openai.types.audio.transcription.UsageTokens",
        "anthropic.types.usage.Usage",
        "anthropic.types.beta.beta_message_delta_usage.BetaMessageDeltaUsage",
    } <= names
