"""Attempts that are made again, inside a model call or without one around them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from ..catalogue import Attribute, genai, own
from ..context import current_run
from ..records.agents import Run
from ..records.calls import CallRequest
from ..records.fallbacks import Retry
from .events import Events
from .sinks import Instruments


class _Call(Protocol):
    request: CallRequest
    run: Run | None
    span: Any
    retries: int


class RetryEmitter:
    """Counts and tells of retries."""

    def __init__(self, instruments: Instruments, events: Events) -> None:
        self._instruments = instruments
        self._events = events

    def emit(self, retry: Retry) -> None:
        """A retry of something that is no model call, or whose model calls are counted one by one."""
        run = current_run()
        if run is not None:
            run.add_retry()
        self._emit(retry, run, {}, None, None)

    def emit_in_call(self, retry: Retry, call: _Call) -> None:
        """A retry inside a model call, which counts as one call with `call.retries` retries."""
        request = call.request
        labels = {
            genai.OPERATION: request.operation,
            genai.PROVIDER: request.provider,
            genai.REQUEST_MODEL: request.model,
        }
        self._emit(retry, call.run, labels, call.retries, call.span)

    def _emit(
        self, retry: Retry, run: Run | None, call: Mapping[Attribute, object], count: int | None, span: Any
    ) -> None:
        labels = {**call, own.RETRY_LAYER: retry.layer, own.RETRY_STATUS: retry.cause}
        agent = run.agent if run is not None else None
        self._instruments.add(own.CALL_RETRIES, {genai.AGENT_NAME: agent, **labels})
        self._events.emit(own.RETRY, {**labels, own.RETRIES: count}, span=span)
