"""Observability for AI agents: `agentobs.instrument()` and everything they do becomes spans, metrics and events."""

from __future__ import annotations

from .agents import agent, tool
from .config import ConfigError
from .runtime import Instrumentation, Report, instrument, uninstrument
from .signals import decision, fallback, feedback, notice
from .version import VERSION

__version__ = VERSION

__all__ = [
    "ConfigError",
    "Instrumentation",
    "Report",
    "__version__",
    "agent",
    "decision",
    "fallback",
    "feedback",
    "instrument",
    "notice",
    "tool",
    "uninstrument",
]
