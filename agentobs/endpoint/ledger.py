"""What this process has accepted lately, so that feedback that comes again is known as such without a store."""

from __future__ import annotations

import threading
from collections import OrderedDict

from .problems import RefusedError

_MOST_SUBJECTS = 20_000
MOST_IDS = 20
"""Different ratings that one answer may have through its tokens: names and ids together."""


class Ledger:
    """Revisions by subject and feedback; the subjects that have been quiet for longest are forgotten."""

    def __init__(self) -> None:
        self._subjects: OrderedDict[str, dict[str, tuple[str, int]]] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, subject: str, key: str) -> None:
        """Check that the subject may have the feedback `key` too.

        Raises:
            RefusedError: it has too many others.
        """
        held = self._subjects.get(subject)
        if held is not None and key not in held and len(held) >= MOST_IDS:
            raise RefusedError(
                "replayed", f"{MOST_IDS} ratings have been posted with this token; post one of their ids again"
            )

    def put(self, subject: str, key: str, digest: str) -> int | None:
        """Note the content `digest` of the feedback `key`; its revision, or `None` where it said the same before."""
        with self._lock:
            held = self._hold(subject)
            before = held.get(key)
            if before is not None and before[0] == digest:
                return None
            revision = 0 if before is None else before[1] + 1
            held[key] = (digest, revision)
            return revision

    def learn(self, subject: str, key: str, digest: str, revision: int | None) -> None:
        """Note what a store said of the feedback."""
        with self._lock:
            held = self._hold(subject)
            held[key] = (digest, revision if revision is not None else held.get(key, (digest, 0))[1])

    def _hold(self, subject: str) -> dict[str, tuple[str, int]]:
        held = self._subjects.setdefault(subject, {})
        self._subjects.move_to_end(subject)
        if len(self._subjects) > _MOST_SUBJECTS:
            self._subjects.popitem(last=False)
        return held
