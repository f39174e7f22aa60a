"""stamina, by a hook of its own: retries of whatever the program retries, with or without a model call in it.

Read in stamina 26.1. Its defaults (logging, Prometheus, structlog) stay; they are made, as before, with the first retry.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from ... import guard
from ...records.fallbacks import Retry
from ..errors import cause_of_error
from ..observer import Observer
from ..patching import Installed
from ..seams.listeners import Listener


def install(module: ModuleType, observer: Observer) -> Installed:
    """Add a hook to those of `stamina.instrumentation`."""

    def on_retry(details: Any) -> None:
        try:
            observer.retry(Retry(cause_of_error(details.caused_by), "app"))
        except Exception as error:  # noqa: BLE001
            guard.failed("retry", error)

    # The public `get_on_retry_hooks` makes the hooks of their factories, which imports what they need.
    config: Any = sys.modules["stamina._config"].CONFIG
    hooks: Any = sys.modules[f"{module.__name__}._hooks"]
    listener = Listener(on_retry, lambda: config._on_retry, hooks.get_default_hooks, module.set_on_retry_hooks)
    installed = Installed(undo=listener.remove)
    installed.places = [f"{module.__name__}.set_on_retry_hooks"]
    return installed
