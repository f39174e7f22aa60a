"""What is known of the one call that a test has made."""

from __future__ import annotations

import gc
from typing import Any

from agentobs import testing
from tests.support.clients.endings import Ending


def tokens(span: testing.CapturedSpan) -> dict[str, Any]:
    """The token counts of a span under short names: `input`, `cache_read.input`, ..."""
    prefix, suffix = "gen_ai.usage.", "_tokens"
    return {
        name.removeprefix(prefix).removesuffix(suffix): value
        for name, value in span.attributes.items()
        if name.startswith(prefix)
    }


def check(seen: testing.Captured, ending: Ending, error: tuple[str, str] | None = None) -> None:
    """The one call that was made ended as `ending` says, with error type and class; nothing is left open."""
    gc.collect()
    (span,) = seen.spans
    said = span.attributes
    assert (span.status, said["agentobs.outcome"]) == (ending.status, ending.outcome)
    assert (said.get("error.type"), said.get("agentobs.error.class")) == (error or (None, None))
    assert said.get("agentobs.stream.ending") == (ending.left.strip("`") or None)
    assert seen.value("agentobs.calls", agentobs_outcome=ending.outcome) == seen.value("agentobs.calls") == 1
    assert seen.value("agentobs.calls.active") == 0
