"""Circuit breakers of the program: its own listeners may raise, and a log processor that raises hides no state."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import Any

import pybreaker
import pytest

from tests.faults.test_broken_parts import RaisesOnEmit
from tests.support.backend import Backend, observed

pytestmark = pytest.mark.faults

THREADS, ROUNDS = 8, 300


class ListenerError(RuntimeError):
    """What the program's listener raises."""


class Listener(pybreaker.CircuitBreakerListener):  # type: ignore[misc]
    """The program's own; it raises in one of its methods."""

    def __init__(self, raises_in: str) -> None:
        self._raises_in = raises_in
        self.heard: list[str] = []

    def _hear(self, method: str) -> None:
        self.heard.append(method)
        if method == self._raises_in:
            raise ListenerError(method)

    def before_call(self, cb: Any, func: Any, *args: Any, **kwargs: Any) -> None:
        self._hear("before_call")

    def success(self, cb: Any) -> None:
        self._hear("success")

    def failure(self, cb: Any, exc: BaseException) -> None:
        self._hear("failure")

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        self._hear("state_change")


def fail() -> None:
    raise KeyError("lost")


def program(raises_in: str) -> list[Any]:
    """What the program sees of a breaker that opens after two failures."""
    listener = Listener(raises_in)
    breaker = pybreaker.CircuitBreaker(fail_max=2, name="search", listeners=[listener])
    seen: list[Any] = []
    for call in (lambda: 42, fail, fail, lambda: 42):
        try:
            seen.append(breaker.call(call))
        except Exception as error:
            seen.append((type(error), str(error), type(error.__cause__), type(error.__context__)))
        seen.append((breaker.current_state, breaker.fail_counter))
    return [*seen, listener.heard]


@pytest.mark.parametrize("raises_in", ["nothing", "before_call", "success", "failure", "state_change"])
def test_a_listener_that_raises(raises_in: str) -> None:
    expected = program(raises_in)
    backend = Backend(log_processors=[RaisesOnEmit()])
    with observed(backend):
        assert program(raises_in) == expected
        assert backend.own_errors().keys() <= {"breaker"}


def shown(backend: Backend, name: str) -> dict[str, float]:
    """The gauge of the breaker of this name by state."""
    rows = backend.series("agentobs.circuit_breaker.state")
    return {a["agentobs.circuit_breaker.state"]: v for a, v in rows if a["agentobs.circuit_breaker.name"] == name and v}


def test_the_state_shows_though_nobody_can_be_told_of_the_change() -> None:
    backend = Backend(log_processors=[RaisesOnEmit()])
    with observed(backend):
        breaker = pybreaker.CircuitBreaker(name="opened")
        breaker.open()
        assert shown(backend, "opened") == {"open": 1}
        assert backend.total("agentobs.circuit_breaker.transitions", agentobs_circuit_breaker_name="opened") == 1
        assert backend.own_errors() == {"breaker": 1}


@pytest.fixture
def eager_switching() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("eager_switching")
def test_the_gauges_of_a_breaker_that_many_threads_share() -> None:
    def work() -> None:
        for _ in range(ROUNDS):
            with breaker.calling():
                pass
            with pytest.raises(KeyError), breaker.calling():
                fail()

    backend = Backend()
    with observed(backend):
        breaker = pybreaker.CircuitBreaker(fail_max=10**9, name="shared")
        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        with breaker.calling():
            pass
        counted = {
            a["agentobs.circuit_breaker.outcome"]: v
            for a, v in backend.series("agentobs.circuit_breaker.calls")
            if a["agentobs.circuit_breaker.name"] == "shared" and v
        }
        assert counted == {"failure": THREADS * ROUNDS, "success": THREADS * ROUNDS + 1}
        assert shown(backend, "shared") == {"closed": 1}
        assert backend.total("agentobs.circuit_breaker.failures.current", agentobs_circuit_breaker_name="shared") == 0


def test_a_breaker_that_is_gone_leaves_the_gauges() -> None:
    backend = Backend()
    with observed(backend):
        breaker = pybreaker.CircuitBreaker(name="short-lived")
        assert shown(backend, "short-lived") == {"closed": 1}
        del breaker
        assert shown(backend, "short-lived") == {}
