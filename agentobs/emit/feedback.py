"""Feedback: what somebody says of an answer, as an event in the answer's trace, a counter and a score histogram."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from opentelemetry.trace import INVALID_SPAN

from ..catalogue import Metric, genai, own
from ..context import current_run
from ..records.agents import Run
from ..records.feedback import Content, Feedback, Rated
from .events import Events, remote_context
from .sinks import OTHER, Instruments, Labels
from .spans import annotate, current_span, ids_of, remote_span

_COMMENT_CHARS = 1_000
_CORRECTION_CHARS = 2_000


def _redacted(text: str | None, longest: int) -> str | None:
    if not text:
        return None
    from ..privacy import redact_text

    return redact_text(text)[:longest]


class FeedbackEmitter:
    """Emits ratings, and counts what becomes of those that are posted."""

    def __init__(self, instruments: Instruments, events: Events) -> None:
        self._instruments = instruments
        self._events = events

    def emit(self, feedback: Feedback) -> None:
        """Emit a rating in the context of what it rates; only its first word is counted, a changed one is an event."""
        rated = feedback.rated
        run = None if feedback.remote or rated.trace_id is not None else current_run()
        agent = rated.agent or (run.agent if run is not None else None)
        model = rated.model or (run.request_model if run is not None else None)
        level = rated.level or (run.level if run is not None else None)
        span = None
        # Not an empty context, which the SDK takes for none, and the current one instead.
        context = remote_context(INVALID_SPAN) if feedback.remote else None
        if rated.trace_id is not None and rated.span_id is not None:
            span = remote_span(rated.trace_id, rated.span_id, rated.sampled)
            context = remote_context(span)
        labels: Labels = {
            genai.AGENT_NAME: agent,
            genai.EVALUATION_NAME: feedback.name,
            own.FEEDBACK_SOURCE: feedback.source,
            genai.REQUEST_MODEL: model,
            own.DEGRADATION: level,
        }
        self._count(feedback, labels, None if span is None else self._instruments.exemplars(span))
        conversation = rated.conversation_id or (run.conversation_id if run is not None else None)
        score = {
            genai.EVALUATION_NAME: feedback.name,
            genai.SCORE_VALUE: feedback.value,
            genai.SCORE_LABEL: feedback.label,
        }
        self._events.emit(
            genai.EVALUATION,
            {
                **score,
                genai.EXPLANATION: _redacted(feedback.comment, _COMMENT_CHARS),
                genai.RESPONSE_ID: rated.response_id,
                genai.AGENT_NAME: agent,
                genai.REQUEST_MODEL: model,
                genai.CONVERSATION_ID: conversation,
                own.DEGRADATION: level,
                own.FEEDBACK_SOURCE: feedback.source,
                own.FEEDBACK_ID: feedback.id,
                own.FEEDBACK_REVISION: feedback.revision or None,
                own.FEEDBACK_LATE: feedback.late or None,
                own.FEEDBACK_WITHDRAWN: feedback.withdrawn or None,
                own.FEEDBACK_CORRECTION: _redacted(feedback.correction, _CORRECTION_CHARS),
            },
            context=context,
        )
        if context is None:
            annotate(current_span(), score)

    def _count(self, feedback: Feedback, labels: Labels, exemplar: Any) -> None:
        """Count the first word of a rating; of a later one, what it takes out and what it puts in."""
        content = Content(feedback.value, OTHER if feedback.free_label else feedback.label)
        if feedback.revision == 0:
            self._add(own.FEEDBACK, own.FEEDBACK_SCORE, labels, content, exemplar)
        elif feedback.previous != content:
            for direction, changed in (("out", feedback.previous), ("in", content)):
                directed = {**labels, own.FEEDBACK_DIRECTION: direction}
                self._add(own.FEEDBACK_REVISED, own.FEEDBACK_REVISED_SCORE, directed, changed, exemplar)

    def _add(self, ratings: Metric, scores: Metric, labels: Labels, content: Content, exemplar: Any) -> None:
        if content == Content():
            return  # a rating that was withdrawn has none
        self._instruments.add(ratings, {**labels, genai.SCORE_LABEL: content.label})
        if content.value is not None and 0 <= content.value <= 1:
            self._instruments.observe(scores, labels)(content.value, exemplar)

    def kept(self, outcome: str, rows: int) -> None:
        """Count ratings by what became of them on the way into the store."""
        self._instruments.add(own.FEEDBACK_STORAGE, {own.FEEDBACK_STORAGE_OUTCOME: outcome}, rows)

    def storage_failed(self, reason: str) -> None:
        """Count a failure of the store of feedback."""
        self._instruments.add(own.FEEDBACK_STORAGE_ERRORS, {own.FEEDBACK_STORAGE_ERROR: reason})

    def accepted(self, arrival: str) -> None:
        """Count a feedback request that was accepted, by how it arrived."""
        self._instruments.add(own.FEEDBACK_ACCEPTED, {own.FEEDBACK_ARRIVAL: arrival})

    def rejected(self, reason: str) -> None:
        """Count a feedback request that was turned away."""
        self._instruments.add(own.FEEDBACK_REJECTED, {own.FEEDBACK_REJECTION: reason})

    def rated(self, run: Run | None) -> Rated | None:
        """What feedback is to be about: `run`, else the current span; `None` where there is neither."""
        ids = run.span_ids if run is not None and run.span_ids is not None else ids_of(current_span())
        if ids is None and run is None:
            return None
        rated = Rated() if ids is None else Rated(f"{ids.trace_id:032x}", f"{ids.span_id:016x}", ids.sampled)
        if run is None:
            return rated
        return replace(
            rated,
            conversation_id=run.conversation_id,
            agent=run.agent,
            model=run.request_model,
            level=run.level,
        )
