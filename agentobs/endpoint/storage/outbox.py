"""Getting feedback into the store for certain: at once, or by way of the spool when the store is back."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Protocol

from . import store as store_
from .errors import RowRefusedError, StorageError
from .rows import Limit, Revision, Submission
from .store import Store

if TYPE_CHECKING:
    from .spool import Spool

log = logging.getLogger("agentobs")

_BATCH = 50
_FORGET_EVERY_S = 3_600.0
_DAY_S = 86_400.0


class Listener(Protocol):
    """Who is told what becomes of submissions. None of the methods may raise."""

    def kept(self, outcome: str, rows: int = 1) -> None:
        """Rows came to the end `outcome`, a value of `agentobs.feedback.storage.outcome`."""
        ...

    def storage_failed(self, reason: str) -> None:
        """The store or the spool failed."""
        ...

    def sent(self, submission: Submission, revision: Revision | None) -> None:
        """What waited in the spool is in the store now."""
        ...


class Outbox:
    """A store with the spool in front of it, if there is one.

    While rows wait a daemon thread tries to send them; it ends with the last of them.
    """

    def __init__(self, store: Store, spool: Spool | None, retention_days: float | None, listener: Listener) -> None:
        self.store = store
        self.spool = spool
        self._retention_days = retention_days
        self._listener = listener
        self._forget_at_s = 0.0
        self._process = 0
        self._lock = threading.Lock()
        self._sender: threading.Thread | None = None
        store.on_error = listener.storage_failed

    def put(self, submission: Submission, limit: Limit | None, ids: int | None) -> tuple[bool, Revision | None]:
        """Keep a submission: whether it is in the store, and its revision there.

        In the spool it has no revision yet: `Listener.sent` is told later.

        Raises:
            StorageError: neither the store nor the spool takes it.
            RowRefusedError, RateLimitedError, TooManyIdsError: as `Store.put`.
        """
        try:
            revision = self.store.put(submission.row, limit=limit, ids=ids)
        except StorageError as error:
            if self.spool is None:
                self._listener.kept("refused")
                raise
            try:
                self.spool.add(submission)
            except StorageError as full:
                self._listener.storage_failed(full.reason if full.reason == "spool" else "spool_full")
                self._listener.kept("refused")
                raise full from error
            self._listener.kept("spooled")
            self._send_later()
            return False, None
        self._listener.kept("stored")
        self._forget()
        return True, revision

    def wake(self) -> None:
        """Send what an earlier process has left; called by every request, and does something in a process's first one."""
        if self._process != os.getpid():
            self._process, self._lock, self._sender = os.getpid(), threading.Lock(), None
            if self.spool is not None and self.spool.exists:
                self._send_later()

    def _send_later(self) -> None:
        with self._lock:
            if self._sender is None or not self._sender.is_alive():
                self._sender = threading.Thread(
                    target=_send, args=(weakref.ref(self),), name="agentobs-feedback-spool", daemon=True
                )
                self._sender.start()

    def send(self) -> bool:
        """Try once to send what waits; whether there may be more to send later."""
        if self.spool is None:
            return False
        try:
            return self._send(self.spool)
        except StorageError as error:
            self._listener.storage_failed(error.reason)
            log.warning("agentobs: the spool of feedback cannot be used: %s", error)
            return True

    def _send(self, spool: Spool) -> bool:
        while True:
            leased = spool.lease(_BATCH)
            if not leased:
                with self._lock:
                    if spool.waiting():
                        return True  # another process has a lease
                    self._sender = None
                    return False
            for index, (number, submission) in enumerate(leased):
                try:
                    self._send_row(spool, number, submission)
                except StorageError:
                    spool.give_back([number for number, _ in leased[index:]])
                    return True

    def _send_row(self, spool: Spool, number: int, submission: Submission | None) -> None:
        if submission is None:
            self._lose(spool, number, "it is not a rating")
            return
        try:
            revision = self.store.put(submission.row, replay=True)
        except RowRefusedError as refused:
            self._lose(spool, number, str(refused))
            return
        spool.done(number)
        self._listener.kept("sent")
        self._listener.sent(submission, revision)

    def _lose(self, spool: Spool, number: int, why: str) -> None:
        log.warning("agentobs: feedback that waited in %s is lost, the store refuses it: %s", spool.path, why)
        self._listener.kept("lost")
        spool.done(number)

    def _forget(self) -> None:
        if self._retention_days is None or time.monotonic() < self._forget_at_s:
            return
        self._forget_at_s = time.monotonic() + _FORGET_EVERY_S
        try:
            rows = self.store.forget(time.time() - self._retention_days * _DAY_S)
        except StorageError as error:
            log.warning("agentobs: feedback past its retention is still in the store: %s", error)
            return
        if rows:
            self._listener.kept("expired", rows)


def _send(reference: weakref.ref[Outbox]) -> None:
    """Send what waits, as long as something waits and somebody has the outbox."""
    pause = threading.Event()
    while True:
        pause.wait(store_.REST_S / 2)
        outbox = reference()
        if outbox is None:
            return
        try:
            if not outbox.send():
                return
        except Exception:
            log.exception("agentobs: sending feedback that waits failed")
        del outbox
