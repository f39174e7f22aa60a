"""multiprocessing and pools of processes: a child that ends, however it was started, passes `atexit` by.

multiprocessing has finalisers of its own for that; they run when the function of the process has returned or raised.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from ..observer import Observer
from ..patching import Installed


class _Child:
    """What has multiprocessing call `leave` at the end of each of its children."""

    def __init__(self, module: ModuleType, observer: Observer) -> None:
        self._module = module
        self._observer = observer
        self._finalizers: list[Any] = []
        self._active = True
        module.register_after_fork(self, _Child._begin)
        process = sys.modules.get("multiprocessing.process")
        if process is not None and process.parent_process() is not None:
            self._begin()

    def _begin(self) -> None:
        if self._active:
            self._finalizers.append(self._module.Finalize(None, self._observer.process_ends, exitpriority=0))

    def undo(self) -> None:
        self._active = False
        for finalizer in self._finalizers:
            finalizer.cancel()


def install(module: ModuleType, observer: Observer) -> Installed:
    """Use the hooks of the `multiprocessing.util` module."""
    installed = Installed(undo=_Child(module, observer).undo)
    installed.places = ["multiprocessing.util.Finalize"]
    return installed
