"""Provider-neutral facts about things that happened.

Integrations fill these records, the emitter turns them into spans, metrics and events. Nothing here imports a client
library or OpenTelemetry. Missing always means `None`: "the provider did not say", which is never the same as 0.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

LEVELS = ("full", "fallback_model", "reduced", "static", "unavailable")
"""Degradation levels from the best to the worst."""


@dataclass(slots=True)
class Usage:
    """Tokens of one model call, normalised to the GenAI semantic conventions.

    `input_tokens` includes tokens read from and written to a cache; `output_tokens` includes reasoning. The others are
    subsets of these two. All counts are tokens; `None` means the provider did not report the count.
    Source of the rule: OpenTelemetry GenAI conventions, inference span, `gen_ai.usage.*`.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    """Part of `cache_write_tokens` kept for an hour (Anthropic `ephemeral_1h_input_tokens`)."""
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    service_tier: str | None = None
    """The tier that served the call as the provider names it (`priority`, `flex`, `batch`), not the one asked for."""
    reported_cost_usd: float | None = None
    """What the provider itself says the call cost in USD (OpenRouter, xAI); it wins over any price table."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of one call.

    `amount_usd` is `None` when it cannot be known, and `reason` then says why: `unknown_model`, `no_usage`,
    `bad_usage` (counts that contradict each other) or `unsupported_usage` (a quantity the table has no rate for).
    `source` is `provider` (the response said it), `override` (the user's file) or `local` (the bundled table).
    """

    amount_usd: float | None
    source: str | None = None
    reason: str | None = None


@dataclass(slots=True)
class Call:
    """One call of a model as the program sees it: hidden retries and the reading of a stream are part of it.

    An integration fills the request half before the call is made and the response half when it has ended; the emitter
    owns the rest. Times ending in `_s` are seconds of `time.perf_counter()`, `started_ns` is nanoseconds of the epoch.
    """

    operation: str
    provider: str
    request_model: str | None
    server_address: str | None = None
    server_port: int | None = None
    stream: bool = False
    request: dict[str, Any] = field(default_factory=dict)
    """Request parameters that were given, by the names of the emitter's table (`max_tokens`, `temperature`, ...)."""
    content: Any = None
    """The request body, held only while content capture is on."""

    started_ns: int = 0
    started_s: float = 0.0
    first_chunk_s: float = 0.0
    last_chunk_s: float = 0.0
    chunks: int = 0
    ended_s: float = 0.0
    """When it ended, 0 while under way or where the emitter is to take the time."""

    response_model: str | None = None
    response_id: str | None = None
    finish_reasons: tuple[str, ...] = ()
    status: str | None = None
    """State of a stored response that was fetched (`completed`, `in_progress`)."""
    dimensions: int | None = None
    system_fingerprint: str | None = None
    usage: Usage | None = None
    output: Any = None
    """What came back, held only while content capture is on."""

    retries: int = 0
    outcome: str = ""
    """`success`, `error`, `cancelled` or `abandoned`; empty while the call is under way."""
    ending: str | None = None
    error_type: str | None = None
    error_class: str | None = None
    exception: BaseException | None = None

    http_response: Any = None
    """The client library's HTTP response, for facts that its result objects do not carry."""
    http_status: int | None = None
    route: Any = None
    """How the integration reads the answer."""
    run: Run | None = None
    span: Any = None
    outer_context: Any = None
    """The OpenTelemetry context around the call's own span."""
    cost: Cost | None = None


