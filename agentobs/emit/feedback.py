"""Feedback: what somebody says of an answer, as an event in the answer's trace, a counter and a score histogram."""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context

from ..catalogue import genai, own
from ..context import RUN
from ..record import Feedback, Rated, Run
from .events import Events, remote_context
from .sinks import OTHER, Series
from .spans import current_span, encodable, ids_of, remote_span

_COMMENT_CHARS = 1_000


class FeedbackEmitter:
    """Emits ratings, and counts what becomes of those that are posted."""

    def __init__(self, series: Series, events: Events) -> None:
        self._series = series
        self._events = events

    def emit(self, feedback: Feedback) -> None:
        """Emit a rating in the context of what it rates; only its first word is counted, a changed one is an event."""
        run = None if feedback.remote or feedback.trace_id is not None else RUN.get()
        agent = feedback.agent or (run.agent if run is not None else None)
        model = feedback.model or (run.request_model if run is not None else None)
        level = feedback.level or (run.level if run is not None else None)
        span = None
        context = Context() if feedback.remote else None
        if feedback.trace_id is not None and feedback.span_id is not None:
            span = remote_span(feedback.trace_id, feedback.span_id, feedback.sampled)
            context = remote_context(span)
        if feedback.revision == 0:
            label = OTHER if feedback.free_label else feedback.label
            self._series.add(own.FEEDBACK, agent, feedback.name, label, feedback.source, model, level)(1)
            if feedback.value is not None and 0 <= feedback.value <= 1:
                observe = self._series.observe(own.FEEDBACK_SCORE, agent, feedback.name, feedback.source, model, level)
                observe(feedback.value, None if span is None else self._series.exemplars(span))
        comment = None
        if feedback.comment:
            from ..privacy import redact_text

            comment = redact_text(feedback.comment)[:_COMMENT_CHARS]
        conversation = feedback.conversation_id or (run.conversation_id if run is not None else None)
        score = {
            genai.EVALUATION_NAME: feedback.name,
            genai.SCORE_VALUE: feedback.value,
            genai.SCORE_LABEL: feedback.label,
        }
        self._events.emit(
            genai.EVALUATION,
            {
                **score,
                genai.EXPLANATION: comment,
                genai.RESPONSE_ID: feedback.response_id,
                genai.AGENT_NAME: agent,
                genai.REQUEST_MODEL: model,
                genai.CONVERSATION_ID: conversation,
                own.DEGRADATION: level,
                own.FEEDBACK_SOURCE: feedback.source,
                own.FEEDBACK_ID: feedback.id,
                own.FEEDBACK_REVISION: feedback.revision or None,
                own.FEEDBACK_LATE: feedback.late or None,
            },
            context=context,
        )
        current = current_span() if context is None else None
        if current is not None and current.is_recording():
            current.set_attributes({name.name: encodable(value) for name, value in score.items() if value is not None})

    def accepted(self, arrival: str) -> None:
        """Count a feedback request that was accepted, by how it arrived."""
        self._series.add(own.FEEDBACK_ACCEPTED, arrival)(1)

    def rejected(self, reason: str) -> None:
        """Count a feedback request that was turned away."""
        self._series.add(own.FEEDBACK_REJECTED, reason)(1)

    def rated(self, run: Run | None) -> Rated | None:
        """What feedback is to be about: `run`, else the current span; `None` where there is neither."""
        span: Any = run.span if run is not None and run.span is not None else current_span()
        ids = ids_of(span)
        if ids is None and run is None:
            return None
        trace_id, span_id = ids or (None, None)
        sampled = ids is not None and bool(span.get_span_context().trace_flags.sampled)
        if run is None:
            return Rated(trace_id, span_id, sampled)
        return Rated(trace_id, span_id, sampled, run.conversation_id, run.agent, run.request_model, run.level)
