"""Waiting for a database no longer than one can afford, whatever the database does.

A driver's own time-outs do not help against a server that keeps the connection open and says nothing, nor against a slow
name service. So a thread of ours talks to the database, and the host's threads wait for it with a deadline.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

S = TypeVar("S")
T = TypeVar("T")


class DeadlineError(Exception):
    """The job was not done in time; `running` tells whether it had begun, and so may still be done."""

    def __init__(self, running: bool) -> None:
        super().__init__("not done in time")
        self.running = running


class Worker(Generic[S]):
    """One daemon thread that does jobs with a session of its own, one after the other.

    The thread is started by the first job. `end` is called in it with the session when the worker is stopped.
    """

    def __init__(self, session: S, end: Callable[[S], None]) -> None:
        self.session = session
        self._end = end
        self._jobs: SimpleQueue[tuple[Callable[[S], Any], Future[Any]] | None] = SimpleQueue()
        self._started = False
        self._lock = threading.Lock()

    def run(self, job: Callable[[S], T], deadline_s: float) -> T:
        """What `job` gives or raises.

        Raises:
            DeadlineError: it has done neither within `deadline_s`.
        """
        future: Future[T] = Future()
        self._jobs.put((job, future))
        with self._lock:
            if not self._started:
                self._started = True
                threading.Thread(
                    target=_work, args=(self.session, self._jobs, self._end), name="agentobs-feedback", daemon=True
                ).start()
        try:
            return future.result(deadline_s)
        except TimeoutError:
            if future.done() and not future.cancelled():
                raise
            raise DeadlineError(running=not future.cancel()) from None

    def stop(self) -> None:
        """Have the thread end after the jobs that wait."""
        with self._lock:
            started = self._started
        if started:
            self._jobs.put(None)


def _work(
    session: S, jobs: SimpleQueue[tuple[Callable[[S], Any], Future[Any]] | None], end: Callable[[S], None]
) -> None:
    while True:
        item = jobs.get()
        if item is None:
            end(session)
            return
        job, future = item
        if not future.set_running_or_notify_cancel():
            continue
        try:
            result = job(session)
        except BaseException as error:  # noqa: BLE001  it is raised where it is waited for
            future.set_exception(error)
        else:
            future.set_result(result)
        del item, job, future
