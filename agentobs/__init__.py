"""Observability for AI agents: `agentobs.instrument()` and everything they do becomes spans, metrics and events.

The package of the distribution agentobs-otel; `agentobs_otel.py` looks for that name in this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .config import ConfigError
from .runtime import Instrumentation, Report, instrument, uninstrument
from .verbs import agent, decision, fallback, feedback, notice, tool
from .version import VERSION

if TYPE_CHECKING:
    from .emit.exposition import metrics_app, metrics_wsgi
    from .endpoint import FeedbackTokenMiddleware, FeedbackTokenWSGI, feedback_app, feedback_token, feedback_wsgi

__version__ = VERSION

_METRICS = ("metrics_app", "metrics_wsgi")
_ENDPOINT = ("FeedbackTokenMiddleware", "FeedbackTokenWSGI", "feedback_app", "feedback_token", "feedback_wsgi")

__all__ = [
    "ConfigError",
    "FeedbackTokenMiddleware",
    "FeedbackTokenWSGI",
    "Instrumentation",
    "Report",
    "__version__",
    "agent",
    "decision",
    "fallback",
    "feedback",
    "feedback_app",
    "feedback_token",
    "feedback_wsgi",
    "instrument",
    "metrics_app",
    "metrics_wsgi",
    "notice",
    "tool",
    "uninstrument",
]


def __getattr__(name: str) -> object:
    if name in _ENDPOINT:  # imported when it is asked for: most programs have no endpoint
        from . import endpoint

        return getattr(endpoint, name)
    if name in _METRICS:
        from .emit import exposition

        return getattr(exposition, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
