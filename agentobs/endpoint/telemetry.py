"""What the endpoint tells of itself and of the ratings: the one place in it that knows the emitter.

Nothing here raises: a fault of telemetry must not change an answer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from .. import guard, process
from ..records.feedback import Content, Feedback, Rated
from . import contract
from .storage.rows import Revision, Row, Submission

log = logging.getLogger("agentobs")

_OTHER = "_other"


class Telemetry:
    """Emits what becomes of ratings. `labels` are free labels that metrics may tell apart."""

    def __init__(self, labels: frozenset[str], has_store: bool) -> None:
        self._labels = labels
        self._warned = has_store

    def accepted(self, submission: Submission, revision: Revision | None) -> None:
        """Emit a rating that was taken, `revision` being `None` for one that is the same again."""
        if process.current() is None:
            if not self._warned:
                self._warned = True
                log.warning("agentobs: feedback arrives and goes nowhere; call agentobs.instrument(), or give a store")
            return
        arrival = _arrival(submission, revision)
        self._emit("feedback.accepted", lambda ratings: ratings.accepted(arrival))
        if revision is not None:
            feedback = self._feedback(submission, revision)
            self._emit("feedback.emit", lambda ratings: ratings.emit(feedback))

    sent = accepted

    def rejected(self, reason: str) -> None:
        """Count a request that was turned away."""
        self._emit("feedback.rejected", lambda ratings: ratings.rejected(reason))

    def kept(self, outcome: str, rows: int = 1) -> None:
        """Count rows of the store by what became of them."""
        self._emit("feedback.kept", lambda ratings: ratings.kept(outcome, rows))

    def storage_failed(self, reason: str) -> None:
        """Count a failure of the store or the spool."""
        self._emit("feedback.storage", lambda ratings: ratings.storage_failed(reason))

    def _emit(self, stage: str, work: Callable[[Any], None]) -> None:
        state = process.current()
        if state is None:
            return
        try:
            work(state.emitters.feedback)
        except Exception as error:  # noqa: BLE001
            guard.failed(stage, error)

    def _feedback(self, submission: Submission, revision: Revision) -> Feedback:
        row = submission.row
        return Feedback(
            row.name,
            row.value,
            row.label,
            row.comment,
            "implicit" if row.source == "implicit" else "end_user",
            row.key,
            revision=revision.number,
            late=submission.late,
            rated=Rated(
                row.trace_id,
                row.span_id,
                submission.sampled,
                row.conversation_id,
                revision.agent,
                revision.model,
                revision.level,
            ),
            remote=True,
            free_label=self._is_free(row.label),
            withdrawn=row.withdrawn_s is not None,
            previous=Content(revision.value, _OTHER if self._is_free(revision.label) else revision.label),
            correction=row.correction,
        )

    def _is_free(self, label: str | None) -> bool:
        return label is not None and label not in contract.KNOWN_LABELS and label not in self._labels


def _arrival(submission: Submission, revision: Revision | None) -> str:
    row: Row = submission.row
    if revision is None:
        return "repeated"
    if row.withdrawn_s is not None:
        return "withdrawn"
    if revision.number > 0:
        return "changed"
    if row.trace_id is None or not submission.sampled:
        return "unknown_trace"
    return "late" if submission.late else "on_time"
