"""Decisions of agents with their confidence."""

from __future__ import annotations

from .. import genai
from ..model import Attribute, Event, Kind, Metric
from ..values import DecisionOutcome, values_of
from .labels import SCORE_BOUNDS

DECISION_ID = Attribute("agentobs.decision.id", "string", "Id of the decision.")
DECISION_KIND = Attribute("agentobs.decision.kind", "string", "What was decided, as the program named it.", bound=30)
DECISION_OUTCOME = Attribute(
    "agentobs.decision.outcome",
    "string",
    "What became of the decision.",
    values=values_of(DecisionOutcome),
)
DECISION_CHOSEN = Attribute("agentobs.decision.chosen", "string", "What was chosen.")
DECISION_ALTERNATIVES = Attribute("agentobs.decision.alternatives", "string[]", "What was not chosen.")
DECISION_REASON = Attribute("agentobs.decision.reason", "string", "Why, in the program's words; content, opt-in.")
DECISION_POLICY = Attribute("agentobs.decision.policy", "string", "The policy that was applied, with its version.")
CONFIDENCE = Attribute("agentobs.confidence", "double", "Confidence from 0 to 1.")
CONFIDENCE_SOURCE = Attribute(
    "agentobs.confidence.source", "string", "Where the confidence comes from, as the program named it.", bound=10
)
DECISIONS = Metric(
    "agentobs.decisions",
    Kind.COUNTER,
    "{decision}",
    "Decisions by kind and outcome.",
    (genai.AGENT_NAME, DECISION_KIND, DECISION_OUTCOME),
)
DECISION_CONFIDENCE = Metric(
    "agentobs.decision.confidence",
    Kind.HISTOGRAM,
    "{confidence}",
    "Confidence of decisions from 0 to 1.",
    (genai.AGENT_NAME, DECISION_KIND, DECISION_OUTCOME, CONFIDENCE_SOURCE),
    SCORE_BOUNDS,
)
DECISION = Event(
    "agentobs.decision",
    "INFO",
    "A decision of an agent.",
    (
        genai.AGENT_NAME,
        genai.CONVERSATION_ID,
        DECISION_ID,
        DECISION_KIND,
        DECISION_OUTCOME,
        DECISION_CHOSEN,
        DECISION_ALTERNATIVES,
        DECISION_REASON,
        DECISION_POLICY,
        CONFIDENCE,
        CONFIDENCE_SOURCE,
    ),
)
