"""Celery: the processes of its pool end by `os._exit`, and say so by a signal before they do."""

from __future__ import annotations

from types import ModuleType

from ..observer import Observer
from ..patching import Installed


def install(module: ModuleType, observer: Observer) -> Installed:
    """Connect to `celery.signals.worker_process_shutdown`."""

    def leave(**_: object) -> None:
        observer.process_ends()

    module.worker_process_shutdown.connect(leave, weak=False)
    installed = Installed(undo=lambda: module.worker_process_shutdown.disconnect(leave))
    installed.places = ["celery.signals.worker_process_shutdown"]
    return installed
