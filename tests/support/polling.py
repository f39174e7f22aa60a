"""The one way to wait for what happens elsewhere. Nothing else in the tests sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

T = TypeVar("T")

FIRST_S, LONGEST_S = 0.001, 0.05
"""Pauses between two looks: short at first, as most conditions are true at once."""


def poll(condition: Callable[[], T], what: str, deadline_s: float = 30.0) -> T:
    """Ask again and again until the condition is true, and give what it gave.

    Raises:
        TimeoutError: it was not true within deadline_s; the message names `what` and the last answer.
    """
    for pause_s in _pauses(deadline_s):
        answer = condition()
        if answer:
            return answer
        time.sleep(pause_s)
    raise TimeoutError(f"not within {deadline_s:g} s: {what}; the last answer was {answer!r}")


async def poll_async(condition: Callable[[], T], what: str, deadline_s: float = 30.0) -> T:
    """As `poll`, while the event loop goes on."""
    for pause_s in _pauses(deadline_s):
        answer = condition()
        if answer:
            return answer
        await asyncio.sleep(pause_s)
    raise TimeoutError(f"not within {deadline_s:g} s: {what}; the last answer was {answer!r}")


def _pauses(deadline_s: float) -> Iterator[float]:
    """How long to wait after each look; there is a last look after the deadline."""
    end_s, pause_s = time.monotonic() + deadline_s, FIRST_S
    while time.monotonic() <= end_s:
        yield pause_s
        pause_s = min(2 * pause_s, LONGEST_S)
    yield 0.0
