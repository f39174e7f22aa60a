"""What the anthropic client sends and gets: its model routes, request parameters, answers and events.

Source of the shapes: anthropic 1.17 and 2.12. `input_tokens` on the wire leaves cached tokens out; the conventions count
them in, so the three are added up. `message_delta` repeats usage cumulatively: the last word counts, nothing is summed.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from ...records.usage import Usage
from ..observer import Observer
from ..patching import Installed, Patch
from ..reading import finite, pick, text, texts, whole
from ..seams.base_client import BaseClient, Reading, Route, Rule

_RULES: dict[str, Rule] = {
    "max_tokens": ("max_tokens", whole),
    "max_tokens_to_sample": ("max_tokens", whole),
    "temperature": ("temperature", finite),
    "top_p": ("top_p", finite),
    "top_k": ("top_k", whole),
    "stop_sequences": ("stop_sequences", texts),
    "output_config": (
        "reasoning_level",
        lambda value: text(pick(value, "effort")) if isinstance(value, dict) else None,
    ),
}
_COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")


class _Spent:
    """Usage as the wire gives it, merged over the events of a stream field by field."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.one_hour: int | None = None
        self.thinking: int | None = None
        self.tier: str | None = None

    def add(self, usage: Any) -> None:
        if usage is None:
            return
        for name in _COUNTS:
            count = whole(pick(usage, name))
            if count is not None:
                self.counts[name] = count
        one_hour = whole(pick(pick(usage, "cache_creation"), "ephemeral_1h_input_tokens"))
        self.one_hour = self.one_hour if one_hour is None else one_hour
        thinking = whole(pick(pick(usage, "output_tokens_details"), "thinking_tokens"))
        self.thinking = self.thinking if thinking is None else thinking
        speed = text(pick(usage, "speed"))
        self.tier = speed if speed not in (None, "standard") else text(pick(usage, "service_tier")) or self.tier

    def usage(self, output_known: bool) -> Usage | None:
        """The normalised usage; `output_known` is false for a stream that was cut before its last event."""
        read = self.counts.get("cache_read_input_tokens")
        write = self.counts.get("cache_creation_input_tokens")
        fresh = self.counts.get("input_tokens")
        spent_in = None if fresh is None else fresh + (read or 0) + (write or 0)
        spent_out = self.counts.get("output_tokens") if output_known else None
        if spent_in is None and spent_out is None:
            return None
        return Usage(
            input_tokens=spent_in,
            output_tokens=spent_out,
            cache_read_tokens=read,
            cache_write_tokens=write,
            cache_write_1h_tokens=self.one_hour,
            reasoning_tokens=self.thinking,
            service_tier=self.tier,
        )


def read_message(reading: Reading, answer: Any) -> None:
    """A message, or a legacy completion."""
    reading.result.id = text(pick(answer, "id"))
    reading.result.model = text(pick(answer, "model"))
    reason = text(pick(answer, "stop_reason"))
    reading.result.finish_reasons = (reason,) if reason is not None else ()
    spent = _Spent()
    spent.add(pick(answer, "usage"))
    reading.result.usage = spent.usage(output_known=True)


def read_events(reading: Reading, chunks: list[Any]) -> bool:
    """Events of a streamed message: whole where `message_stop` came, or at least the stop reason."""
    spent = _Spent()
    complete = False
    for chunk in chunks:
        kind = pick(chunk, "type")
        if kind == "message_start":
            message = pick(chunk, "message")
            reading.result.id = text(pick(message, "id"))
            reading.result.model = text(pick(message, "model"))
            spent.add(pick(message, "usage"))
        elif kind == "message_delta":
            reason = text(pick(pick(chunk, "delta"), "stop_reason"))
            if reason is not None:
                reading.result.finish_reasons = (reason,)
                complete = True
            spent.add(pick(chunk, "usage"))
        elif kind == "message_stop":
            complete = True
        elif kind == "completion":
            reading.result.model = text(pick(chunk, "model")) or reading.result.model
            reason = text(pick(chunk, "stop_reason"))
            if reason is not None:
                reading.result.finish_reasons, complete = (reason,), True
    reading.result.usage = spent.usage(output_known=complete)
    return complete


_MESSAGES = Route("chat", _RULES, read_message, read_events, {})
_COMPLETE = Route("text_completion", _RULES, read_message, read_events, {})
_POST = {"/v1/messages": _MESSAGES, "/v1/complete": _COMPLETE}


def route_of(method: str, path: str, _: str) -> Route | None:
    """The route of a request, `None` for one that asks no model (`/v1/messages/count_tokens`, `/v1/models`, ...)."""
    if method != "post":
        return None
    for ending, route in _POST.items():
        if path.endswith(ending):
            return route
    return None


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch `anthropic._base_client`; the client's own tracer stands back where our span is the call's."""
    patches = list(BaseClient("anthropic", observer, route_of).patches(module))
    owner = getattr(module, "BaseClient", None)
    if owner is not None and isinstance(owner.__dict__.get("_tracer"), property):
        patches.append(Patch(owner, "_tracer", _adopting(observer)))
    return Installed(patches)


def _adopting(observer: Observer) -> Callable[[property], property]:
    def replaced(original: property) -> property:
        fget: Callable[[Any], Any] = original.fget  # type: ignore[assignment]

        def _tracer(client: Any) -> Any:
            tracer = fget(client)
            call = observer.current_call()
            if tracer is None or call is None:
                return tracer
            return call.adopt(tracer, (getattr(client, "_open_telemetry", None) or {}).get("tracer_provider"))

        return property(_tracer, doc=original.__doc__)

    return replaced
