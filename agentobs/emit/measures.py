"""The metric series and starting attributes of calls that share their labels, made once and kept."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

from ..catalogue import Attribute, Metric, genai, own
from ..records.calls import CallEnding, CallRequest
from ..records.usage import Usage
from .sinks import Instruments, Observe, Sum
from .spans import KINDS, encodable

_INFERENCE = frozenset({"chat", "text_completion", "generate_content"})
_ROWS = {"embeddings": genai.EMBEDDINGS, "fetch_response": genai.FETCH_RESPONSE}
_AZURE = "azure.ai.openai"


class Opening:
    """What every call of one operation, provider and model starts with."""

    __slots__ = ("active", "attributes", "kind", "name", "row")

    def __init__(self, request: CallRequest, instruments: Instruments) -> None:
        self.row = _ROWS.get(request.operation, genai.INFERENCE)
        values = {
            genai.OPERATION: request.operation,
            genai.PROVIDER: request.provider,
            genai.REQUEST_MODEL: request.model,
            genai.SERVER_ADDRESS: request.server_address,
            genai.SERVER_PORT: request.server_port,
            genai.AZURE_NAMESPACE: "Microsoft.CognitiveServices" if request.provider == _AZURE else None,
        }
        self.name = encodable(self.row.named(values))
        self.kind = KINDS[self.row.kind]
        self.attributes = {label.name: value for label, value in values.items() if value is not None}
        self.active = instruments.sum(
            own.CALLS_ACTIVE,
            {
                genai.OPERATION: request.operation,
                genai.PROVIDER: request.provider,
                genai.REQUEST_MODEL: request.model,
            },
        )


class _Kind(NamedTuple):
    """The metrics of one kind of token count, as far as they are emitted: sums, and histograms of single calls."""

    sums: tuple[Sum, ...]
    observers: tuple[Observe, ...]


class Measures:
    """The metric series of calls that share their labels, made when the first such call ends."""

    def __init__(
        self,
        instruments: Instruments,
        agent: str | None,
        request: CallRequest,
        response_model: str | None,
        ending: CallEnding,
    ) -> None:
        self._instruments = instruments
        self._model = {
            genai.AGENT_NAME: agent,
            genai.OPERATION: request.operation,
            genai.PROVIDER: request.provider,
            genai.REQUEST_MODEL: request.model,
            genai.RESPONSE_MODEL: response_model,
        }
        self._common: dict[Attribute, object] = {
            label: value for label, value in self._model.items() if label is not genai.AGENT_NAME
        } | {
            genai.SERVER_ADDRESS: request.server_address,
            genai.SERVER_PORT: request.server_port,
        }
        self._error = {genai.ERROR_TYPE: ending.error_type}
        self._inference = inference = request.operation in _INFERENCE
        self._compat = instruments.emits(genai.TOKEN_USAGE)
        self.calls = instruments.sum(
            own.CALLS,
            {
                **self._model,
                own.STREAMED: "true" if request.stream else "false",
                own.OUTCOME: ending.outcome,
                own.ERROR_CLASS: ending.error_class,
            },
        )
        self.durations = self._observers(
            (genai.INFERENCE_DURATION, inference),
            (genai.OPERATION_DURATION, self._compat or not inference),
            more=self._error,
        )
        self.first_chunk = self._observers(
            (genai.INFERENCE_FIRST_CHUNK, inference), (genai.OPERATION_FIRST_CHUNK, True)
        )
        self.chunk_gap = self._observers((genai.INFERENCE_PER_CHUNK, inference), (genai.OPERATION_PER_CHUNK, True))

    def _observers(
        self, *rows: tuple[Metric, bool], more: Mapping[Attribute, object] | None = None
    ) -> tuple[Observe, ...]:
        labels = {**self._common, **(more or {})}
        return tuple(
            self._instruments.observe(metric, labels)
            for metric, applies in rows
            if applies and self._instruments.emits(metric)
        )

    def _sums(self, whole: Metric, kind: str | None, modality: str = "unknown") -> tuple[Sum, ...]:
        sums = []
        if self._inference and self._instruments.emits(whole):
            sums.append(self._instruments.sum(whole, {**self._common, genai.TOKEN_MODALITY: modality}))
        if kind is not None:
            sums.append(self._tokens(kind))
        return tuple(sums)

    def _tokens(self, kind: str) -> Sum:
        return self._instruments.sum(own.TOKENS, {**self._model, own.TOKEN_KIND: kind})

    # Made when first needed: a provider that never reports a count must not show it as 0.
    @cached_property
    def cost(self) -> tuple[Sum, Observe]:
        labels = {label: self._model[label] for label in (genai.PROVIDER, genai.REQUEST_MODEL)}
        return self._instruments.sum(own.COST, self._model), self._instruments.observe(own.CALL_COST, labels)

    @cached_property
    def input(self) -> _Kind:
        return _Kind(
            self._sums(genai.USAGE_INPUT, None),
            self._observers((genai.CALL_INPUT_TOKENS, self._inference), more=self._error)
            + self._observers((genai.TOKEN_USAGE, True), more={genai.TOKEN_TYPE: "input"}),
        )

    @cached_property
    def output(self) -> _Kind:
        return _Kind(
            self._sums(genai.USAGE_OUTPUT, None),
            self._observers((genai.CALL_OUTPUT_TOKENS, self._inference), more=self._error)
            + self._observers((genai.TOKEN_USAGE, True), more={genai.TOKEN_TYPE: "output"}),
        )

    @cached_property
    def audio_input(self) -> tuple[Sum, ...]:
        return self._sums(genai.USAGE_INPUT, None, "audio")

    @cached_property
    def audio_output(self) -> tuple[Sum, ...]:
        return self._sums(genai.USAGE_OUTPUT, None, "audio")

    @cached_property
    def fresh_input(self) -> Sum:
        return self._tokens("input_uncached")

    @cached_property
    def all_output(self) -> Sum:
        return self._tokens("output")

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
        amounts: list[tuple[Sum, int]] = []
        if (spent := usage.input_tokens) is not None:
            audio = usage.audio_input_tokens or 0
            amounts += zip(self.input.sums, repeat(spent - audio))
            if audio:
                amounts += zip(self.audio_input, repeat(audio))
            amounts.append((self.fresh_input, max(0, spent - (read or 0) - (write or 0))))
        if (spent := usage.output_tokens) is not None:
            audio = usage.audio_output_tokens or 0
            amounts += zip(self.output.sums, repeat(spent - audio))
            if audio:
                amounts += zip(self.audio_output, repeat(audio))
            amounts.append((self.all_output, spent))
        if read is not None:
            amounts += zip(self.cache_read, repeat(read))
        if write is not None:
            amounts += zip(self.cache_write, repeat(write))
        if usage.reasoning_tokens is not None:
            amounts += zip(self.reasoning, repeat(usage.reasoning_tokens))
        return amounts
