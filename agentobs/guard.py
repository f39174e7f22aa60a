"""What becomes of an error in agentobs itself: it is counted, logged now and then, and never reaches the program.

Every stage of telemetry code in the path of a user's call stands in a `try` of its own that catches `Exception` and calls
`failed`. `BaseException` is never caught: a KeyboardInterrupt or a cancelled task belongs to the program.
"""

from __future__ import annotations

import logging
import os
import time
from collections import Counter
from collections.abc import Callable

log = logging.getLogger("agentobs")
_QUIET_S = 60.0

strict = os.environ.get("AGENTOBS_STRICT", "").lower() in ("1", "true")
"""Raise errors of agentobs instead of keeping them from the program; for tests."""


class Errors:
    """Errors of agentobs by the stage in which they were caught; `counted` is called with the stage of each."""

    def __init__(self, counted: Callable[[str], None] | None = None) -> None:
        self.by_stage: Counter[str] = Counter()
        self.counted = counted


_unowned = Errors()
_last_logged: dict[str, float] = {}


def _nothing_in_force() -> Errors | None:
    return None


_find = _nothing_in_force


def count_in(find: Callable[[], Errors | None]) -> None:
    """Have errors counted in what `find()` returns at that moment; `None` from it means that nothing is in force."""
    global _find  # noqa: PLW0603  set once, by the module that owns the state of the process
    _find = find


def errors() -> Errors:
    """The errors of what is in force now, else those that were caught while nothing was."""
    return _find() or _unowned


def count(stage: str) -> None:
    """Count what agentobs could not have or do in `stage`, where the program or its surroundings are the reason."""
    caught = errors()
    caught.by_stage[stage] += 1
    if caught.counted is not None:
        caught.counted(stage)


def failed(stage: str, error: Exception) -> None:
    """Count an error of agentobs in `stage`; log it at most once a minute and stage; raise it if `strict`."""
    caught = errors()
    caught.by_stage[stage] += 1
    if strict:
        raise error
    try:
        if caught.counted is not None:
            caught.counted(stage)
        now = time.monotonic()
        if now - _last_logged.get(stage, -_QUIET_S) >= _QUIET_S:
            _last_logged[stage] = now
            log.warning("agentobs: error in %s, the program is not affected", stage, exc_info=error)
    except Exception:  # noqa: BLE001, S110  a failing logger or metric must not undo what this module is for
        pass
