"""What holds for every test: errors of agentobs itself are loud, and the client libraries are left as they were."""

from __future__ import annotations

import gc
import signal
from collections.abc import Iterator

import pytest

import agentobs
from agentobs import guard

pytest.register_assert_rewrite("tests.support")

from agentobs.testing import Captured, capture  # noqa: E402
from tests.support import needs, patches  # noqa: E402
from tests.support.loopback import Loopback, serve  # noqa: E402
from tests.support.process.receiver import Receiver, receiver  # noqa: E402


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line for each thing that tests were skipped for, with the command that provides it."""
    lines = needs.summary(terminalreporter.stats.get("skipped", []))
    if lines:
        terminalreporter.section("what is missing here")
        terminalreporter.write_line("\n".join(lines))


@pytest.fixture(autouse=True)
def _loud_and_clean(request: pytest.FixtureRequest) -> Iterator[None]:
    before, callbacks, was_strict = patches.attributes(), list(gc.callbacks), guard.strict
    on_sigterm = signal.getsignal(signal.SIGTERM)
    guard.strict = request.node.get_closest_marker("faults") is None
    try:
        yield
    finally:
        agentobs.uninstrument()
        guard.strict = was_strict
    assert gc.callbacks == callbacks
    assert signal.getsignal(signal.SIGTERM) is on_sigterm
    patches.check_unchanged(before)


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
