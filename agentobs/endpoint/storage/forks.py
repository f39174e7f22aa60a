"""What has to happen in a child process after a fork, for as long as the object concerned exists."""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable


def in_children(method: Callable[[], None]) -> None:
    """Have a bound method called in every forked child; this does not keep its object alive."""
    reference = weakref.WeakMethod(method)

    def call() -> None:
        bound = reference()
        if bound is not None:
            bound()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=call)
