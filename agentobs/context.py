"""What is going on here and now: the run and the model call that this task or thread is in.

Context variables, so that concurrent tasks and threads never see each other's. A value is only ever set around code that
runs to its end in the same context, never across a `yield`.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from .records.agents import Run


@dataclass(slots=True)
class Answer:
    """An answer in the making: `run` is the newest run of an agent in it that is not inside another one."""

    run: Run | None = None


RUN: ContextVar[Run | None] = ContextVar("agentobs_run", default=None)
"""The innermost agent run."""


CARRIERS: list[Callable[[], Run | None]] = []
"""What gives the run that a thread was given along, where its context has none of its own; empty before the first run."""


def carry_in(carried: Callable[[], Run | None]) -> None:
    """Have `current_run` ask `carried()`, from the first run on, so that programs without runs spend nothing on it."""
    if not CARRIERS:
        CARRIERS.append(carried)


def current_run() -> Run | None:
    """The innermost run that is under way here, also in a thread that was started inside it."""
    run = RUN.get()
    if run is not None or not CARRIERS:
        return run
    run = CARRIERS[0]()
    # A thread may outlive the run that it was started in.
    return None if run is None or run.ended else run


CALL: ContextVar[Any] = ContextVar("agentobs_call", default=None)
"""The open model call whose request is being made (`emit.calls.OpenCall`, which this low a module does not import)."""

ANSWER: ContextVar[Answer | None] = ContextVar("agentobs_answer", default=None)
"""The answer to the web request that is being served, where a middleware wants to know what it is made of."""

BLOCK: ContextVar[Any] = ContextVar("agentobs_block", default=None)
"""The innermost `with` block or decorated call of agentobs; whoever leaves it sees whether it is still in its context."""
