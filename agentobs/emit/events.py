"""Events: log records with an event name, in the trace context of what they are about."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from opentelemetry._logs import SeverityNumber
from opentelemetry.context import Context
from opentelemetry.trace import Span, set_span_in_context

from .. import catalogue
from ..catalogue import Attribute, Event
from .providers import SignalProvider
from .spans import check, named

_SEVERITY = {
    "DEBUG": SeverityNumber.DEBUG,
    "INFO": SeverityNumber.INFO,
    "WARN": SeverityNumber.WARN,
    "ERROR": SeverityNumber.ERROR,
}


def remote_context(span: Span) -> Context:
    """A context in which `span` is current and nothing else, for what is said of it elsewhere or later."""
    return set_span_in_context(span, Context())


class Events:
    """Emits the catalogue's events into the program's logger provider."""

    def __init__(self, source: SignalProvider, version: str) -> None:
        self._source = source
        self._version = version
        self._logger = self._get_logger()

    def _get_logger(self) -> Any:
        return self._source.provider.get_logger(catalogue.SCOPE, self._version, catalogue.genai.SCHEMA_URL)

    def start_again(self) -> None:
        """In a forked child, use the provider that there is now."""
        self._logger = self._get_logger()

    def emit(self, event: Event, values: Mapping[Attribute, Any], span: Any = None, context: Any = None) -> None:
        """Emit `event` in the context of `span`, else in `context`, else in the current one, without `None` values.

        Raises:
            LookupError: an attribute that the event does not declare; only while `guard.strict`.
        """
        if self.active():
            self.send(event, named(event, values), span, context)

    def active(self) -> bool:
        """Whether there is a logger provider to emit into."""
        if self._source.own is not None and self._source.program_took_over():
            self._logger = self._get_logger()
        return self._source.active

    def send(self, event: Event, attributes: Mapping[str, Any], span: Any = None, context: Any = None) -> None:
        """`emit` for attributes that have their names already."""
        check(event, attributes)
        self._logger.emit(
            timestamp=time.time_ns(),
            context=set_span_in_context(span) if span is not None else context,
            severity_number=_SEVERITY[event.severity],
            severity_text=event.severity,
            event_name=event.name,
            attributes=attributes,
        )
