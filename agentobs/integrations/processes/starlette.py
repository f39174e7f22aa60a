"""Starlette and FastAPI under any ASGI server: what there is has been sent when the application says that it has shut down.

The server may end the process as soon as it is told so.
"""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

from ..observer import Observer
from ..patching import Installed, Patch


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch the `starlette.routing` module."""

    async def lifespan(wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if len(args) != 3 or kwargs:
            return await wrapped(*args, **kwargs)
        scope, receive, send = args

        async def told(message: Any) -> None:
            if message.get("type") in ("lifespan.shutdown.complete", "lifespan.shutdown.failed"):
                await asyncio.to_thread(observer.flush)
            await send(message)

        return await wrapped(scope, receive, told)

    return Installed((Patch.wrap(module.Router, "lifespan", lifespan),))