@dataclass(slots=True)
class Run:
    """One run of an agent and what happened in it; nested runs add to the runs around them.

    Counts are whole numbers; `cost_usd` sums the priced calls only, `unpriced` says how many are missing from it.
    """

    agent: str
    version: str | None = None
    conversation_id: str | None = None
    parent: Run | None = None
    calls: int = 0
    tool_calls: int = 0
    decisions: int = 0
    fallbacks: int = 0
    retries: int = 0
    unpriced: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    level: str = "full"
    noticed: bool = False
    finish_reasons: tuple[str, ...] = ()
    request_model: str | None = None
    """The model of the run's newest call, for feedback about the run."""
    span: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add_call(self, call: Call) -> None:
        """Count an ended model call here and in every run around this one."""
        usage, cost = call.usage, call.cost
        run: Run | None = self
        while run is not None:
            with run.lock:
                run.calls += 1
                run.retries += call.retries
                run.request_model = call.request_model or run.request_model
                run.finish_reasons = call.finish_reasons or run.finish_reasons
                if usage is not None:
                    if usage.input_tokens is not None:
                        run.input_tokens = (run.input_tokens or 0) + usage.input_tokens
                    if usage.output_tokens is not None:
                        run.output_tokens = (run.output_tokens or 0) + usage.output_tokens
                if cost is not None:
                    if cost.amount_usd is None:
                        run.unpriced += 1
                    else:
                        run.cost_usd = (run.cost_usd or 0.0) + cost.amount_usd
            run = run.parent

    def add(self, count: str, amount: int = 1) -> None:
        """Add to one of the counts (`tool_calls`, `decisions`, `fallbacks`) here and in every run around this one."""
        run: Run | None = self
        while run is not None:
            with run.lock:
                setattr(run, count, getattr(run, count) + amount)
            run = run.parent

    def degrade(self, level: str) -> None:
        """Note that the user gets no more than `level`; a run keeps the worst level that it saw."""
        run: Run | None = self
        while run is not None:
            with run.lock:
                if LEVELS.index(level) > LEVELS.index(run.level):
                    run.level = level
            run = run.parent

    def notice(self) -> None:
        """Note that the user was told, here and in every run around this one."""
        run: Run | None = self
        while run is not None:
            run.noticed = True
            run = run.parent


@dataclass(slots=True)
class ToolCall:
    """One call of a tool. `arguments` and `result` are held only while content capture is on."""

    name: str
    type: str = "function"
    description: str | None = None
    call_id: str | None = None
    arguments: Any = None
    result: Any = None
    run: Run | None = None
    span: Any = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of an agent. `confidence` is 0 to 1, `None` where nobody measured it."""

    id: str
    kind: str
    chosen: str
    outcome: str
    alternatives: tuple[str, ...] = ()
    reason: str | None = None
    policy: str | None = None
    confidence: float | None = None
    confidence_source: str | None = None


@dataclass(slots=True)
class Fallback:
    """Something else answers, or tries to, than what should have."""

    name: str
    kind: str
    reason: str
    level: str
    origin: str | None = None
    target: str | None = None
    outcome: str = "success"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says of an answer. `value` is a number (0 to 1 for the score metric), `label` a word; one of both.

    `trace_id` and `span_id` are the ids of the span that is rated, in hexadecimal, `sampled` whether its trace was kept.
    Without ids the current span is rated, or none where `remote` says that the feedback came from outside and has
    nothing to do with the current span and run. `free_label` is true for a label that somebody outside has made up: it
    goes into the event and not into the metrics.
    """

    name: str
    value: float | None = None
    label: str | None = None
    comment: str | None = None
    source: str = "end_user"
    id: str | None = None
    revision: int = 0
    late: bool = False
    agent: str | None = None
    model: str | None = None
    level: str | None = None
    conversation_id: str | None = None
    response_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    sampled: bool = True
    remote: bool = False
    free_label: bool = False


@dataclass(frozen=True, slots=True)
class Rated:
    """What later feedback is to be about. Without ids the answer was in no trace."""

    trace_id: str | None = None
    span_id: str | None = None
    sampled: bool = False
    conversation_id: str | None = None
    agent: str | None = None
    model: str | None = None
    level: str | None = None


@dataclass(frozen=True, slots=True)
class BreakerChange:
    """A circuit breaker changed its state; `failures` is its count of consecutive failures, `None` if unknown."""

    name: str
    state: str
    previous: str | None
    library: str
    failures: int | None = None
