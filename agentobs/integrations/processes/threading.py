"""Threads that are started inside a run belong to it, and so do their calls.

Attached is OpenTelemetry's context, in which the run rides; the program's own context variables stay where they are. A
thread that waits for work of anybody, as those of pools do, is not of the run in which it happened to be started.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..observer import Observer
from ..patching import Installed, Patch

_KEPT = "_agentobs_context"
_POOLS = ("concurrent.futures.", "anyio.")


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch the `threading` module."""

    def start(wrapped: Any, thread: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        context = observer.carried(by_others=not _has_a_run_of_its_own(thread))
        if context is not None and not _waits_for_work(thread):
            vars(thread)[_KEPT] = context
        return wrapped(*args, **kwargs)

    def run(wrapped: Any, thread: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        context = vars(thread).pop(_KEPT, None)
        if context is None:
            return wrapped(*args, **kwargs)
        token = observer.attach(context)
        try:
            return wrapped(*args, **kwargs)
        finally:
            observer.detach(token)

    # Not `run`, which classes of the program override.
    return Installed((Patch.wrap(module.Thread, "start", start), Patch.wrap(module.Thread, "_bootstrap_inner", run)))


def _waits_for_work(thread: Any) -> bool:
    target = getattr(thread, "_target", None)
    return f"{getattr(target, '__module__', '')}.".startswith(_POOLS) or type(thread).__module__.startswith(_POOLS)


def _has_a_run_of_its_own(thread: Any) -> bool:
    """Whether its class overrides `run`, which OpenTelemetry's instrumentation patches in the base class only."""
    owner = next(cls for cls in type(thread).__mro__ if "run" in vars(cls))
    return owner.__module__ != "threading"
