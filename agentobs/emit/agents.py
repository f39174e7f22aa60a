"""Runs of agents as spans, metrics and events."""

from __future__ import annotations

import time
from typing import Any

from .. import guard
from ..catalogue import genai, own
from ..catalogue.values import Outcome
from ..config import Config
from ..context import current_run
from ..records.agents import Run
from .sinks import Instruments
from .spans import Parent, Spans, close, ids_of


def agent_name() -> str | None:
    """The agent whose run is current."""
    run = current_run()
    return run.agent if run is not None else None


class OpenRun:
    """A run under way: what happened in it so far, and its span."""

    __slots__ = ("_emitter", "run", "span", "started_ns")

    def __init__(self, emitter: RunEmitter, run: Run, span: Any, started_ns: int) -> None:
        self._emitter = emitter
        self.run = run
        self.span = span
        self.started_ns = started_ns

    def end(self, outcome: Outcome, error: BaseException | None, duration_s: float) -> None:
        """Close it. `error` is what ended it, if anything did; `duration_s` how long it took."""
        self._emitter.end(self, outcome, error, duration_s)


class RunEmitter:
    """Opens and closes runs."""

    def __init__(self, spans: Spans, instruments: Instruments, config: Config) -> None:
        self._spans = spans
        self._instruments = instruments
        self._capture = config.capture
        self._limit_bytes = config.content_limit_bytes

    def open(self, run: Run, parent: Parent | None = None, started_ns: int = 0) -> OpenRun:
        """Start the span of a run; `parent` and `started_ns` as in `CallEmitter.open`."""
        started_ns = started_ns or time.time_ns()
        values = {
            genai.OPERATION: "invoke_agent",
            genai.AGENT_NAME: run.agent,
            genai.AGENT_VERSION: run.version,
            genai.CONVERSATION_ID: run.conversation_id,
        }
        span = self._spans.start(genai.INVOKE_AGENT, values, started_ns, parent)
        run.span_ids = ids_of(span)
        return OpenRun(self, run, span, started_ns)

    def end(self, opened: OpenRun, outcome: Outcome, error: BaseException | None, duration_s: float) -> None:
        """Count a run and end its span."""
        run, instruments = opened.run, self._instruments
        run.ended = True
        error_type = type(error).__qualname__ if outcome == "error" and error is not None else None
        notice = "not_needed" if run.level == "full" else ("shown" if run.noticed else "missing")
        agent = {genai.AGENT_NAME: run.agent}
        try:
            exemplars = instruments.exemplars(opened.span)
            instruments.observe(genai.AGENT_DURATION, {**agent, genai.ERROR_TYPE: error_type})(duration_s, exemplars)
            instruments.observe(genai.AGENT_INFERENCE_CALLS, agent)(run.calls, None)
            instruments.observe(genai.AGENT_TOOL_CALLS, agent)(run.tool_calls, None)
            labels = {**agent, own.OUTCOME: outcome, own.DEGRADATION: run.level, own.NOTICE: notice}
            instruments.add(own.RUNS, labels)
            if run.cost_usd is not None and not run.unpriced:
                instruments.observe(own.RUN_COST, {**agent, own.OUTCOME: outcome})(run.cost_usd, exemplars)
        finally:
            if self._capture != "none" and opened.span is not None and opened.span.is_recording():
                self._add_content(run, outcome, opened.span)
            values = {
                own.OUTCOME: outcome,
                own.DEGRADATION: run.level,
                own.NOTICE: notice,
                own.RUN_CALLS: run.calls,
                own.RUN_TOOL_CALLS: run.tool_calls,
                own.RUN_DECISIONS: run.decisions,
                own.RUN_FALLBACKS: run.fallbacks,
                own.RUN_UNPRICED: run.unpriced or None,
                own.RETRIES: run.retries or None,
                own.COST_USD: run.cost_usd,
                genai.INPUT_TOKENS: run.input_tokens,
                genai.OUTPUT_TOKENS: run.output_tokens,
                genai.FINISH_REASONS: run.finish_reasons or None,
            }
            end_ns = opened.started_ns + int(duration_s * 1e9)
            close(genai.INVOKE_AGENT, opened.span, values, error_type, error, end_ns)

    def _add_content(self, run: Run, outcome: Outcome, span: Any) -> None:
        try:
            from .content import run_content

            span.set_attributes(run_content(run.input, run.output, outcome, self._capture, self._limit_bytes))
        except Exception as fault:  # noqa: BLE001
            guard.failed("agent.content", fault)
