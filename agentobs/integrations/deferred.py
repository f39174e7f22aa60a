"""What has ended while the garbage collector ran, and is told of a moment later.

The collector may run while any lock of the program is taken, so nothing that takes locks may happen inside it.
"""

from __future__ import annotations

import gc
import threading
from collections import deque
from typing import Protocol


class Unsettled(Protocol):
    """Something that has ended while the collector ran, and is still to be told of."""

    def settle(self) -> None: ...


WAITING: deque[Unsettled] = deque()
"""What the next `drain` settles."""
_collecting = threading.local()


def _on_gc(phase: str, _: dict[str, int]) -> None:
    _collecting.now = phase == "start"


def follow_collector() -> None:
    """Learn when this thread is inside a garbage collection."""
    if _on_gc not in gc.callbacks:
        gc.callbacks.append(_on_gc)


def unfollow_collector() -> None:
    """Undo `follow_collector`."""
    if _on_gc in gc.callbacks:
        gc.callbacks.remove(_on_gc)


def collecting() -> bool:
    """Whether this thread is inside a garbage collection."""
    return getattr(_collecting, "now", False)


def defer(ended: Unsettled) -> None:
    """Have `ended` settled by the next `drain`."""
    WAITING.append(ended)


def drain() -> None:
    """Settle what has ended during a garbage collection: streams that were dropped or closed, breakers that are gone."""
    while WAITING:
        try:
            ended = WAITING.popleft()
        except IndexError:
            return
        ended.settle()
