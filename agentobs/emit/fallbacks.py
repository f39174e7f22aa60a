"""Fallbacks, and words to the user about the service they get, as spans, metrics and events."""

from __future__ import annotations

from typing import Any

from ..catalogue import genai, own
from ..catalogue.values import NoticeKind, Outcome
from ..context import current_run
from ..records.agents import Run
from ..records.fallbacks import Fallback
from .agents import agent_name
from .events import Events
from .sinks import Instruments
from .spans import Spans, close


class OpenFallback:
    """A fallback under way, with its span and the run it belongs to."""

    __slots__ = ("_emitter", "fallback", "run", "span")

    def __init__(self, emitter: FallbackEmitter, fallback: Fallback, run: Run | None, span: Any) -> None:
        self._emitter = emitter
        self.fallback = fallback
        self.run = run
        self.span = span

    def end(self, outcome: Outcome, error: BaseException | None, duration_s: float) -> None:
        """Close it. Whoever leaves a generator early has been served by it; any other exception is a failure."""
        served = outcome in ("success", "abandoned")
        self._emitter.end(self, None if served else error)


class FallbackEmitter:
    """Opens and closes fallbacks, and counts notices."""

    def __init__(self, spans: Spans, instruments: Instruments, events: Events) -> None:
        self._spans = spans
        self._instruments = instruments
        self._events = events

    def open(self, fallback: Fallback) -> OpenFallback:
        """Start the span of a fallback."""
        values = {own.FALLBACK_NAME: fallback.name, own.FALLBACK_KIND: fallback.kind}
        return OpenFallback(self, fallback, current_run(), self._spans.start(own.FALLBACK_SPAN, values))

    def end(self, opened: OpenFallback, error: BaseException | None) -> None:
        """Count a fallback, tell of it and end its span; it is a failure where `error` is an exception."""
        fallback, run = opened.fallback, opened.run
        if run is not None:
            run.add_fallback(fallback.level if error is None else None)
        labels = {
            genai.AGENT_NAME: run.agent if run is not None else None,
            own.FALLBACK_NAME: fallback.name,
            own.FALLBACK_KIND: fallback.kind,
            own.FALLBACK_REASON: fallback.reason,
            own.FALLBACK_OUTCOME: "success" if error is None else "failure",
            own.FALLBACK_FROM: fallback.origin,
            own.FALLBACK_TO: fallback.target,
        }
        values = {**labels, own.DEGRADATION: fallback.level}
        try:
            self._instruments.add(own.FALLBACKS, labels)
            self._events.emit(own.FALLBACK, values, span=opened.span)
        finally:
            error_type = type(error).__qualname__ if error is not None else None
            close(own.FALLBACK_SPAN, opened.span, values, error_type, error)

    def notice(self, kind: NoticeKind) -> None:
        """Count that the user was told."""
        run = current_run()
        if run is not None:
            run.add_notice()
        labels = {genai.AGENT_NAME: agent_name(), own.NOTICE_KIND: kind}
        self._instruments.add(own.NOTICES, labels)
        self._events.emit(own.NOTICE_SHOWN, labels)
