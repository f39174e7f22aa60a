"""What agentobs adds to the spans and events of the conventions."""

from __future__ import annotations

from collections.abc import Mapping

from .. import genai
from ..model import Attribute, Event, Span
from .agents import (
    DEGRADATION,
    NOTICE,
    RUN_CALLS,
    RUN_DECISIONS,
    RUN_FALLBACKS,
    RUN_TOOL_CALLS,
    RUN_UNPRICED,
)
from .calls import ERROR_CLASS, OUTCOME, STREAM_CHUNKS, STREAM_ENDING
from .cost import COST_SOURCE, COST_USD, UNPRICED_REASON
from .decisions import DECISION_OUTCOME
from .feedback import (
    FEEDBACK_CORRECTION,
    FEEDBACK_ID,
    FEEDBACK_LATE,
    FEEDBACK_REVISION,
    FEEDBACK_SOURCE,
    FEEDBACK_WITHDRAWN,
)
from .retries import RETRIES

ANNOTATIONS = (DECISION_OUTCOME, genai.EVALUATION_NAME, genai.SCORE_VALUE, genai.SCORE_LABEL)
"""What a decision or a rating adds to whichever span is current."""

_CALL = (
    OUTCOME,
    ERROR_CLASS,
    STREAM_ENDING,
    STREAM_CHUNKS,
    RETRIES,
    COST_USD,
    COST_SOURCE,
    UNPRICED_REASON,
)
_RUN = (
    OUTCOME,
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
_FEEDBACK = (
    genai.AGENT_NAME,
    genai.REQUEST_MODEL,
    genai.CONVERSATION_ID,
    DEGRADATION,
    FEEDBACK_SOURCE,
    FEEDBACK_ID,
    FEEDBACK_REVISION,
    FEEDBACK_LATE,
    FEEDBACK_WITHDRAWN,
    FEEDBACK_CORRECTION,
)
EXTRAS: Mapping[Span | Event, tuple[Attribute, ...]] = {
    genai.INFERENCE: _CALL,
    genai.EMBEDDINGS: _CALL,
    genai.FETCH_RESPONSE: _CALL,
    genai.DETAILS: _CALL,
    genai.INVOKE_AGENT: _RUN,
    genai.EXECUTE_TOOL: (OUTCOME,),
    genai.RETRIEVAL: (OUTCOME,),
    genai.EVALUATION: _FEEDBACK,
}
"""By row of the conventions: the attributes that agentobs sets beside those which the row declares."""
