"""A model call as span, metrics and events.

What does not change between calls is made once and kept: the attributes that start a span, and the metric series of each
combination of labels. A call then costs one span, two or three histogram records and a handful of additions.
"""

from __future__ import annotations

import time
from typing import Any

from .. import guard
from ..catalogue import genai, own
from ..config import Config
from ..context import CARRIERS, RUN, current_run
from ..pricing import PriceBook, priced_model
from ..records.agents import Run
from ..records.calls import CANCELLED, CallEnding, CallRequest, CallResult
from ..records.fallbacks import Retry
from ..records.usage import Cost, Usage
from .events import Events
from .measures import Measures, Opening
from .retries import RetryEmitter
from .sinks import LOCK, Instruments
from .spans import Parent, Spans, check, fail, message_of

_MAX_CACHED = 1_000
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


_NOTHING = CallResult()


class OpenCall:
    """A model call under way: its clock, its span and the run it belongs to.

    Attributes:
        emitter: who opened it.
        request: what was asked.
        opening: what every call of this operation, provider and model starts with.
        covers: whether calls that a library below makes meanwhile are part of this one; a package: those that it makes.
        owner: whatever the integration that opened the call wants to find again from inside it; opaque here.
        run: the run it belongs to, `None` outside of any.
        started_ns: nanoseconds of the epoch; started_s, ended_s: seconds of `time.perf_counter()`, 0.0 while under way.
        result, ending, cost: what came back, how it ended and what it cost; `ending` is `None` while it is under way.
        outer_context: the OpenTelemetry context around the call's own span.
        chunks, first_chunk_s, last_chunk_s: chunks of a stream that the program received, and when.
    """

    __slots__ = (
        "chunks",
        "cost",
        "covers",
        "emitter",
        "ended_s",
        "ending",
        "first_chunk_s",
        "last_chunk_s",
        "opening",
        "outer_context",
        "owner",
        "request",
        "result",
        "retries",
        "run",
        "span",
        "started_ns",
        "started_s",
    )

    def __init__(self, emitter: CallEmitter, request: CallRequest, run: Run | None, opening: Opening) -> None:
        self.emitter = emitter
        self.request = request
        self.run = run
        self.opening = opening
        self.started_ns = 0
        self.started_s = self.ended_s = self.first_chunk_s = self.last_chunk_s = 0.0
        self.chunks = self.retries = 0
        self.covers: bool | str = False
        self.result = _NOTHING
        self.ending: CallEnding | None = None
        self.cost: Cost | None = None
        self.owner: Any = None
        self.span: Any = None
        self.outer_context: Any = None

    def chunk(self) -> None:
        """Note that a chunk came now."""
        self.last_chunk_s = time.perf_counter()
        if not self.chunks:
            self.first_chunk_s = self.last_chunk_s
        self.chunks += 1

    def attempt_failed(self, retry: Retry) -> None:
        """Count an attempt that is about to be made again."""
        self.retries += 1
        self.emitter.retries.emit_in_call(retry, self)

    def adopt(self, tracer: Any, given: Any) -> Any:
        """See `Spans.adopt`."""
        return self.emitter.spans.adopt(tracer, self.span, self.outer_context, given)


