"""Decisions as metrics and events."""

from __future__ import annotations

from ..catalogue import genai, own
from ..config import Config
from ..context import current_run
from ..records.decisions import Decision
from .events import Events
from .sinks import Instruments
from .spans import annotate, current_span, encodable


class DecisionEmitter:
    """Emits decisions."""

    def __init__(self, instruments: Instruments, events: Events, config: Config) -> None:
        self._instruments = instruments
        self._events = events
        self._capture = config.capture

    def emit(self, decision: Decision) -> None:
        """Count a decision and tell of it in the current trace."""
        run = current_run()
        if run is not None:
            run.add_decision()
        labels = {
            genai.AGENT_NAME: run.agent if run is not None else None,
            own.DECISION_KIND: decision.kind,
            own.DECISION_OUTCOME: decision.outcome,
        }
        self._instruments.add(own.DECISIONS, labels)
        if decision.confidence is not None:
            observe = self._instruments.observe(
                own.DECISION_CONFIDENCE, {**labels, own.CONFIDENCE_SOURCE: decision.confidence_source}
            )
            observe(decision.confidence, self._instruments.exemplars(current_span()))
        self._events.emit(
            own.DECISION,
            {
                **labels,
                genai.CONVERSATION_ID: run.conversation_id if run is not None else None,
                own.DECISION_ID: decision.id,
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
            annotate(current_span(), {own.DECISION_OUTCOME: decision.outcome})

    def _content(self, text: str | None) -> str | None:
        """Free text of the program or its user, as the capture option allows."""
        if text is None or self._capture == "none":
            return None
        from ..privacy import redact_text

        return redact_text(text) if self._capture == "redacted" else text
