"""Names that agentobs adds where the GenAI conventions have none: cost, retries, breakers, decisions, feedback.

All of them live under `agentobs.`, never under `gen_ai.`, so that a later convention cannot collide with them.
"""

from __future__ import annotations

from . import genai
from .model import Attribute, Event, Kind, Metric, Span

# --- attributes -------------------------------------------------------------------------------------------------------
OUTCOME = Attribute(
    "agentobs.outcome",
    "string",
    "How a model call, agent run or tool call ended; abandoned means that the program left a stream early.",
    values=("success", "error", "cancelled", "abandoned"),
)
ERROR_CLASS = Attribute(
    "agentobs.error.class",
    "string",
    "The error's class, the same for all providers.",
    values=(
        "rate_limit",
        "quota",
        "timeout",
        "connection",
        "overloaded",
        "server_error",
        "auth",
        "not_found",
        "invalid_request",
        "context_window",
        "content_filter",
        "incomplete_stream",
        "invalid_output",
        "other",
    ),
)
STREAMED = Attribute("agentobs.streamed", "string", "Whether the call was streamed.", values=("true", "false"))
STREAM_ENDING = Attribute(
    "agentobs.stream.ending", "string", "How the program left a stream early.", values=("closed", "dropped")
)
STREAM_CHUNKS = Attribute("agentobs.stream.chunks", "int", "Chunks that the program received.")
RETRIES = Attribute("agentobs.retries", "int", "Hidden retries of the client library within the call.")
RETRY_STATUS = Attribute(
    "agentobs.retry.status", "string", "HTTP status that caused the retry; timeout or connection without one.", bound=30
)
RETRY_LAYER = Attribute("agentobs.retry.layer", "string", "Who retried.", values=("sdk", "framework", "app"))
TOKEN_KIND = Attribute(
    "agentobs.token.kind",
    "string",
    "Kind of the tokens; together they make input plus output.",
    values=("input_uncached", "cache_read", "cache_write", "output"),
)
COST_USD = Attribute("agentobs.cost.usd", "double", "Cost in USD; absent where it is unknown.")
COST_SOURCE = Attribute(
    "agentobs.cost.source",
    "string",
    "Who says what it cost: the response, the user's price file, or the bundled table.",
    values=("provider", "override", "local"),
)
UNPRICED_REASON = Attribute(
    "agentobs.unpriced.reason",
    "string",
    "Why a call has no cost.",
    values=("unknown_model", "no_usage", "bad_usage", "unsupported_usage"),
)
DEGRADATION = Attribute(
    "agentobs.degradation.level",
    "string",
    "How much of the intended service the user got; a run has the worst level that it saw.",
    values=("full", "fallback_model", "reduced", "static", "unavailable"),
)
NOTICE = Attribute(
    "agentobs.notice",
    "string",
    "Whether the user of a degraded run was told; not_needed for a full one.",
    values=("shown", "missing", "not_needed"),
)
NOTICE_KIND = Attribute(
    "agentobs.notice.kind",
    "string",
    "What the user was told.",
    values=("degraded", "fallback", "unavailable", "escalated", "ai_disclosure"),
)
RUN_CALLS = Attribute("agentobs.run.calls", "int", "Model calls of the run, those of nested agents included.")
RUN_TOOL_CALLS = Attribute("agentobs.run.tool_calls", "int", "Tool calls of the run.")
RUN_DECISIONS = Attribute("agentobs.run.decisions", "int", "Decisions of the run.")
RUN_FALLBACKS = Attribute("agentobs.run.fallbacks", "int", "Fallbacks of the run.")
RUN_UNPRICED = Attribute("agentobs.run.unpriced_calls", "int", "Model calls of the run whose cost is unknown.")
DECISION_ID = Attribute("agentobs.decision.id", "string", "Id of the decision.")
DECISION_KIND = Attribute("agentobs.decision.kind", "string", "What was decided, as the program named it.", bound=30)
DECISION_OUTCOME = Attribute(
    "agentobs.decision.outcome",
    "string",
    "What became of the decision.",
    values=("autonomous", "escalated", "blocked", "abstained"),
)
DECISION_CHOSEN = Attribute("agentobs.decision.chosen", "string", "What was chosen.")
DECISION_ALTERNATIVES = Attribute("agentobs.decision.alternatives", "string[]", "What was not chosen.")
DECISION_REASON = Attribute("agentobs.decision.reason", "string", "Why, in the program's words; content, opt-in.")
DECISION_POLICY = Attribute("agentobs.decision.policy", "string", "The policy that was applied, with its version.")
CONFIDENCE = Attribute("agentobs.confidence", "double", "Confidence from 0 to 1.")
CONFIDENCE_SOURCE = Attribute(
    "agentobs.confidence.source", "string", "Where the confidence comes from, as the program named it.", bound=10
)
FALLBACK_NAME = Attribute("agentobs.fallback.name", "string", "The chain of fallbacks.", bound=30)
FALLBACK_KIND = Attribute(
    "agentobs.fallback.kind",
    "string",
    "What was fallen back to.",
    values=("model", "function", "cache", "static", "human", "none"),
)
FALLBACK_REASON = Attribute(
    "agentobs.fallback.reason",
    "string",
    "Why the first choice did not serve.",
    values=(
        "circuit_open",
        *ERROR_CLASS.values,
        "refusal",
        "budget",
        "low_confidence",
    ),
)
FALLBACK_FROM = Attribute("agentobs.fallback.from", "string", "What should have answered.", bound=30)
FALLBACK_TO = Attribute("agentobs.fallback.to", "string", "What answered instead.", bound=30)
FALLBACK_OUTCOME = Attribute(
    "agentobs.fallback.outcome", "string", "Whether the fallback served.", values=("success", "failure")
)
FEEDBACK_ID = Attribute("agentobs.feedback.id", "string", "Id of the feedback; the same id replaces it.")
FEEDBACK_REVISION = Attribute("agentobs.feedback.revision", "int", "0 for the first word on it, then 1, 2 and so on.")
FEEDBACK_SOURCE = Attribute(
    "agentobs.feedback.source",
    "string",
    "Who rated.",
    values=("end_user", "implicit", "reviewer", "code", "llm"),
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
BREAKER_NAME = Attribute("agentobs.circuit_breaker.name", "string", "The breaker.", bound=50)
BREAKER_STATE = Attribute(
    "agentobs.circuit_breaker.state",
    "string",
    "State of the breaker.",
    values=("closed", "open", "half_open"),
)
BREAKER_PREVIOUS = Attribute("agentobs.circuit_breaker.previous_state", "string", "State before the change.")
BREAKER_OUTCOME = Attribute(
    "agentobs.circuit_breaker.outcome",
    "string",
    "What became of a guarded call; rejected ones were never made, ignored ones raised an excluded exception.",
    values=("success", "failure", "rejected", "ignored"),
)
BREAKER_FAILURES = Attribute("agentobs.circuit_breaker.failures", "int", "Consecutive failures that it has counted.")
LIBRARY = Attribute("agentobs.library", "string", "The breaker's or client's library.", bound=20)
STAGE = Attribute(
    "agentobs.stage",
    "string",
    "The stage of agentobs in which an error of its own was caught.",
    bound=30,
)
DROP_REASON = Attribute("agentobs.drop.reason", "string", "Why telemetry was dropped.", bound=20)
VERSION = Attribute("agentobs.version", "string", "Version of agentobs.", bound=2)
CONVENTIONS = Attribute("agentobs.conventions", "string", "Names in use.", values=("latest", "compat", "both"))
PRICES_DATE = Attribute("agentobs.prices.date", "string", "Date of the bundled price table.", bound=2)

# --- metrics ----------------------------------------------------------------------------------------------------------
_MODEL = (genai.AGENT_NAME, genai.OPERATION, genai.PROVIDER, genai.REQUEST_MODEL, genai.RESPONSE_MODEL)
USD = (0.00001, 0.00003, 0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

CALLS = Metric(
    "agentobs.calls",
    Kind.COUNTER,
    "{call}",
    "Model calls by how they ended.",
    (*_MODEL, STREAMED, OUTCOME, ERROR_CLASS),
)
CALLS_ACTIVE = Metric(
    "agentobs.calls.active",
    Kind.UP_DOWN_COUNTER,
    "{call}",
    "Model calls under way, streams that are being read included.",
    (genai.OPERATION, genai.PROVIDER, genai.REQUEST_MODEL),
)
CALL_RETRIES = Metric(
    "agentobs.retry.attempts",
    Kind.COUNTER,
    "{attempt}",
    "Attempts that were made again, by what the failed attempt got.",
    (genai.AGENT_NAME, genai.OPERATION, genai.PROVIDER, genai.REQUEST_MODEL, RETRY_LAYER, RETRY_STATUS),
)
COST = Metric("agentobs.cost.usd", Kind.COUNTER, "{USD}", "Cost of the priced model calls in USD.", _MODEL)
CALL_COST = Metric(
    "agentobs.call.cost.usd",
    Kind.HISTOGRAM,
    "{USD}",
    "Cost of one priced model call in USD.",
    (genai.PROVIDER, genai.REQUEST_MODEL),
    USD,
)
UNPRICED = Metric(
    "agentobs.calls.unpriced",
    Kind.COUNTER,
    "{call}",
    "Successful model calls whose cost is unknown.",
    (genai.AGENT_NAME, genai.PROVIDER, genai.REQUEST_MODEL, UNPRICED_REASON),
)
TOKENS = Metric(
    "agentobs.tokens",
    Kind.COUNTER,
    "{token}",
    "Tokens by agent and model; kinds are disjoint, so they can be summed.",
    (
        *_MODEL,
        TOKEN_KIND,
    ),
)
RUNS = Metric(
    "agentobs.agent.runs",
    Kind.COUNTER,
    "{run}",
    "Runs of agents by outcome and by what the user got.",
    (genai.AGENT_NAME, OUTCOME, DEGRADATION, NOTICE),
)
RUN_COST = Metric(
    "agentobs.agent.run.cost.usd",
    Kind.HISTOGRAM,
    "{USD}",
    "Cost of one run in USD, where all of its calls are priced.",
    (genai.AGENT_NAME, OUTCOME),
    USD,
)
NOTICES = Metric(
    "agentobs.notices",
    Kind.COUNTER,
    "{notice}",
    "Words to the user about the service they get.",
    (genai.AGENT_NAME, NOTICE_KIND),
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
    SCORES,
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
    SCORES,
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
BREAKER_STATES = Metric(
    "agentobs.circuit_breaker.state",
    Kind.UP_DOWN_COUNTER,
    "{breaker}",
    "1 for the state that the breaker is in, 0 for the others.",
    (BREAKER_NAME, BREAKER_STATE),
)
BREAKER_CALLS = Metric(
    "agentobs.circuit_breaker.calls",
    Kind.COUNTER,
    "{call}",
    "Guarded calls by outcome.",
    (BREAKER_NAME, BREAKER_OUTCOME),
)
BREAKER_TRANSITIONS = Metric(
    "agentobs.circuit_breaker.transitions",
    Kind.COUNTER,
    "{transition}",
    "Changes of state by the state that was entered.",
    (BREAKER_NAME, BREAKER_STATE),
)
BREAKER_FAIL_COUNT = Metric(
    "agentobs.circuit_breaker.failures.current",
    Kind.UP_DOWN_COUNTER,
    "{failure}",
    "Consecutive failures that the breaker has counted.",
    (BREAKER_NAME,),
)
BREAKER_FAIL_LIMIT = Metric(
    "agentobs.circuit_breaker.failures.limit",
    Kind.UP_DOWN_COUNTER,
    "{failure}",
    "Consecutive failures at which the breaker opens.",
    (BREAKER_NAME,),
)
INTERNAL_ERRORS = Metric(
    "agentobs.internal.errors",
    Kind.COUNTER,
    "{error}",
    "Errors of agentobs itself, caught before they reached the program.",
    (STAGE,),
)
DROPPED = Metric("agentobs.dropped", Kind.COUNTER, "{item}", "Telemetry that agentobs dropped.", (DROP_REASON,))
INFO = Metric(
    "agentobs.info",
    Kind.UP_DOWN_COUNTER,
    "{process}",
    "1 for each process that runs agentobs.",
    (VERSION, CONVENTIONS, PRICES_DATE),
)

# --- events -----------------------------------------------------------------------------------------------------------
RETRY = Event(
    "agentobs.retry",
    "INFO",
    "A client library makes an attempt again.",
    (genai.OPERATION, genai.PROVIDER, genai.REQUEST_MODEL, RETRY_LAYER, RETRY_STATUS, RETRIES),
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
NOTICE_SHOWN = Event(
    "agentobs.notice", "INFO", "The user was told about the service they get.", (genai.AGENT_NAME, NOTICE_KIND)
)
BREAKER_CHANGE = Event(
    "agentobs.circuit_breaker.state_change",
    "WARN",
    "A breaker changed its state.",
    (BREAKER_NAME, BREAKER_STATE, BREAKER_PREVIOUS, BREAKER_FAILURES, LIBRARY),
)

# --- spans: what agentobs adds to those of the conventions ------------------------------------------------------------
CALL_EXTRAS = (
    OUTCOME,
    ERROR_CLASS,
    STREAM_ENDING,
    STREAM_CHUNKS,
    RETRIES,
    COST_USD,
    COST_SOURCE,
    UNPRICED_REASON,
)
RUN_EXTRAS = (
    OUTCOME,
    DECISION_OUTCOME,
    DEGRADATION,
    NOTICE,
    RUN_CALLS,
    RUN_TOOL_CALLS,
    RUN_DECISIONS,
    RUN_FALLBACKS,
    RUN_UNPRICED,
    RETRIES,
    COST_USD,
)
FEEDBACK_EXTRAS = (
    genai.AGENT_NAME,
    genai.REQUEST_MODEL,
    genai.CONVERSATION_ID,
    DEGRADATION,
    FEEDBACK_SOURCE,
    FEEDBACK_ID,
    FEEDBACK_REVISION,
    FEEDBACK_LATE,
)
FALLBACK_SPAN = Span(
    "fallback {fallback.name}",
    "internal",
    "The time in which something else tried to answer.",
    FALLBACK.attributes,
)