class CallEmitter:
    """Opens and closes model calls. Every stage of closing stands alone: one that fails does not take the others along."""

    def __init__(
        self,
        spans: Spans,
        instruments: Instruments,
        events: Events,
        prices: PriceBook,
        config: Config,
        retries: RetryEmitter,
    ) -> None:
        self.spans = spans
        self.retries = retries
        self._instruments = instruments
        self._events = events
        self._prices = prices
        self._capture = config.capture
        self._limit_bytes = config.content_limit_bytes
        self._latest = config.conventions != "compat"
        self._compat = config.conventions != "latest"
        self._openings: dict[tuple[Any, ...], Opening] = {}
        self._measures: dict[tuple[Any, ...], Measures] = {}
        self._warned: set[tuple[str, str]] = set()

    def start_again(self) -> None:
        """In a forked child, count calls under way from 0: those of the parent are not the child's."""
        self._openings.clear()

    def _opening(self, request: CallRequest) -> Opening:
        key = (request.operation, request.provider, request.model, request.server_address, request.server_port)
        opening = self._openings.get(key)
        if opening is None:
            opening = Opening(request, self._instruments)
            if len(self._openings) >= _MAX_CACHED:
                self._openings.clear()
            self._openings[key] = opening
        return opening

    def open(self, request: CallRequest, parent: Parent | None = None, started_ns: int = 0) -> OpenCall:
        """Start the clock and span of a call.

        `parent` is what it belongs to, `None` for what is current; `started_ns` is when it started, 0 for now.
        """
        # Not `current_run` outright, because every call comes by here, and most have no run to find.
        run = RUN.get() if parent is None else parent.run
        if run is None and CARRIERS and parent is None:
            run = current_run()
        opening = self._opening(request)
        call = OpenCall(self, request, run, opening)
        try:
            now_ns = time.time_ns()
            call.started_ns = started_ns or now_ns
            call.started_s = time.perf_counter() - (now_ns - call.started_ns) / 1e9
            with LOCK:
                opening.active.value += 1
            attributes = opening.attributes.copy()
            for parameter, value in request.parameters.items():
                attributes[_PARAMETERS[parameter]] = value
            if request.stream:
                attributes[genai.STREAM.name] = True
            if run is not None:
                run.request_model = request.model or run.request_model
                attributes[genai.AGENT_NAME.name] = run.agent
                if run.conversation_id is not None:
                    attributes[genai.CONVERSATION_ID.name] = run.conversation_id
            if guard.strict:
                check(opening.row, attributes)
            call.span = self.spans.start_named(opening.name, opening.kind, attributes, call.started_ns, parent)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.begin", error)
        except BaseException:
            # Ctrl-C in the middle of our own work: it is the program's, and the call must not stay under way.
            if call.started_s:
                self.end(call, _NOTHING, CANCELLED)
            raise
        return call

    def end(self, call: OpenCall, result: CallResult, ending: CallEnding, ended_s: float = 0.0) -> None:
        """Close a call: price it, record it, tell of it, end its span. Only the first time counts.

        `ended_s` is when it ended, in seconds of `time.perf_counter()`; 0.0 means now.
        """
        if call.ending is not None:
            return
        call.result = result
        call.ending = ending
        call.ended_s = ended_s or time.perf_counter()
        try:
            self._price(call)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.price", error)
        try:
            self._measure(call, ending)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.measure", error)
        if call.run is not None:
            try:
                call.run.add_call(call.request, result, call.cost, call.retries)
            except Exception as error:  # noqa: BLE001
                guard.failed("call.run", error)
        if ending.outcome == "error":
            try:
                self._tell(call, ending)
            except Exception as error:  # noqa: BLE001
                guard.failed("call.event", error)
        if self._capture != "none":
            try:
                self._add_content(call, ending)
            except Exception as error:  # noqa: BLE001
                guard.failed("call.content", error)
        try:
            self._close_span(call, ending)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.span", error)

    def _price(self, call: OpenCall) -> None:
        request, result, ending = call.request, call.result, call.ending
        usage = result.usage
        if usage is None:
            # Something was served where an answer came, or at least the beginning of a stream; what is still being made,
            # or was made for an earlier call, is priced there.
            served = ending is None or ending.outcome in ("success", "abandoned") or call.chunks
            if not served or result.pending or request.operation == "fetch_response":
                return
        model = priced_model(request.provider, request.model, result.model)
        at_s = call.started_ns / 1e9
        call.cost = cost = self._prices.cost(request.provider, model, usage, at_s=at_s)
        if usage is not None and usage.others:
            for other, more in usage.others:
                call.cost = cost = cost.plus(self._prices.cost(request.provider, other, more, at_s=at_s))
        if cost.amount_usd is None:
            self._instruments.add(
                own.UNPRICED,
                {
                    genai.AGENT_NAME: call.run.agent if call.run is not None else None,
                    genai.PROVIDER: request.provider,
                    genai.REQUEST_MODEL: request.model,
                    own.UNPRICED_REASON: cost.reason,
                },
            )
            if cost.reason == "unknown_model":
                self._warn_unpriced(request.provider, model)

    def _warn_unpriced(self, provider: str, model: str | None) -> None:
        key = (provider, model or "")
        if key not in self._warned and len(self._warned) < _MAX_CACHED:
            self._warned.add(key)
            guard.log.warning(
                "agentobs: no price for model %r of %s, its calls are counted as unpriced; "
                "give one in a file named by instrument(prices=...) or AGENTOBS_PRICES",
                model,
                provider,
            )

    def _measure(self, call: OpenCall, ending: CallEnding) -> None:
        request, result = call.request, call.result
        agent = call.run.agent if call.run is not None else None
        key = (
            agent,
            request.operation,
            request.provider,
            request.model,
            result.model,
            request.server_address,
            request.server_port,
            request.stream,
            ending.outcome,
            ending.error_class,
            ending.error_type,
        )
        measures = self._measures.get(key)
        if measures is None:
            measures = Measures(self._instruments, agent, request, result.model, ending)
            if len(self._measures) >= _MAX_CACHED:
                self._measures.clear()
            self._measures[key] = measures
        usage, cost = result.usage, call.cost
        active = call.opening.active
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
            for total, amount in tokens:
                total.value += amount
        exemplars = self._instruments.exemplars(call.span)
        if amount_usd is not None:
            observe_cost(amount_usd, exemplars)
        self._observe(call, usage, measures, exemplars)

    def _observe(self, call: OpenCall, usage: Usage | None, measures: Measures, exemplars: Any) -> None:
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
        if usage is not None:
            if usage.input_tokens is not None:
                for observe in measures.input.observers:
                    observe(usage.input_tokens, None)
            if usage.output_tokens is not None:
                for observe in measures.output.observers:
                    observe(usage.output_tokens, None)

    def _tell(self, call: OpenCall, ending: CallEnding) -> None:
        exception, request = ending.exception, call.request
        self._events.emit(
            genai.EXCEPTION,
            {
                genai.EXCEPTION_TYPE: type(exception).__qualname__ if exception is not None else None,
                genai.EXCEPTION_MESSAGE: message_of(exception) or ending.error_type,
                genai.OPERATION: request.operation,
                genai.PROVIDER: request.provider,
                genai.REQUEST_MODEL: request.model,
                genai.ERROR_TYPE: ending.error_type,
            },
            span=call.span,
        )

    def _close_span(self, call: OpenCall, ending: CallEnding) -> None:
        span = call.span
        if span is None or not span.is_recording():
            return
        try:
            attributes = self._answered(call, ending)
            if guard.strict:
                check(call.opening.row, attributes)
            span.set_attributes(attributes)
            if ending.error_type is not None:
                fail(span, ending.error_type, ending.exception)
        finally:
            # From the monotonic clock, so that span and histogram agree when the wall clock is set.
            span.end(call.started_ns + int((call.ended_s - call.started_s) * 1e9))

    def _answered(self, call: OpenCall, ending: CallEnding) -> dict[str, Any]:
        """The attributes that are known when the call is over; what is not known is left out."""
        usage, cost = call.result.usage, call.cost
        attributes = _outcome(call, ending)
        if usage is not None:
            self._usage(usage, attributes)
            if usage.service_tier is not None and "api_type" in call.request.parameters:
                attributes[genai.OPENAI_RESPONSE_TIER.name] = usage.service_tier
        if cost is not None:
            if cost.amount_usd is not None:
                attributes[own.COST_USD.name] = cost.amount_usd
                attributes[own.COST_SOURCE.name] = cost.source
            else:
                attributes[own.UNPRICED_REASON.name] = cost.reason
        return attributes

    def _add_content(self, call: OpenCall, ending: CallEnding) -> None:
        """Put content on the span and into an event of its own; a stage apart, because content comes in every shape."""
        span = call.span
        if span is None or not span.is_recording():
            return
        # Most programs capture nothing, and then need none of it.
        from .content import content_attributes

        content = content_attributes(call.request, call.result, ending, self._capture, self._limit_bytes)
        span.set_attributes(content)
        if call.opening.row is genai.INFERENCE and self._events.active():
            asked = call.opening.attributes | {
                _PARAMETERS[name]: value for name, value in call.request.parameters.items()
            }
            self._events.send(genai.DETAILS, asked | self._answered(call, ending) | content, span)

    def _usage(self, usage: Usage, attributes: dict[str, Any]) -> None:
        write = usage.cache_write_tokens
        if usage.input_tokens is not None:
            attributes[genai.INPUT_TOKENS.name] = usage.input_tokens
        if usage.output_tokens is not None:
            attributes[genai.OUTPUT_TOKENS.name] = usage.output_tokens
        if usage.cache_read_tokens is not None:
            attributes[genai.CACHE_READ_TOKENS.name] = usage.cache_read_tokens
        if write is not None and self._latest:
            attributes[genai.CACHE_WRITE_TOKENS.name] = write
        if write is not None and self._compat:
            attributes[genai.CACHE_CREATION_TOKENS.name] = write
        if usage.reasoning_tokens is not None:
            attributes[genai.REASONING_TOKENS.name] = usage.reasoning_tokens
        if usage.audio_input_tokens and self._latest:
            attributes[genai.AUDIO_INPUT_TOKENS.name] = usage.audio_input_tokens
        if usage.audio_output_tokens and self._latest:
            attributes[genai.AUDIO_OUTPUT_TOKENS.name] = usage.audio_output_tokens


