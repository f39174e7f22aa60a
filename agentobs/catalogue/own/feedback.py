"""What people say of answers, and the endpoint that takes it."""

from __future__ import annotations

from .. import genai
from ..model import Attribute, Kind, Metric
from ..values import FeedbackSource, values_of
from .agents import DEGRADATION
from .labels import SCORE_BOUNDS

FEEDBACK_ID = Attribute("agentobs.feedback.id", "string", "Id of the feedback; the same id replaces it.")
FEEDBACK_REVISION = Attribute("agentobs.feedback.revision", "int", "0 for the first word on it, then 1, 2 and so on.")
FEEDBACK_SOURCE = Attribute(
    "agentobs.feedback.source",
    "string",
    "Who rated.",
    values=values_of(FeedbackSource),
)
FEEDBACK_LATE = Attribute("agentobs.feedback.late", "boolean", "True where the run had ended long before.")
FEEDBACK_REJECTION = Attribute(
    "agentobs.feedback.rejection",
    "string",
    "Why feedback was turned away.",
    values=(
        "malformed",
        "too_large",
        "forged",
        "expired",
        "scope",
        "replayed",
        "origin",
        "rate",
        "method",
        "media_type",
        "timeout",
        "storage",
    ),
)
FEEDBACK_ARRIVAL = Attribute(
    "agentobs.feedback.arrival",
    "string",
    "How accepted feedback arrived: soon after the answer, long after it, for an answer whose trace was not kept, again "
    "with the same content, or again with another content.",
    values=("on_time", "late", "unknown_trace", "repeated", "changed"),
)
FEEDBACK = Metric(
    "agentobs.feedback.received",
    Kind.COUNTER,
    "{feedback}",
    "Feedback by name, label and source; a changed word moves from one label to the other in the event, not here.",
    (
        genai.AGENT_NAME,
        genai.EVALUATION_NAME,
        genai.SCORE_LABEL,
        FEEDBACK_SOURCE,
        genai.REQUEST_MODEL,
        DEGRADATION,
    ),
)
FEEDBACK_SCORE = Metric(
    "agentobs.feedback.score",
    Kind.HISTOGRAM,
    "{score}",
    "Score of feedback from 0 to 1.",
    (
        genai.AGENT_NAME,
        genai.EVALUATION_NAME,
        FEEDBACK_SOURCE,
        genai.REQUEST_MODEL,
        DEGRADATION,
    ),
    SCORE_BOUNDS,
)
FEEDBACK_REJECTED = Metric(
    "agentobs.feedback.rejected",
    Kind.COUNTER,
    "{request}",
    "Feedback requests that were turned away.",
    (FEEDBACK_REJECTION,),
)
FEEDBACK_ACCEPTED = Metric(
    "agentobs.feedback.accepted",
    Kind.COUNTER,
    "{request}",
    "Feedback requests that were accepted; repeated and changed ones are in here and not in the feedback received.",
    (FEEDBACK_ARRIVAL,),
)
