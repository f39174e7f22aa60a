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

errors: Counter[str] = Counter()
"""Errors of agentobs by the stage in which they were caught, since the start of the process."""

_last_logged: dict[str, float] = {}
_listener: Callable[[str], None] | None = None


def listen(listener: Callable[[str], None] | None) -> None:
    """Have `listener(stage)` called for every error from now on; `None` ends it."""
    global _listener  # noqa: PLW0603  one listener for the process, set by instrument()
    _listener = listener


def failed(stage: str, error: Exception) -> None:
    """Count an error of agentobs in `stage`; log it at most once a minute and stage; raise it if `strict`."""
    errors[stage] += 1
    if strict:
        raise error
    try:
        if _listener is not None:
            _listener(stage)
        now = time.monotonic()
        if now - _last_logged.get(stage, -_QUIET_S) >= _QUIET_S:
            _last_logged[stage] = now
            log.warning("agentobs: error in %s, the program is not affected", stage, exc_info=error)
    except Exception:  # noqa: BLE001, S110  a failing logger or metric must not undo what this module is for
        pass
