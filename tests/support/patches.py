"""The classes that agentobs patches, as they are at one moment: every test leaves them as it found them."""

from __future__ import annotations

import sys
from typing import Any

PATCHED = (
    ("openai._base_client", "SyncAPIClient"),
    ("openai._base_client", "AsyncAPIClient"),
    ("anthropic._base_client", "BaseClient"),
    ("anthropic._base_client", "SyncAPIClient"),
    ("anthropic._base_client", "AsyncAPIClient"),
    ("google.genai._api_client", "BaseApiClient"),
    ("botocore.client", "BaseClient"),
    ("pybreaker", "CircuitBreaker"),
    ("pybreaker", "CircuitBreakerState"),
    ("pybreaker", "CircuitOpenState"),
    ("circuitbreaker", "CircuitBreaker"),
    ("agents.tracing.provider", "DefaultTraceProvider"),
    ("litellm.litellm_core_utils.litellm_logging", "Logging"),
    ("uvicorn.server", "Server"),
    ("starlette.routing", "Router"),
    ("gunicorn.workers.base", "Worker"),
    ("threading", "Thread"),
    ("concurrent.futures.thread", "ThreadPoolExecutor"),
)
"""Module and class; tests/house/test_patches.py compares them with what `instrument()` reports."""

Attributes = dict[str, dict[str, Any]]


def attributes() -> Attributes:
    """What each class that is imported has now, by its whole name."""
    there = [(module, name) for module, name in PATCHED if module in sys.modules]
    return {f"{module}.{name}": dict(vars(getattr(sys.modules[module], name))) for module, name in there}


def check_unchanged(before: Attributes) -> None:
    """Fail where a class is not what it was, or where something of agentobs is in one that was imported since."""
    for owner, now in attributes().items():
        for name, value in now.items():
            was = before.get(owner, {}).get(name, value)
            assert value is was, f"{owner}.{name} is not what it was before the test"
            assert not _is_ours(value), f"{owner}.{name} is still patched"


def _is_ours(value: object) -> bool:
    wrapper = getattr(value, "_self_wrapper", getattr(value, "fget", None))
    return str(getattr(wrapper, "__module__", "")).startswith("agentobs.")
