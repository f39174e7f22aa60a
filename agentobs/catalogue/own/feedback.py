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
        "unstorable",
        "clock_skew",
    ),
)
FEEDBACK_ARRIVAL = Attribute(
    "agentobs.feedback.arrival",
    "string",
    "How accepted feedback arrived: soon after the answer, long after it, for an answer whose trace was not kept, again "
    "with the same content, again with another content, or to be withdrawn.",
    values=("on_time", "late", "unknown_trace", "repeated", "changed", "withdrawn"),
)
FEEDBACK_WITHDRAWN = Attribute("agentobs.feedback.withdrawn", "boolean", "True where the rating was taken back.")
FEEDBACK_CORRECTION = Attribute(
    "agentobs.feedback.correction", "string", "The answer as the user says it should have been, redacted."
)
FEEDBACK_DIRECTION = Attribute(
    "agentobs.feedback.direction",
    "string",
    "Which side of a change: the rating that was taken out, or the one that was put in its place.",
    values=("in", "out"),
)
FEEDBACK_STORAGE_OUTCOME = Attribute(
    "agentobs.feedback.storage.outcome",
    "string",
    "What became of a rating: kept in the store; put into the spool because the store was out of reach; sent from the "
    "spool to the store later; turned away because neither took it; lost, because the store refuses what has waited; "
    "deleted at the end of its retention.",
    values=("stored", "spooled", "sent", "refused", "lost", "expired"),
)
FEEDBACK_STORAGE_ERROR = Attribute(
    "agentobs.feedback.storage.error",
    "string",
    "Why the store of feedback failed.",
    values=(
        "unreachable",
        "timeout",
        "full",
        "io",
        "read_only",
        "denied",
        "missing",
        "corrupt",
        "schema",
        "spool",
        "spool_full",
        "other",
    ),
)
FEEDBACK = Metric(
    "agentobs.feedback.received",
    Kind.COUNTER,
    "{feedback}",
    "Ratings by name, label and source, each counted once; what changes later is in the ratings revised.",
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
FEEDBACK_REVISED = Metric(
    "agentobs.feedback.revised",
    Kind.COUNTER,
    "{feedback}",
    "Ratings that changed: once out with the label of before, once in with the new one; withdrawn ones only out. Received "
    "plus in minus out is what holds now.",
    (
        genai.AGENT_NAME,
        genai.EVALUATION_NAME,
        genai.SCORE_LABEL,
        FEEDBACK_SOURCE,
        genai.REQUEST_MODEL,
        DEGRADATION,
        FEEDBACK_DIRECTION,
    ),
)
FEEDBACK_REVISED_SCORE = Metric(
    "agentobs.feedback.revised.score",
    Kind.HISTOGRAM,
    "{score}",
    "Score of ratings that changed, out and in; the score plus in minus out is the score that holds now.",
    (
        genai.AGENT_NAME,
        genai.EVALUATION_NAME,
        FEEDBACK_SOURCE,
        genai.REQUEST_MODEL,
        DEGRADATION,
        FEEDBACK_DIRECTION,
    ),
    SCORE_BOUNDS,
)
FEEDBACK_STORAGE = Metric(
    "agentobs.feedback.storage.rows",
    Kind.COUNTER,
    "{row}",
    "Ratings by what became of them on the way into the store.",
    (FEEDBACK_STORAGE_OUTCOME,),
)
FEEDBACK_STORAGE_ERRORS = Metric(
    "agentobs.feedback.storage.errors",
    Kind.COUNTER,
    "{error}",
    "Failures of the store of feedback, and of the spool.",
    (FEEDBACK_STORAGE_ERROR,),
)
