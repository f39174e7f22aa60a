"""Runs of agents, and the tools and searches in them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..catalogue.values import LEVELS, Level
from .calls import CallRequest, CallResult
from .usage import Cost


class SpanIds(NamedTuple):
    """The identity of a span: ids as whole numbers, and whether its trace is kept."""

    trace_id: int
    span_id: int
    sampled: bool


@dataclass(slots=True)
class Run:
    """One run of an agent and what happened in it so far; nested runs add to the runs around them.

    Counts are whole numbers; `cost_usd` sums the priced calls only, `unpriced` says how many are missing from it.
    `request_model` is the model of the run's newest call, for feedback about the run; `span_ids` is `None` before the run
    has begun and where nothing traces; `ended` is true once it is over. `input` and `output` are what the run was asked
    and what it answers, kept only while content capture is on: a text, messages of the conventions (`role`, `parts`) or
    of a chat (`role`, `content`), or any other value.
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
    level: Level = "full"
    noticed: bool = False
    finish_reasons: tuple[str, ...] = ()
    request_model: str | None = None
    span_ids: SpanIds | None = None
    ended: bool = False
    input: Any = None
    output: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def add_call(self, request: CallRequest, result: CallResult, cost: Cost | None, retries: int) -> None:
        """Count an ended model call here and in every run around this one."""
        usage = result.usage
        run: Run | None = self
        while run is not None:
            with run._lock:
                run.calls += 1
                run.retries += retries
                run.request_model = request.model or run.request_model
                run.finish_reasons = result.finish_reasons or run.finish_reasons
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

    def add_tool_call(self) -> None:
        """Count an ended tool call, likewise."""
        run: Run | None = self
        while run is not None:
            with run._lock:
                run.tool_calls += 1
            run = run.parent

    def add_decision(self) -> None:
        """Count a decision, likewise."""
        run: Run | None = self
        while run is not None:
            with run._lock:
                run.decisions += 1
            run = run.parent

    def add_fallback(self, level: Level | None) -> None:
        """Count a fallback; with a `level`, the user gets no more than that. A run keeps the worst level that it saw."""
        run: Run | None = self
        while run is not None:
            with run._lock:
                run.fallbacks += 1
                if level is not None and LEVELS.index(level) > LEVELS.index(run.level):
                    run.level = level
            run = run.parent

    def add_retry(self) -> None:
        """Count a retry that belongs to no model call, likewise."""
        run: Run | None = self
        while run is not None:
            with run._lock:
                run.retries += 1
            run = run.parent

    def add_notice(self) -> None:
        """Note that the user was told, here and in every run around this one."""
        run: Run | None = self
        while run is not None:
            run.noticed = True
            run = run.parent


@dataclass(slots=True)
class ToolCall:
    """One call of a tool. `arguments` and `result` are kept only while content capture is on."""

    name: str
    type: str = "function"
    description: str | None = None
    call_id: str | None = None
    arguments: Any = None
    result: Any = None


@dataclass(slots=True)
class Retrieval:
    """One search for documents: in which index or collection, with which model, how many were asked for."""

    data_source_id: str | None = None
    provider: str | None = None
    model: str | None = None
    top_k: int | None = None
