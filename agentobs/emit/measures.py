"""The metric series and starting attributes of calls that share their labels, made once and held."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from ..catalogue import Metric, genai, own
from ..record import Call, Usage
from .sinks import Observe, Series, Sum

_INFERENCE = frozenset({"chat", "text_completion", "generate_content"})
_AZURE = "azure.ai.openai"


class Opening:
    """What every call of one operation, provider and model starts with."""

    __slots__ = ("active", "attributes", "name")

    def __init__(self, call: Call, series: Series) -> None:
        self.name = f"{call.operation} {call.request_model}" if call.request_model else call.operation
        if call.operation == "fetch_response":
            self.name = call.operation
        attributes = {
            genai.OPERATION.name: call.operation,
            genai.PROVIDER.name: call.provider,
            genai.REQUEST_MODEL.name: call.request_model,
            genai.SERVER_ADDRESS.name: call.server_address,
            genai.SERVER_PORT.name: call.server_port,
            genai.AZURE_NAMESPACE.name: "Microsoft.CognitiveServices" if call.provider == _AZURE else None,
        }
        self.attributes = {name: value for name, value in attributes.items() if value is not None}
        self.active = series.sum(own.CALLS_ACTIVE, call.operation, call.provider, call.request_model)


class _Kind(NamedTuple):
    """The metrics of one kind of token count, as far as they are emitted: sums, and histograms of single calls."""

    sums: tuple[Sum, ...]
    observers: tuple[Observe, ...]


class Measures:
    """The metric series of calls that share their labels, made when the first such call ends."""

    def __init__(self, series: Series, agent: str | None, call: Call, streamed: str) -> None:
        self._series = series
        self._common = (
            call.operation,
            call.provider,
            call.request_model,
            call.response_model,
            call.server_address,
            call.server_port,
        )
        self._model = (agent, call.operation, call.provider, call.request_model, call.response_model)
        self._error_type = call.error_type
        self._inference = inference = call.operation in _INFERENCE
        self._compat = series.emits(genai.TOKEN_USAGE)
        self.calls = series.sum(own.CALLS, *self._model, streamed, call.outcome, call.error_class)
        self.durations = self._observers(
            (genai.INFERENCE_DURATION, inference),
            (genai.OPERATION_DURATION, self._compat or not inference),
            tail=(call.error_type,),
        )
        self.first_chunk = self._observers(
            (genai.INFERENCE_FIRST_CHUNK, inference), (genai.OPERATION_FIRST_CHUNK, True)
        )
        self.chunk_gap = self._observers((genai.INFERENCE_PER_CHUNK, inference), (genai.OPERATION_PER_CHUNK, True))

    def _observers(self, *rows: tuple[Metric, bool], tail: tuple[object, ...] = ()) -> tuple[Observe, ...]:
        return tuple(
            self._series.observe(metric, *self._common, *tail)
            for metric, applies in rows
            if applies and self._series.emits(metric)
        )

    def _sums(self, whole: Metric, kind: str | None, modality: str = "unknown") -> tuple[Sum, ...]:
        sums = []
        if self._inference and self._series.emits(whole):
            sums.append(self._series.sum(whole, *self._common, modality))
        if kind is not None:
            sums.append(self._series.sum(own.TOKENS, *self._model, kind))
        return tuple(sums)

    # Made when first needed: a provider that never reports a count must not show it as 0.
    @cached_property
    def cost(self) -> tuple[Sum, Observe]:
        return (
            self._series.sum(own.COST, *self._model),
            self._series.observe(own.CALL_COST, self._model[2], self._model[3]),
        )

    @cached_property
    def input(self) -> _Kind:
        return _Kind(
            self._sums(genai.USAGE_INPUT, None),
            self._observers((genai.CALL_INPUT_TOKENS, self._inference), tail=(self._error_type,))
            + self._observers((genai.TOKEN_USAGE, True), tail=("input",)),
        )

    @cached_property
    def output(self) -> _Kind:
        return _Kind(
            self._sums(genai.USAGE_OUTPUT, None),
            self._observers((genai.CALL_OUTPUT_TOKENS, self._inference), tail=(self._error_type,))
            + self._observers((genai.TOKEN_USAGE, True), tail=("output",)),
        )

    @cached_property
    def audio_input(self) -> tuple[Sum, ...]:
        return self._sums(genai.USAGE_INPUT, None, "audio")

    @cached_property
    def audio_output(self) -> tuple[Sum, ...]:
        return self._sums(genai.USAGE_OUTPUT, None, "audio")

    @cached_property
    def fresh_input(self) -> Sum:
        return self._series.sum(own.TOKENS, *self._model, "input_uncached")

    @cached_property
    def all_output(self) -> Sum:
        return self._series.sum(own.TOKENS, *self._model, "output")

    @cached_property
    def cache_read(self) -> tuple[Sum, ...]:
        return self._sums(genai.USAGE_CACHE_READ, "cache_read")

    @cached_property
    def cache_write(self) -> tuple[Sum, ...]:
        return self._sums(genai.USAGE_CACHE_WRITE, "cache_write")

    @cached_property
    def reasoning(self) -> tuple[Sum, ...]:
        return self._sums(genai.USAGE_REASONING, None)

    def tokens(self, usage: Usage) -> list[tuple[Sum, int]]:
        """What is to be added to which sum; nothing for what the provider did not report."""
        read, write = usage.cache_read_tokens, usage.cache_write_tokens
        found: list[tuple[Sum, int]] = []
        if (spent := usage.input_tokens) is not None:
            audio = usage.audio_input_tokens or 0
            found += [(held, spent - audio) for held in self.input.sums]
            if audio:
                found += [(held, audio) for held in self.audio_input]
            found.append((self.fresh_input, max(0, spent - (read or 0) - (write or 0))))
        if (spent := usage.output_tokens) is not None:
            audio = usage.audio_output_tokens or 0
            found += [(held, spent - audio) for held in self.output.sums]
            if audio:
                found += [(held, audio) for held in self.audio_output]
            found.append((self.all_output, spent))
        if read is not None:
            found += [(held, read) for held in self.cache_read]
        if write is not None:
            found += [(held, write) for held in self.cache_write]
        if usage.reasoning_tokens is not None:
            found += [(held, usage.reasoning_tokens) for held in self.reasoning]
        return found
