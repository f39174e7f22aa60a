"""The one source of every telemetry name that agentobs emits, draws, alerts on or documents.

The rows are objects: emitters, dashboards, rules and tests refer to them, so a renamed metric moves everywhere at once
and a forgotten place is an AttributeError. Pure data; imports nothing but the standard library.
"""

from __future__ import annotations

from . import genai, own
from .model import Attribute, Event, Kind, Metric, Span
from .values import Conventions

SCOPE = "agentobs"
"""Name of the instrumentation scope of every signal."""

_MODULES = (vars(genai), vars(own))


METRICS: tuple[Metric, ...] = tuple(row for module in _MODULES for row in module.values() if isinstance(row, Metric))
ATTRIBUTES: tuple[Attribute, ...] = tuple(
    row for module in _MODULES for row in module.values() if isinstance(row, Attribute)
)
SPANS: tuple[Span, ...] = tuple(row for module in _MODULES for row in module.values() if isinstance(row, Span))
EVENTS: tuple[Event, ...] = tuple(row for module in _MODULES for row in module.values() if isinstance(row, Event))


def declared(row: Span | Event) -> tuple[Attribute, ...]:
    """Every attribute that a span or event of this row may carry: the conventions', those of agentobs, annotations."""
    extras = own.EXTRAS.get(row, ())
    annotations = own.ANNOTATIONS if isinstance(row, Span) else ()
    return (*row.attributes, *extras, *annotations)


def metrics(conventions: Conventions = "latest") -> tuple[Metric, ...]:
    """The metrics that `instrument(conventions=...)` emits, in the order of the catalogue."""
    return tuple(metric for metric in METRICS if metric.emitted_by(conventions))


__all__ = [
    "ATTRIBUTES",
    "EVENTS",
    "METRICS",
    "SCOPE",
    "SPANS",
    "Attribute",
    "Conventions",
    "Event",
    "Kind",
    "Metric",
    "Span",
    "declared",
    "genai",
    "metrics",
    "own",
]
