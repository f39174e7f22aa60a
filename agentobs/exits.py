"""How a process ends without losing what it has not sent yet.

A program ends in more ways than by returning from its main function: servers end by a signal, forked workers by
`os._exit`, and both pass `atexit` by. Whoever sees one of these coming calls `leave`; the integrations of what programs
run in do, and so does the handler of SIGTERM here, where the program has none of its own.

All of it together costs an exit at most the `exit_timeout_s` of the options, however dead the backend is.
"""

from __future__ import annotations

import _thread
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from . import guard

_LOOK_S = 0.01
_ONE_EXIT_S = 30.0
"""Steps of leaving that are no further apart are of one exit, and share its time."""


class Exits:
    """The end of one instrumentation.

    Args:
        flush: sends what there is, in at most so many seconds.
        close: sends what there is, says goodbye and closes, in at most so many seconds.
        limit_s: longest time that an exit may wait for them.
    """

    def __init__(self, flush: Callable[[float], object], close: Callable[[float], object], limit_s: float) -> None:
        self._flush = flush
        self._close = close
        self._limit_s = limit_s
        self._began_s: float | None = None
        self._handler: Any = None
        self._leaver: int | None = None
        self._left = threading.Event()
        self._pending: int | None = None

    def _left_s(self) -> float:
        now = time.monotonic()
        if self._began_s is None or now - self._began_s > _ONE_EXIT_S:
            self._began_s = now
        return max(0.0, self._began_s + self._limit_s - now)

    def flush(self) -> None:
        """Send what there is: the process may go on, or end without another word."""
        self._within(self._flush)

    def leave(self) -> None:
        """Send what there is and say goodbye: the process ends."""
        self._leaver = threading.get_ident()
        try:
            self._within(self._close)
        finally:
            self._leaver = None
            self._left.set()
        if self._pending is not None:
            self._die(self._pending)

    def _within(self, work: Callable[[float], object]) -> None:
        left_s = self._left_s()
        if left_s <= 0:
            return
        try:
            work(left_s)
        except Exception as error:  # noqa: BLE001
            guard.failed("exit", error)

    # --- SIGTERM ---
    def follow_signal(self) -> None:
        """Leave on SIGTERM as well, where the program does nothing of its own about it."""
        if self._limit_s <= 0 or threading.current_thread() is not threading.main_thread():
            return
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._handler = self._on_signal
            signal.signal(signal.SIGTERM, self._handler)

    def unfollow_signal(self) -> None:
        """Take that back."""
        if (
            self._handler is not None
            and threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGTERM) is self._handler
        ):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
        self._handler = None

    def _on_signal(self, number: int, _: object) -> None:
        if self._leaver == threading.get_ident():
            # This thread was stopped in the middle of leaving, and goes on with that first.
            self._pending = number
            return
        if self._leaver is None:
            self._start_leaving()
        # Not by an object of `threading`, any lock of which may be taken by what was stopped.
        ends_s = time.monotonic() + self._limit_s
        while not self._left.is_set() and time.monotonic() < ends_s:
            time.sleep(_LOOK_S)
        self._die(number)

    def _start_leaving(self) -> None:
        """Leave in another thread: this one may have been stopped with any lock taken."""
        self._left.clear()
        self._leaver = 0
        try:
            _thread.start_new_thread(self.leave, ())
        except RuntimeError:
            # None is to be had while the interpreter shuts down, where `atexit` has been at work already.
            self._left.set()

    def _die(self, number: int) -> None:
        """End by the signal, as without us."""
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        # The first process of a container is not ended by a signal that it does not handle.
        if self._handler is not None:
            signal.signal(number, self._handler)
