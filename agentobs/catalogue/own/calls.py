"""Model calls: how they ended, what streams did, tokens by agent."""

from __future__ import annotations

from .. import genai
from ..model import Attribute, Kind, Metric
from ..values import ErrorClass, Outcome, StreamEnding, values_of
from .labels import MODEL_LABELS

OUTCOME = Attribute(
    "agentobs.outcome",
    "string",
    "How a model call, agent run or tool call ended; abandoned means that the program left a stream early.",
    values=values_of(Outcome),
)
ERROR_CLASS = Attribute(
    "agentobs.error.class",
    "string",
    "The error's class, the same for all providers.",
    values=values_of(ErrorClass),
)
STREAMED = Attribute("agentobs.streamed", "string", "Whether the call was streamed.", values=("true", "false"))
STREAM_ENDING = Attribute(
    "agentobs.stream.ending", "string", "How the program left a stream early.", values=values_of(StreamEnding)
)
STREAM_CHUNKS = Attribute("agentobs.stream.chunks", "int", "Chunks that the program received.")
TOKEN_KIND = Attribute(
    "agentobs.token.kind",
    "string",
    "Kind of the tokens; together they make input plus output.",
    values=("input_uncached", "cache_read", "cache_write", "output"),
)
CALLS = Metric(
    "agentobs.calls",
    Kind.COUNTER,
    "{call}",
    "Model calls by how they ended.",
    (*MODEL_LABELS, STREAMED, OUTCOME, ERROR_CLASS),
)
CALLS_ACTIVE = Metric(
    "agentobs.calls.active",
    Kind.UP_DOWN_COUNTER,
    "{call}",
    "Model calls under way, streams that are being read included.",
    (genai.OPERATION, genai.PROVIDER, genai.REQUEST_MODEL),
)
TOKENS = Metric(
    "agentobs.tokens",
    Kind.COUNTER,
    "{token}",
    "Tokens by agent and model; kinds are disjoint, so they can be summed.",
    (
        *MODEL_LABELS,
        TOKEN_KIND,
    ),
)
