"""Runs of agents, tool calls, decisions, fallbacks, notices, feedback and breakers as spans, metrics and events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from .. import guard
from ..catalogue import Attribute, genai, own
from ..config import Config
from ..context import RUN
from ..record import BreakerChange, Decision, Fallback, Run, ToolCall
from .events import Events
from .feedback import FeedbackEmitter
from .sinks import Series
from .spans import INTERNAL, Spans, current_span, encodable, fail


def _agent() -> str | None:
    run = RUN.get()
    return run.agent if run is not None else None


def _named(values: Mapping[Attribute, Any]) -> dict[str, Any]:
    return {attribute.name: encodable(value) for attribute, value in values.items() if value is not None}


class AgentEmitter:
    """Emits everything that is not a model call; `ratings` emits feedback."""

    def __init__(self, spans: Spans, series: Series, events: Events, config: Config) -> None:
        self._spans = spans
        self._series = series
        self._events = events
        self._capture = config.capture
        self._limit_bytes = config.content_limit_bytes
        self.ratings = FeedbackEmitter(series, events)

    # --- runs and tools ---
    def begin_run(self, run: Run) -> None:
        run.span = self._spans.start(
            f"invoke_agent {run.agent}",
            INTERNAL,
            _named(
                {
                    genai.OPERATION: "invoke_agent",
                    genai.AGENT_NAME: run.agent,
                    genai.AGENT_VERSION: run.version,
                    genai.CONVERSATION_ID: run.conversation_id,
                }
            ),
        )

    def end_run(self, run: Run, outcome: str, error: BaseException | None, duration_s: float) -> None:
        """Close a run. `outcome` is success, error, cancelled or abandoned; `error` what the program raised."""
        error_type = type(error).__qualname__ if outcome == "error" and error is not None else None
        notice = "not_needed" if run.level == "full" else ("shown" if run.noticed else "missing")
        series = self._series
        try:
            exemplars = series.exemplars(run.span)
            series.observe(genai.AGENT_DURATION, run.agent, error_type)(duration_s, exemplars)
            series.observe(genai.AGENT_INFERENCE_CALLS, run.agent)(run.calls, None)
            series.observe(genai.AGENT_TOOL_CALLS, run.agent)(run.tool_calls, None)
            series.add(own.RUNS, run.agent, outcome, run.level, notice)(1)
            if run.cost_usd is not None and not run.unpriced:
                series.observe(own.RUN_COST, run.agent, outcome)(run.cost_usd, exemplars)
        finally:
            self._close(
                run.span,
                {
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
                },
                error_type,
                error,
            )

    def begin_tool(self, tool: ToolCall) -> None:
        run = tool.run = RUN.get()
        tool.span = self._spans.start(
            f"execute_tool {tool.name}",
            INTERNAL,
            _named(
                {
                    genai.OPERATION: "execute_tool",
                    genai.TOOL_NAME: tool.name,
                    genai.TOOL_TYPE: tool.type,
                    genai.TOOL_DESCRIPTION: tool.description,
                    genai.TOOL_CALL_ID: tool.call_id,
                    genai.AGENT_NAME: run.agent if run is not None else None,
                    genai.CONVERSATION_ID: run.conversation_id if run is not None else None,
                }
            ),
        )

    def end_tool(self, tool: ToolCall, outcome: str, error: BaseException | None, duration_s: float) -> None:
        """Close a tool call; `outcome` and `error` as in `end_run`."""
        error_type = type(error).__qualname__ if outcome == "error" and error is not None else None
        try:
            agent = None
            if tool.run is not None:
                agent = tool.run.agent
                tool.run.add("tool_calls")
            self._series.observe(genai.TOOL_DURATION, tool.name, tool.type, agent, error_type)(
                duration_s, self._series.exemplars(tool.span)
            )
        finally:
            if self._capture != "none" and tool.span is not None and tool.span.is_recording():
                self._add_content(tool)
            self._close(tool.span, {own.OUTCOME: outcome}, error_type, error)

    def _add_content(self, tool: ToolCall) -> None:
        try:
            from .content import tool_content

            tool.span.set_attributes(tool_content(tool.arguments, tool.result, self._capture, self._limit_bytes))
        except Exception as fault:  # noqa: BLE001
            guard.failed("tool.content", fault)

    def _close(
        self, span: Any, values: Mapping[Attribute, Any], error_type: str | None, error: BaseException | None
    ) -> None:
        if span is None or not span.is_recording():
            return
        try:
            attributes = _named(values)
            if error_type is not None:
                attributes[genai.ERROR_TYPE.name] = error_type
                fail(span, error_type, error)
            span.set_attributes(attributes)
        finally:
            span.end()

    # --- what the agent decides and does ---
    def decision(self, decision: Decision) -> None:
        run = RUN.get()
        agent = run.agent if run is not None else None
        if run is not None:
            run.add("decisions")
        self._series.add(own.DECISIONS, agent, decision.kind, decision.outcome)(1)
        if decision.confidence is not None:
            self._series.observe(
                own.DECISION_CONFIDENCE, agent, decision.kind, decision.outcome, decision.confidence_source
            )(decision.confidence, self._series.exemplars(current_span()))
        self._events.emit(
            own.DECISION,
            {
                genai.AGENT_NAME: agent,
                genai.CONVERSATION_ID: run.conversation_id if run is not None else None,
                own.DECISION_ID: decision.id,
                own.DECISION_KIND: decision.kind,
                own.DECISION_OUTCOME: decision.outcome,
                own.DECISION_CHOSEN: decision.chosen,
                own.DECISION_ALTERNATIVES: tuple(encodable(text) for text in decision.alternatives) or None,
                own.DECISION_REASON: self._content(decision.reason),
                own.DECISION_POLICY: decision.policy,
                own.CONFIDENCE: decision.confidence,
                own.CONFIDENCE_SOURCE: decision.confidence_source,
            },
        )
        if decision.outcome == "escalated":
            # So that a sampler behind us can keep the trace: it sees spans, not events.
            current_span().set_attribute(own.DECISION_OUTCOME.name, decision.outcome)

    def _content(self, text: str | None) -> str | None:
        """Free text of the program or its user, as the capture option allows."""
        if text is None or self._capture == "none":
            return None
        from ..privacy import redact_text

        return redact_text(text) if self._capture == "redacted" else text

    def begin_fallback(self, fallback: Fallback) -> Any:
        """The span of a fallback that starts now."""
        return self._spans.start(
            f"fallback {fallback.name}",
            INTERNAL,
            _named({own.FALLBACK_NAME: fallback.name, own.FALLBACK_KIND: fallback.kind}),
        )

    def end_fallback(self, fallback: Fallback, span: Any, error: BaseException | None) -> None:
        """Close a fallback; it counts as a failure where `error` is an exception."""
        run = RUN.get()
        agent = run.agent if run is not None else None
        if run is not None:
            run.add("fallbacks")
            if error is None:
                run.degrade(fallback.level)
        values = {
            genai.AGENT_NAME: agent,
            own.FALLBACK_NAME: fallback.name,
            own.FALLBACK_KIND: fallback.kind,
            own.FALLBACK_REASON: fallback.reason,
            own.FALLBACK_OUTCOME: fallback.outcome,
            own.FALLBACK_FROM: fallback.origin,
            own.FALLBACK_TO: fallback.target,
            own.DEGRADATION: fallback.level,
        }
        try:
            self._series.add(
                own.FALLBACKS,
                agent,
                fallback.name,
                fallback.kind,
                fallback.reason,
                fallback.outcome,
                fallback.origin,
                fallback.target,
            )(1)
            self._events.emit(own.FALLBACK, values, span=span)
        finally:
            self._close(span, values, type(error).__qualname__ if error is not None else None, error)

    def notice(self, kind: str) -> None:
        run = RUN.get()
        if run is not None:
            run.notice()
        self._series.add(own.NOTICES, _agent(), kind)(1)
        self._events.emit(own.NOTICE_SHOWN, {genai.AGENT_NAME: _agent(), own.NOTICE_KIND: kind})

    def dropped(self, reason: str, amount: int = 1) -> None:
        """Count telemetry, or stored feedback, that was lost."""
        self._series.add(own.DROPPED, reason)(amount)

    # --- breakers ---
    def breaker_call(self, name: str, outcome: str) -> None:
        """Count a guarded call."""
        self._series.add(own.BREAKER_CALLS, name, outcome)(1)

    def breaker_level(self, name: str) -> Callable[[str | None, int, int], None]:
        """What keeps the gauges of one breaker: call it with state, failures and limit whenever they change.

        A state of `None` with zeros takes the breaker out of the gauges.
        """
        return _BreakerLevel(self._series, name).set

    def breaker_change(self, change: BreakerChange) -> None:
        """Count and tell a change of state."""
        self._series.add(own.BREAKER_TRANSITIONS, change.name, change.state)(1)
        self._events.emit(
            own.BREAKER_CHANGE,
            {
                own.BREAKER_NAME: change.name,
                own.BREAKER_STATE: change.state,
                own.BREAKER_PREVIOUS: change.previous,
                own.BREAKER_FAILURES: change.failures,
                own.LIBRARY: change.library,
            },
        )


class _BreakerLevel:
    """The levels of one breaker as differences: an up-down counter is only ever added to."""

    def __init__(self, series: Series, name: str) -> None:
        self._states = {state: series.add(own.BREAKER_STATES, name, state) for state in own.BREAKER_STATE.values}
        for state in own.BREAKER_STATE.values:
            # From 0 on, because Prometheus cannot tell an increase from the first value of a new series.
            series.sum(own.BREAKER_TRANSITIONS, name, state)
        for outcome in own.BREAKER_OUTCOME.values:
            series.sum(own.BREAKER_CALLS, name, outcome)
        self._failures = series.add(own.BREAKER_FAIL_COUNT, name)
        self._limit = series.add(own.BREAKER_FAIL_LIMIT, name)
        self._held: tuple[str | None, int, int] = (None, 0, 0)
        self._lock = threading.Lock()

    def set(self, state: str | None, failures: int, limit: int) -> None:
        # Two threads that start from the same held level would leave a difference in the gauge for good.
        with self._lock:
            self._set(state, failures, limit)

    def _set(self, state: str | None, failures: int, limit: int) -> None:
        held_state, held_failures, held_limit = self._held
        if held_state != state:
            if held_state is not None:
                self._states[held_state](-1)
            if state is not None:
                self._states[state](1)
        if failures != held_failures:
            self._failures(failures - held_failures)
        if limit != held_limit:
            self._limit(limit - held_limit)
        self._held = (state, failures, limit)
