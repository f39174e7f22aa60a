"""Closed sets of values, each defined once: the annotations of the verbs and the labels of metrics are made from these."""

from __future__ import annotations

from typing import Any, Literal, get_args

Conventions = Literal["latest", "compat", "both"]
"""Names of the GenAI signals: the newest, those of published dashboards, or both."""
Outcome = Literal["success", "error", "cancelled", "abandoned"]
"""How a call, run or tool call ended; abandoned means that the program left a stream early."""
StreamEnding = Literal["closed", "dropped"]
ErrorClass = Literal[
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
]
RetryLayer = Literal["sdk", "framework", "app"]
CostSource = Literal["provider", "override", "local"]
UnpricedReason = Literal["unknown_model", "no_usage", "bad_usage", "unsupported_usage"]
Level = Literal["full", "fallback_model", "reduced", "static", "unavailable"]
"""How much of the intended service the user got, from the best to the worst."""
Notice = Literal["shown", "missing", "not_needed"]
NoticeKind = Literal["degraded", "fallback", "unavailable", "escalated", "ai_disclosure"]
DecisionOutcome = Literal["autonomous", "escalated", "blocked", "abstained"]
FallbackKind = Literal["model", "function", "cache", "static", "human", "none"]
FallbackReason = Literal["circuit_open", ErrorClass, "refusal", "budget", "low_confidence"]
FallbackOutcome = Literal["success", "failure"]
FeedbackSource = Literal["end_user", "implicit", "reviewer", "code", "llm"]
BreakerState = Literal["closed", "open", "half_open"]
BreakerOutcome = Literal["success", "failure", "rejected", "ignored"]
MetricsPath = Literal["otel", "prometheus", "otel_of_both", "prometheus_of_both"]
"""The way on which a process shows its metrics; two that reach the same Prometheus double every figure."""
ToolType = Literal["function", "extension", "datastore"]


def values_of(literal: Any) -> tuple[str, ...]:
    """The values of a `Literal` type in the order in which they are written."""
    return tuple(get_args(literal))


LEVELS = values_of(Level)
