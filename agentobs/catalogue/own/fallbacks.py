"""Something else answered than what should have."""

from __future__ import annotations

from .. import genai
from ..model import Attribute, Event, Kind, Metric, Span
from ..values import FallbackKind, FallbackOutcome, FallbackReason, values_of
from .agents import DEGRADATION

FALLBACK_NAME = Attribute("agentobs.fallback.name", "string", "The chain of fallbacks.", bound=30)
FALLBACK_KIND = Attribute(
    "agentobs.fallback.kind",
    "string",
    "What was fallen back to.",
    values=values_of(FallbackKind),
)
FALLBACK_REASON = Attribute(
    "agentobs.fallback.reason",
    "string",
    "Why the first choice did not serve.",
    values=values_of(FallbackReason),
)
FALLBACK_FROM = Attribute("agentobs.fallback.from", "string", "What should have answered.", bound=30)
FALLBACK_TO = Attribute("agentobs.fallback.to", "string", "What answered instead.", bound=30)
FALLBACK_OUTCOME = Attribute(
    "agentobs.fallback.outcome", "string", "Whether the fallback served.", values=values_of(FallbackOutcome)
)
FALLBACKS = Metric(
    "agentobs.fallbacks",
    Kind.COUNTER,
    "{fallback}",
    "Fallbacks by reason and outcome.",
    (
        genai.AGENT_NAME,
        FALLBACK_NAME,
        FALLBACK_KIND,
        FALLBACK_REASON,
        FALLBACK_OUTCOME,
        FALLBACK_FROM,
        FALLBACK_TO,
    ),
)
FALLBACK = Event(
    "agentobs.fallback",
    "WARN",
    "Something else answered, or tried to, than what should have.",
    (
        genai.AGENT_NAME,
        FALLBACK_NAME,
        FALLBACK_KIND,
        FALLBACK_REASON,
        FALLBACK_OUTCOME,
        FALLBACK_FROM,
        FALLBACK_TO,
        DEGRADATION,
    ),
)
FALLBACK_SPAN = Span(
    "fallback {agentobs.fallback.name}",
    "internal",
    "The time in which something else tried to answer.",
    FALLBACK.attributes,
)
