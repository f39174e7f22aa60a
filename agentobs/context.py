"""What is going on here and now: the run and the model call that this task or thread is in.

Context variables, so that concurrent tasks and threads never see each other's. A value is only ever set around code that
runs to its end in the same context, never across a `yield`.
"""

from __future__ import annotations

from contextvars import ContextVar

from .record import Call, Run

RUN: ContextVar[Run | None] = ContextVar("agentobs_run", default=None)
"""The innermost agent run."""

CALL: ContextVar[Call | None] = ContextVar("agentobs_call", default=None)
"""The model call whose HTTP request is being made."""
