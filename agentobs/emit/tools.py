"""Tool calls and searches for documents as spans and metrics."""

from __future__ import annotations

import time
from typing import Any

from .. import guard
from ..catalogue import genai, own
from ..catalogue.values import Outcome
from ..config import Config
from ..context import current_run
from ..records.agents import Retrieval, Run, ToolCall
from .sinks import Instruments
from .spans import Parent, Spans, close


class OpenTool:
    """A tool call under way, with its span and the run it belongs to."""

    __slots__ = ("_emitter", "run", "span", "started_ns", "tool")

    def __init__(self, emitter: ToolEmitter, tool: ToolCall, run: Run | None, span: Any, started_ns: int) -> None:
        self._emitter = emitter
        self.tool = tool
        self.run = run
        self.span = span
        self.started_ns = started_ns

    def end(self, outcome: Outcome, error: BaseException | None, duration_s: float) -> None:
        """Close it. `error` is what ended it, if anything did; `duration_s` how long it took."""
        self._emitter.end_tool(self, outcome, error, duration_s)


class OpenRetrieval:
    """A search under way, with its span and the run it belongs to."""

    __slots__ = ("_emitter", "retrieval", "run", "span", "started_ns")

    def __init__(self, emitter: ToolEmitter, retrieval: Retrieval, run: Run | None, span: Any, started_ns: int) -> None:
        self._emitter = emitter
        self.retrieval = retrieval
        self.run = run
        self.span = span
        self.started_ns = started_ns

    def end(self, outcome: Outcome, error: BaseException | None, duration_s: float) -> None:
        """Close it, as `OpenTool.end` does."""
        self._emitter.end_retrieval(self, outcome, error, duration_s)


class ToolEmitter:
    """Opens and closes tool calls and searches."""

    def __init__(self, spans: Spans, instruments: Instruments, config: Config) -> None:
        self._spans = spans
        self._instruments = instruments
        self._capture = config.capture
        self._limit_bytes = config.content_limit_bytes

    def open_tool(self, tool: ToolCall, parent: Parent | None = None, started_ns: int = 0) -> OpenTool:
        """Start the span of a tool call; `parent` and `started_ns` as in `CallEmitter.open`."""
        run = current_run() if parent is None else parent.run
        started_ns = started_ns or time.time_ns()
        values = {
            genai.OPERATION: "execute_tool",
            genai.TOOL_NAME: tool.name,
            genai.TOOL_TYPE: tool.type,
            genai.TOOL_DESCRIPTION: tool.description,
            genai.TOOL_CALL_ID: tool.call_id,
            genai.AGENT_NAME: run.agent if run is not None else None,
            genai.CONVERSATION_ID: run.conversation_id if run is not None else None,
        }
        span = self._spans.start(genai.EXECUTE_TOOL, values, started_ns, parent)
        return OpenTool(self, tool, run, span, started_ns)

    def end_tool(self, opened: OpenTool, outcome: Outcome, error: BaseException | None, duration_s: float) -> None:
        """Count a tool call and end its span."""
        tool, run, span = opened.tool, opened.run, opened.span
        error_type = _error_type(outcome, error)
        try:
            if run is not None:
                run.add_tool_call()
            labels = {
                genai.TOOL_NAME: tool.name,
                genai.TOOL_TYPE: tool.type,
                genai.AGENT_NAME: run.agent if run is not None else None,
                genai.ERROR_TYPE: error_type,
            }
            self._instruments.observe(genai.TOOL_DURATION, labels)(duration_s, self._instruments.exemplars(span))
        finally:
            if self._capture != "none" and span is not None and span.is_recording():
                self._add_content(tool, span)
            end_ns = opened.started_ns + int(duration_s * 1e9)
            close(genai.EXECUTE_TOOL, span, {own.OUTCOME: outcome}, error_type, error, end_ns)

    def _add_content(self, tool: ToolCall, span: Any) -> None:
        try:
            from .content import tool_content

            span.set_attributes(tool_content(tool.arguments, tool.result, self._capture, self._limit_bytes))
        except Exception as fault:  # noqa: BLE001
            guard.failed("tool.content", fault)

    def open_retrieval(self, retrieval: Retrieval, parent: Parent | None = None, started_ns: int = 0) -> OpenRetrieval:
        """Start the span of a search; `parent` and `started_ns` as in `CallEmitter.open`."""
        run = current_run() if parent is None else parent.run
        started_ns = started_ns or time.time_ns()
        values = {
            genai.OPERATION: "retrieval",
            genai.DATA_SOURCE_ID: retrieval.data_source_id,
            genai.PROVIDER: retrieval.provider,
            genai.REQUEST_MODEL: retrieval.model,
            genai.RETRIEVAL_TOP_K: retrieval.top_k,
            genai.AGENT_NAME: run.agent if run is not None else None,
            genai.CONVERSATION_ID: run.conversation_id if run is not None else None,
        }
        span = self._spans.start(genai.RETRIEVAL, values, started_ns, parent)
        return OpenRetrieval(self, retrieval, run, span, started_ns)

    def end_retrieval(
        self, opened: OpenRetrieval, outcome: Outcome, error: BaseException | None, duration_s: float
    ) -> None:
        """Count a search and end its span."""
        retrieval = opened.retrieval
        error_type = _error_type(outcome, error)
        try:
            labels = {
                genai.OPERATION: "retrieval",
                genai.PROVIDER: retrieval.provider,
                genai.REQUEST_MODEL: retrieval.model,
                genai.ERROR_TYPE: error_type,
            }
            exemplars = self._instruments.exemplars(opened.span)
            self._instruments.observe(genai.OPERATION_DURATION, labels)(duration_s, exemplars)
        finally:
            end_ns = opened.started_ns + int(duration_s * 1e9)
            close(genai.RETRIEVAL, opened.span, {own.OUTCOME: outcome}, error_type, error, end_ns)


def _error_type(outcome: Outcome, error: BaseException | None) -> str | None:
    return type(error).__qualname__ if outcome == "error" and error is not None else None
