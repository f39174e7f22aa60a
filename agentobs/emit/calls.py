"""A model call as span, metrics and events.

What does not change between calls is made once and held: the attributes that start a span, and the metric series of each
combination of labels. A call then costs one span, two or three histogram records and a handful of additions.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from .. import guard
from ..catalogue import genai, own
from ..config import Config
from ..context import RUN
from ..pricing import PriceBook
from ..record import Call, Usage
from .events import Events
from .measures import Measures, Opening
from .sinks import LOCK, Series
from .spans import CLIENT, Spans, attach, current_context, fail, message_of

_HELD = 1_000
_PARAMETERS = {
    "output_type": genai.OUTPUT_TYPE.name,
    "choice_count": genai.CHOICE_COUNT.name,
    "seed": genai.SEED.name,
    "top_k": genai.TOP_K.name,
    "top_p": genai.TOP_P.name,
    "max_tokens": genai.MAX_TOKENS.name,
    "temperature": genai.TEMPERATURE.name,
    "frequency_penalty": genai.FREQUENCY_PENALTY.name,
    "presence_penalty": genai.PRESENCE_PENALTY.name,
    "stop_sequences": genai.STOP_SEQUENCES.name,
    "encoding_formats": genai.ENCODING_FORMATS.name,
    "reasoning_level": genai.REASONING_LEVEL.name,
    "previous_response_id": genai.PREVIOUS_RESPONSE_ID.name,
    "response_id": genai.RESPONSE_ID.name,
    "api_type": genai.OPENAI_API_TYPE.name,
    "service_tier": genai.OPENAI_REQUEST_TIER.name,
}


class CallEmitter:
    """Opens and closes model calls. Every stage of closing stands alone: one that fails does not take the others along."""

    def __init__(self, spans: Spans, series: Series, events: Events, prices: PriceBook, config: Config) -> None:
        self._spans = spans
        self._series = series
        self._events = events
        self._prices = prices
        self._capture = config.capture
        self._limit_bytes = config.content_limit_bytes
        self._old_cache_name = config.conventions != "latest"
        self._new_cache_name = config.conventions != "compat"
        self._openings: dict[tuple[Any, ...], Opening] = {}
        self._measures: dict[tuple[Any, ...], Measures] = {}
        self._warned: set[tuple[str, str]] = set()
        self._stages: tuple[tuple[str, Callable[[Call], None]], ...] = (
            ("call.price", self._price),
            ("call.measure", self._measure),
            ("call.run", self._add_to_run),
            ("call.event", self._tell),
            *([("call.content", self._add_content)] if config.capture != "none" else []),
            ("call.span", self._close_span),
        )

    def _opening(self, call: Call) -> Opening:
        key = (call.operation, call.provider, call.request_model, call.server_address, call.server_port)
        opening = self._openings.get(key)
        if opening is None:
            opening = Opening(call, self._series)
            if len(self._openings) >= _HELD:
                self._openings.clear()
            self._openings[key] = opening
        return opening

    def begin(self, call: Call) -> None:
        """Start the call's clock and span."""
        call.started_ns = time.time_ns()
        call.started_s = time.perf_counter()
        run = call.run = RUN.get()
        opening = self._opening(call)
        with LOCK:
            opening.active.value += 1
        attributes = opening.attributes.copy()
        for parameter, value in call.request.items():
            attributes[_PARAMETERS[parameter]] = value
        if call.stream:
            attributes[genai.STREAM.name] = True
        if run is not None:
            run.request_model = call.request_model or run.request_model
            attributes[genai.AGENT_NAME.name] = run.agent
            if run.conversation_id is not None:
                attributes[genai.CONVERSATION_ID.name] = run.conversation_id
        call.span = self._spans.start(opening.name, CLIENT, attributes, call.started_ns)

    def enter(self, call: Call) -> Any:
        """Make the call's span current for its HTTP request; what comes back goes to `spans.detach`."""
        if call.span is None:
            return None
        call.outer_context = current_context()
        return attach(call.span, call.outer_context)

    def retry(self, call: Call, status: str, layer: str = "sdk") -> None:
        """Count an attempt that the client library is about to make again; `status` is what the failed one got."""
        call.retries += 1
        agent = call.run.agent if call.run is not None else None
        self._series.add(own.CALL_RETRIES, agent, call.operation, call.provider, call.request_model, layer, status)(1)
        self._events.emit(
            own.RETRY,
            {
                genai.OPERATION: call.operation,
                genai.PROVIDER: call.provider,
                genai.REQUEST_MODEL: call.request_model,
                own.RETRY_LAYER: layer,
                own.RETRY_STATUS: status,
                own.RETRIES: call.retries,
            },
            span=call.span,
        )

    def end(self, call: Call) -> None:
        """Close the call: price it, record it, tell of it, end its span. Its outcome must be set."""
        if not call.ended_s:
            call.ended_s = time.perf_counter()
        for stage, work in self._stages:
            try:
                work(call)
            except Exception as error:  # noqa: BLE001
                guard.failed(stage, error)

    def _price(self, call: Call) -> None:
        answered = call.outcome in ("success", "abandoned") or call.usage is not None
        if not answered or call.operation == "fetch_response":
            return
        model = call.response_model or call.request_model
        call.cost = cost = self._prices.cost(call.provider, model, call.usage, at_s=call.started_ns / 1e9)
        if cost.amount_usd is None:
            agent = call.run.agent if call.run is not None else None
            self._series.add(own.UNPRICED, agent, call.provider, call.request_model, cost.reason)(1)
            if cost.reason == "unknown_model":
                self._warn_unpriced(call.provider, model)

    def _warn_unpriced(self, provider: str, model: str | None) -> None:
        key = (provider, model or "")
        if key not in self._warned and len(self._warned) < _HELD:
            self._warned.add(key)
            guard.log.warning(
                "agentobs: no price for model %r of %s, its calls are counted as unpriced; "
                "give one in a file named by instrument(prices=...) or AGENTOBS_PRICES",
                model,
                provider,
            )

    def _measure(self, call: Call) -> None:
        agent = call.run.agent if call.run is not None else None
        streamed = "true" if call.stream else "false"
        key = (
            agent,
            call.operation,
            call.provider,
            call.request_model,
            call.response_model,
            call.server_address,
            call.server_port,
            streamed,
            call.outcome,
            call.error_class,
            call.error_type,
        )
        measures = self._measures.get(key)
        if measures is None:
            measures = Measures(self._series, agent, call, streamed)
            if len(self._measures) >= _HELD:
                self._measures.clear()
            self._measures[key] = measures
        usage, cost = call.usage, call.cost
        active = self._opening(call).active
        amount_usd = cost.amount_usd if cost is not None else None
        if amount_usd is not None:
            spent, observe_cost = measures.cost
        tokens = measures.tokens(usage) if usage is not None else ()
        # The sums first: they are our own, while a histogram may be whatever the program's meter provider makes.
        with LOCK:
            active.value -= 1
            measures.calls.value += 1
            if amount_usd is not None:
                spent.value += amount_usd
            for held, amount in tokens:
                held.value += amount
        exemplars = self._series.exemplars(call.span)
        if amount_usd is not None:
            observe_cost(amount_usd, exemplars)
        self._observe(call, measures, exemplars)

    def _observe(self, call: Call, measures: Measures, exemplars: Any) -> None:
        """Record the histograms of one call."""
        duration_s = call.ended_s - call.started_s
        for observe in measures.durations:
            observe(duration_s, exemplars)
        if call.chunks:
            for observe in measures.first_chunk:
                observe(call.first_chunk_s - call.started_s, None)
            if call.chunks > 1:
                gap_s = (call.last_chunk_s - call.first_chunk_s) / (call.chunks - 1)
                for observe in measures.chunk_gap:
                    observe(gap_s, None)
        usage = call.usage
        if usage is not None:
            if usage.input_tokens is not None:
                for observe in measures.input.observers:
                    observe(usage.input_tokens, None)
            if usage.output_tokens is not None:
                for observe in measures.output.observers:
                    observe(usage.output_tokens, None)

    def _add_to_run(self, call: Call) -> None:
        if call.run is not None:
            call.run.add_call(call)

    def _tell(self, call: Call) -> None:
        if call.outcome == "error":
            self._events.emit(
                genai.EXCEPTION,
                {
                    genai.EXCEPTION_TYPE: type(call.exception).__qualname__ if call.exception is not None else None,
                    genai.EXCEPTION_MESSAGE: message_of(call.exception) or call.error_type,
                    genai.OPERATION: call.operation,
                    genai.PROVIDER: call.provider,
                    genai.REQUEST_MODEL: call.request_model,
                    genai.ERROR_TYPE: call.error_type,
                },
                span=call.span,
            )

    def _close_span(self, call: Call) -> None:
        span = call.span
        if span is None:
            return
        if span.is_recording():
            try:
                span.set_attributes(self._closing(call))
                if call.error_type is not None:
                    fail(span, call.error_type, call.exception)
            finally:
                # From the monotonic clock, so that span and histogram agree when the wall clock is set.
                span.end(call.started_ns + int((call.ended_s - call.started_s) * 1e9))

    def _closing(self, call: Call) -> dict[str, Any]:
        """The attributes that are known when the call is over; what is not known is left out."""
        attributes = _answer(call)
        if call.usage is not None:
            self._usage(call.usage, attributes)
            if call.usage.service_tier is not None and "api_type" in call.request:
                attributes[genai.OPENAI_RESPONSE_TIER.name] = call.usage.service_tier
        if call.cost is not None:
            if call.cost.amount_usd is not None:
                attributes[own.COST_USD.name] = call.cost.amount_usd
                attributes[own.COST_SOURCE.name] = call.cost.source
            else:
                attributes[own.UNPRICED_REASON.name] = call.cost.reason
        return attributes

    def _add_content(self, call: Call) -> None:
        """Put content on the span and into an event of its own; a stage apart, because content comes in every shape."""
        span = call.span
        if span is None or not span.is_recording():
            return
        # Most programs capture nothing, and then need none of it.
        from .content import content_attributes

        content = content_attributes(call, self._capture, self._limit_bytes)
        span.set_attributes(content)
        if self._events.active():
            self._events.send(genai.DETAILS, self._closing(call) | content, span)

    def _usage(self, usage: Usage, attributes: dict[str, Any]) -> None:
        write = usage.cache_write_tokens
        if usage.input_tokens is not None:
            attributes[genai.INPUT_TOKENS.name] = usage.input_tokens
        if usage.output_tokens is not None:
            attributes[genai.OUTPUT_TOKENS.name] = usage.output_tokens
        if usage.cache_read_tokens is not None:
            attributes[genai.CACHE_READ_TOKENS.name] = usage.cache_read_tokens
        if write is not None and self._new_cache_name:
            attributes[genai.CACHE_WRITE_TOKENS.name] = write
        if write is not None and self._old_cache_name:
            attributes[genai.CACHE_CREATION_TOKENS.name] = write
        if usage.reasoning_tokens is not None:
            attributes[genai.REASONING_TOKENS.name] = usage.reasoning_tokens
        if usage.audio_input_tokens:
            attributes[genai.AUDIO_INPUT_TOKENS.name] = usage.audio_input_tokens
        if usage.audio_output_tokens:
            attributes[genai.AUDIO_OUTPUT_TOKENS.name] = usage.audio_output_tokens


