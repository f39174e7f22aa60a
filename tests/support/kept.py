"""What agentobs keeps of calls, runs and tools that are under way."""

from __future__ import annotations

import gc

from agentobs.integrations import deferred

_KINDS = {"OpenCall", "OpenRun", "OpenTool", "OpenRetrieval", "Run", "Exchange", "Stream", "AsyncStream", "Watch"}


def kept() -> int:
    """How many such objects there are; what is garbage does not count."""
    gc.collect()
    deferred.drain()
    gc.collect()
    return sum(
        str(type(thing).__module__).startswith("agentobs.") and type(thing).__name__ in _KINDS
        for thing in gc.get_objects()
    )