def _outcome(call: OpenCall, ending: CallEnding) -> dict[str, Any]:
    """What the call's ending and the answer say, without usage and cost."""
    result = call.result
    attributes: dict[str, Any] = {own.OUTCOME.name: ending.outcome}
    if result.model is not None:
        attributes[genai.RESPONSE_MODEL.name] = result.model
    if result.id is not None:
        attributes[genai.RESPONSE_ID.name] = result.id
    if result.finish_reasons:
        attributes[genai.FINISH_REASONS.name] = result.finish_reasons
    if call.chunks:
        attributes[genai.TIME_TO_FIRST_CHUNK.name] = call.first_chunk_s - call.started_s
        attributes[own.STREAM_CHUNKS.name] = call.chunks
    if ending.error_type is not None:
        attributes[genai.ERROR_TYPE.name] = ending.error_type
        attributes[own.ERROR_CLASS.name] = ending.error_class or "other"
    if call.retries:
        attributes[own.RETRIES.name] = call.retries
    if ending.stream_ending is not None:
        attributes[own.STREAM_ENDING.name] = ending.stream_ending
    if result.status is not None:
        attributes[genai.RESPONSE_STATUS.name] = result.status
    if result.dimensions is not None:
        attributes[genai.DIMENSION_COUNT.name] = result.dimensions
    if result.system_fingerprint is not None:
        attributes[genai.OPENAI_FINGERPRINT.name] = result.system_fingerprint
    return attributes
