"""uvicorn: a worker that stops has sent what it had, though the signal that ends it passes `atexit` by.

`Server.serve` shuts down, puts the handlers of signals back that were there before, and raises the signals again that it
got meanwhile (`Server._captured_signals`, read in uvicorn 0.32 to 0.54): by SIGTERM the process is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from ..observer import Observer
from ..patching import Installed, Patch


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch the `uvicorn.server` module."""
    return Installed(_Uvicorn(observer).patches(module))


class _Uvicorn:
    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        yield Patch.wrap(module.Server, "startup", self._startup)
        yield Patch.wrap(module.Server, "shutdown", self._shutdown)

    async def _startup(self, wrapped: Any, server: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._observer.several_workers(getattr(server.config, "workers", 1), "uvicorn")
        return await wrapped(*args, **kwargs)

    async def _shutdown(self, wrapped: Any, server: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            return await wrapped(*args, **kwargs)
        finally:
            # Without a signal the server was stopped by the program, which goes on.
            ends = bool(getattr(server, "_captured_signals", None))
            await asyncio.to_thread(self._observer.process_ends if ends else self._observer.flush)
