"""What holds for every test: errors of agentobs itself are loud, and the client libraries are left as they were."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from typing import Any

import pytest

import agentobs
from agentobs import guard

pytest.register_assert_rewrite("tests.support")

from agentobs.testing import Captured, capture  # noqa: E402
from tests.support import needs  # noqa: E402
from tests.support.loopback import Loopback, serve  # noqa: E402
from tests.support.process.receiver import Receiver, receiver  # noqa: E402

_PATCHED = (
    ("openai._base_client", "BaseClient"),
    ("openai._base_client", "SyncAPIClient"),
    ("openai._base_client", "AsyncAPIClient"),
    ("anthropic._base_client", "BaseClient"),
    ("anthropic._base_client", "SyncAPIClient"),
    ("anthropic._base_client", "AsyncAPIClient"),
    ("google.genai._api_client", "BaseApiClient"),
    ("botocore.client", "BaseClient"),
    ("agents.tracing.provider", "DefaultTraceProvider"),
    ("pybreaker", "CircuitBreaker"),
    ("circuitbreaker", "CircuitBreaker"),
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each thing that tests were skipped for, with the command that provides it."""
    lines = needs.summary(terminalreporter.stats.get("skipped", []))
    if lines:
        terminalreporter.section("what is missing here")
        terminalreporter.write_line("\n".join(lines))


def _classes() -> dict[tuple[str, str], dict[str, Any]]:
    return {key: dict(vars(getattr(sys.modules[key[0]], key[1]))) for key in _PATCHED if key[0] in sys.modules}


def _is_ours(value: object) -> bool:
    wrapper = getattr(value, "_self_wrapper", getattr(value, "fget", None))
    return str(getattr(wrapper, "__module__", "")).startswith("agentobs.")


@pytest.fixture(autouse=True)
def _loud_and_clean(request: pytest.FixtureRequest) -> Iterator[None]:
    before, callbacks, was_strict = _classes(), list(gc.callbacks), guard.strict
    guard.strict = request.node.get_closest_marker("faults") is None
    try:
        yield
    finally:
        agentobs.uninstrument()
        guard.strict = was_strict
    assert gc.callbacks == callbacks
    for key, attributes in _classes().items():
        for name, value in attributes.items():
            was = before.get(key, {}).get(name, value)
            assert value is was, f"{'.'.join(key)}.{name} is not what it was before the test"
            assert not _is_ours(value), f"{'.'.join(key)}.{name} is still patched"


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    """A scripted HTTP server of this test."""
    with serve() as server:
        yield server


@pytest.fixture
def seen() -> Iterator[Captured]:
    """What is emitted during the test, as plain objects."""
    with capture() as captured:
        yield captured


@pytest.fixture(scope="module")
def received() -> Iterator[Receiver]:
    """One collector for the tests of a file: services keep them apart."""
    with receiver() as running:
        yield running
