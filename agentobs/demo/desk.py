"""What both agents of the demo work with: the help centre, the tools, the breaker, and a tally of what they did."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import agentobs

from .tasks import Task
from .visitors import Visitors

PRIMARY = "gpt-5.4-mini"
CHECKER = "gpt-4.1-mini"
SMALL = "support-small-1"
EMBEDDER = "text-embedding-3-small"
THINKER = "claude-sonnet-5"
SECOND = "claude-haiku-4-5"

APOLOGY = "We are sorry, but we cannot answer right now. A colleague will write to you within a day."
HELP_CENTRE = "\n".join(
    f"Article {number}: goods of category {number} can be returned within {10 + number} days, at our cost if they are "
    f"broken, and the money is sent back within {2 + number % 5} working days."
    for number in range(40)
)
ORDER_ARGUMENTS = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
INVOICE_ARGUMENTS = {"type": "object", "properties": {"invoice_id": {"type": "string"}}, "required": ["invoice_id"]}
VERDICT = {
    "type": "object",
    "properties": {"confidence": {"type": "number", "minimum": 0, "maximum": 1}, "reason": {"type": "string"}},
    "required": ["confidence", "reason"],
    "additionalProperties": False,
}
ESCALATE_BELOW = 0.3
"""Answers of which the checker is less sure than this go to a person."""


class Tally:
    """Counts of what the agents did, by their own account; safe to use from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, what: str) -> None:
        with self._lock:
            self._counts[what] += 1

    def __getitem__(self, what: str) -> int:
        with self._lock:
            return self._counts[what]


@dataclass(slots=True)
class Desk:
    """One worker's place: its clients and its breaker, the tally of all, and the customers."""

    openai: Any
    anthropic: Any
    breaker: Any
    tally: Tally
    visitors: Visitors

    def use_tool(self, name: str, call_id: str, work: Callable[[], str]) -> str:
        """Run one of the agent's tools."""
        self.tally.add("tool_calls")
        with agentobs.tool(name, call_id=call_id):
            return work()

    def decide(self, kind: str, chosen: str, task: Task, confidence: float | None) -> None:
        """Answer the customer, or hand the conversation to a person where the checker is not sure enough."""
        self.tally.add("decisions")
        sure = confidence is not None and confidence >= ESCALATE_BELOW
        agentobs.decision(
            kind,
            chosen if sure else "escalate",
            outcome="autonomous" if sure else "escalated",
            alternatives=["escalate"] if sure else [chosen],
            confidence=confidence,
            confidence_source=None if confidence is None else "checker",
            policy="support-policy 3",
        )
        if not sure and task.luck.draw("tells of the escalation") < 0.9:
            agentobs.notice("escalated")

    def ask_customer(self, task: Task, *, degraded: bool) -> None:
        """Half of the customers say what they think, and they think less of a degraded answer."""
        if task.luck.draw("gives feedback") < 0.5:
            self.tally.add("feedback")
            happy = task.luck.draw("is happy") < (0.35 if degraded else 0.85)
            self.visitors.rate(happy=happy)

    def give_up(self, name: str, reason: BaseException, origin: str) -> str:
        """The last step of every fallback: a fixed text, and the word that it is one."""
        self.tally.add("fallbacks")
        with agentobs.fallback(name, kind="static", reason=reason, origin=origin, target="apology"):
            agentobs.notice("unavailable")
        return APOLOGY


def breaker(name: str, clock: list[float], *, reset_s: float) -> Any:
    """A pybreaker that opens after three failures in a row and tries again `reset_s` later.

    It goes by `clock`, the worker's schedule, and not by the wall clock: on a slow machine the same calls are rejected
    as on a fast one.
    """
    from pybreaker import STATE_CLOSED, CircuitBreaker, CircuitMemoryStorage

    class Schedule(CircuitMemoryStorage):
        opened_s = 0.0

        @property
        def opened_at(self) -> datetime | None:
            if self._opened_at is None:
                return None
            elapsed = clock[0] - self.opened_s >= reset_s
            return datetime.fromtimestamp(0, UTC) if elapsed else datetime.now(UTC)

        @opened_at.setter
        def opened_at(self, moment: datetime) -> None:
            self._opened_at = moment
            self.opened_s = clock[0]

    return CircuitBreaker(fail_max=3, reset_timeout=reset_s, name=name, state_storage=Schedule(STATE_CLOSED))
