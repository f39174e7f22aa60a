"""Deleting feedback: what a person asks to have erased, and what has been kept for long enough."""

from __future__ import annotations

import os

from ..config import ConfigError
from .options import SPOOL_ENV, STORE_ENV
from .storage.rows import Selection
from .storage.store import open_store


def erase_feedback(
    store: str | None = None,
    *,
    conversation_id: str | None = None,
    trace_id: str | None = None,
    key: str | None = None,
    before_s: float | None = None,
    spool: str | None = None,
) -> int:
    """Delete feedback from the store, and from the spool of this machine; how many rows there were.

    What has left as telemetry is not reached by this: delete it where events and traces are kept, by the same conversation
    or trace. Rows that wait in spools of other machines are deleted by a call there.

    Args:
        store: as for `feedback_app`; else AGENTOBS_FEEDBACK_STORE.
        conversation_id, trace_id: of the rated answers.
        key: the id of one rating, `agentobs.feedback.id` in its event.
        before_s: only what has not changed since this time, in seconds of the epoch. Several conditions must all hold.
        spool: file in which feedback waits; else AGENTOBS_FEEDBACK_SPOOL, else the default one of this store.

    Raises:
        ConfigError: there is no store, or its URL is not allowed.
        ValueError: no condition is given; to delete everything, drop the table.
        StorageError: the store or the spool cannot be used.
    """
    from .storage.spool import Spool, default_path

    selection = Selection(conversation_id, trace_id, key, before_s)
    if selection.empty:
        raise ValueError("erase_feedback() needs a conversation, a trace, a key or a time")
    url = store or os.environ.get(STORE_ENV)
    if not url:
        raise ConfigError(f"there is no store: give store=, or set {STORE_ENV}")
    opened = open_store(url)
    path = spool or os.environ.get(SPOOL_ENV) or default_path(opened.where)
    # The spool comes first, so that nothing moves from it into the store behind our back.
    waiting = Spool(path).erase(selection) if path is not None else 0
    return waiting + opened.erase(selection)