def _answer(call: Call) -> dict[str, Any]:
    """What the call's ending and the answer say, without usage and cost."""
    attributes: dict[str, Any] = {own.OUTCOME.name: call.outcome}
    if call.response_model is not None:
        attributes[genai.RESPONSE_MODEL.name] = call.response_model
    if call.response_id is not None:
        attributes[genai.RESPONSE_ID.name] = call.response_id
    if call.finish_reasons:
        attributes[genai.FINISH_REASONS.name] = call.finish_reasons
    if call.chunks:
        attributes[genai.TIME_TO_FIRST_CHUNK.name] = call.first_chunk_s - call.started_s
        attributes[own.STREAM_CHUNKS.name] = call.chunks
    if call.error_type is not None:
        attributes[genai.ERROR_TYPE.name] = call.error_type
        attributes[own.ERROR_CLASS.name] = call.error_class or "other"
    if call.retries:
        attributes[own.RETRIES.name] = call.retries
    if call.ending is not None:
        attributes[own.STREAM_ENDING.name] = call.ending
    if call.status is not None:
        attributes[genai.RESPONSE_STATUS.name] = call.status
    if call.dimensions is not None:
        attributes[genai.DIMENSION_COUNT.name] = call.dimensions
    if call.system_fingerprint is not None:
        attributes[genai.OPENAI_FINGERPRINT.name] = call.system_fingerprint
    return attributes
