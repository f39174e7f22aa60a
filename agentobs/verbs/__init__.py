"""What only the program itself can tell: runs, tools, decisions, fallbacks, words to the user, feedback.

None of these can fail because of telemetry. An argument that is not allowed raises, so that a typing error is found in
the first test and not as an empty panel.
"""

from __future__ import annotations

from .agents import agent
from .decisions import decision
from .fallbacks import fallback, notice
from .ratings import feedback
from .retries import retry
from .tools import tool

__all__ = ["agent", "decision", "fallback", "feedback", "notice", "retry", "tool"]
