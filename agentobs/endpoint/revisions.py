"""Which revision of a rating a post is where there is no store to ask: what this process remembers, and the receipt.

The answer to a post carries a receipt, a signed word of what the rating is now. Sent back with the next post it tells
any other process what was counted, so that a comment that follows a click is not a second rating.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from .problems import RefusedError
from .storage.rows import Revision, Row
from .tokens import Signer

_MOST_SUBJECTS = 20_000
MOST_IDS = 20
"""Different ratings that one answer may have through its tokens: names and ids together."""


@dataclass(frozen=True, slots=True)
class State:
    """A rating as it was last accepted: the content that is counted, and as whose it was counted first."""

    digest: str
    number: int
    value: float | None
    label: str | None
    agent: str | None
    model: str | None
    level: str | None


class RevisionCache:
    """States by subject and rating; the subjects that have been quiet for longest are forgotten."""

    def __init__(self) -> None:
        self._subjects: OrderedDict[str, dict[str, State]] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, subject: str, key: str) -> None:
        """Check that the subject may have the rating `key` too.

        Raises:
            RefusedError: it has too many others.
        """
        states = self._subjects.get(subject)
        if states is not None and key not in states and len(states) >= MOST_IDS:
            raise too_many_ids()

    def put(self, subject: str, row: Row, receipt: State | None) -> tuple[Revision | None, State]:
        """Note the content of `row`: its revision, or `None` where it is the same again, and the state after it."""
        with self._lock:
            states = self._states(subject)
            known = max((state for state in (states.get(row.key), receipt) if state), key=_number, default=None)
            if known is None:
                state = _state(row, Revision(0, None, None, row.agent, row.model, row.level))
                revision: Revision | None = Revision(0, None, None, row.agent, row.model, row.level)
            elif known.digest == row.digest:
                state, revision = known, None
            else:
                revision = Revision(known.number + 1, known.value, known.label, known.agent, known.model, known.level)
                state = _state(row, revision)
            states[row.key] = state
            return revision, state

    def learn(self, subject: str, row: Row, revision: Revision | None) -> None:
        """Note what a store answered."""
        with self._lock:
            states = self._states(subject)
            if revision is not None:
                states[row.key] = _state(row, revision)
            else:
                states.setdefault(row.key, _state(row, Revision(0)))

    def _states(self, subject: str) -> dict[str, State]:
        states = self._subjects.setdefault(subject, {})
        self._subjects.move_to_end(subject)
        if len(self._subjects) > _MOST_SUBJECTS:
            self._subjects.popitem(last=False)
        return states


def _number(state: State) -> int:
    return state.number


def _state(row: Row, revision: Revision) -> State:
    return State(row.digest, revision.number, row.value, row.label, revision.agent, revision.model, revision.level)


def too_many_ids() -> RefusedError:
    """Why one more rating of an answer is turned away."""
    return RefusedError("replayed", f"{MOST_IDS} ratings have been posted with this token; post one of their ids again")


def receipt_of(signer: Signer, key: str, state: State) -> str:
    """The receipt for a rating in this state."""
    members = [state.digest, state.number, state.value, state.label, state.agent, state.model, state.level]
    return signer.seal([key, *members])


def state_from(signer: Signer, key: str, receipt: str | None) -> State | None:
    """The state that a receipt tells; `None` where it is none of ours, or one for another rating."""
    payload = None if receipt is None else signer.unseal(receipt)
    if not isinstance(payload, list) or len(payload) != 8 or payload[0] != key:
        return None
    members: list[Any] = payload[1:]
    digest, number, value, *texts = members
    fits = isinstance(digest, str) and isinstance(number, int) and (value is None or isinstance(value, (int, float)))
    if not fits or not all(text is None or isinstance(text, str) for text in texts):
        return None
    return State(digest, number, value, *texts)
