"""gunicorn: a worker of any class that leaves its loop has sent what it had.

Every worker class ends `init_process` with that of the base class, which is its loop.
"""

from __future__ import annotations

import weakref
from types import ModuleType
from typing import Any

from ..observer import Observer
from ..patching import Installed, Patch


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch the `gunicorn.workers.base` module."""
    told: weakref.WeakSet[Any] = weakref.WeakSet()

    def notify(wrapped: Any, worker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # Called by every loop again and again, also by one that has begun before `instrument()` was called in it.
        if worker not in told:
            told.add(worker)
            observer.several_workers(worker.cfg.workers, "gunicorn")
        return wrapped(*args, **kwargs)

    def init_process(wrapped: Any, worker: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return wrapped(*args, **kwargs)
        finally:
            observer.process_ends()

    return Installed(
        (Patch.wrap(module.Worker, "notify", notify), Patch.wrap(module.Worker, "init_process", init_process))
    )
