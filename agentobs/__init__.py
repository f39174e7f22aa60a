"""Observability for AI agents: `agentobs.instrument()` and everything they do becomes spans, metrics and events.

The package of the distribution agentobs-otel; `agentobs_otel.py` looks for that name in this file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .version import VERSION

if TYPE_CHECKING:
    from .config import ConfigError
    from .emit.exposition import metrics_app, metrics_wsgi
    from .endpoint import FeedbackTokenMiddleware, FeedbackTokenWSGI, feedback_app, feedback_token, feedback_wsgi
    from .runtime import Instrumentation, Report, instrument, uninstrument
    from .verbs import agent, decision, fallback, notice, retry, tool
    from .verbs.ratings import feedback

__version__ = VERSION

_MODULES = {
    "config": ("ConfigError",),
    "emit.exposition": ("metrics_app", "metrics_wsgi"),
    "endpoint": ("FeedbackTokenMiddleware", "FeedbackTokenWSGI", "feedback_app", "feedback_token", "feedback_wsgi"),
    "runtime": ("Instrumentation", "Report", "instrument", "uninstrument"),
    "verbs": ("agent", "decision", "fallback", "feedback", "notice", "retry", "tool"),
}
"""Where each public name is; a module is imported by the first one who asks for a name of it."""

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
    "retry",
    "tool",
    "uninstrument",
]


def __getattr__(name: str) -> object:
    for module, names in _MODULES.items():
        if name in names:
            from importlib import import_module

            value = getattr(import_module(f".{module}", __name__), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
