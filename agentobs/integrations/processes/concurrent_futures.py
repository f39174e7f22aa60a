"""What is submitted to a pool of threads inside a run belongs to it.

Outside of a run nothing is wrapped.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ..observer import Observer
from ..patching import Installed, Patch


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch the `concurrent.futures.thread` module."""

    def submit(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        context = observer.carried() if args else None
        if context is None:
            return wrapped(*args, **kwargs)
        function, *rest = args

        def carried(*values: Any, **named: Any) -> Any:
            token = observer.attach(context)
            try:
                return function(*values, **named)
            finally:
                observer.detach(token)

        return wrapped(carried, *rest, **kwargs)

    return Installed((Patch.wrap(module.ThreadPoolExecutor, "submit", submit),))
