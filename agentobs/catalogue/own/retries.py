"""Attempts that were made again, by whom and why."""

from __future__ import annotations

from .. import genai
from ..model import Attribute, Event, Kind, Metric
from ..values import RetryLayer, values_of

RETRIES = Attribute("agentobs.retries", "int", "Hidden retries of the client library within the call.")
RETRY_STATUS = Attribute(
    "agentobs.retry.status", "string", "HTTP status that caused the retry; timeout or connection without one.", bound=30
)
RETRY_LAYER = Attribute("agentobs.retry.layer", "string", "Who retried.", values=values_of(RetryLayer))
CALL_RETRIES = Metric(
    "agentobs.retry.attempts",
    Kind.COUNTER,
    "{attempt}",
    "Attempts that were made again, by what the failed attempt got.",
    (genai.AGENT_NAME, genai.OPERATION, genai.PROVIDER, genai.REQUEST_MODEL, RETRY_LAYER, RETRY_STATUS),
)
RETRY = Event(
    "agentobs.retry",
    "INFO",
    "A client library makes an attempt again.",
    (genai.OPERATION, genai.PROVIDER, genai.REQUEST_MODEL, RETRY_LAYER, RETRY_STATUS, RETRIES),
)
