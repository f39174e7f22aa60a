"""circuitbreaker, observed: what is counted and shown, and that the program sees what it sees without agentobs."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import circuitbreaker
import pytest
from circuitbreaker import CircuitBreaker, CircuitBreakerError

import agentobs
from agentobs.testing import Captured, capture
from tests.support.breakers import calls, changes, states, value
from tests.support.stack import poll

_numbers = itertools.count()


@pytest.fixture(autouse=True)
def _monitor() -> Iterator[None]:
    """The library's monitor keeps every breaker for ever, and shows it to whoever observes next."""
    yield
    circuitbreaker.CircuitBreakerMonitor.circuit_breakers.clear()


class DownError(Exception):
    """A failure of the service behind the breaker."""


def _breaker(**options: Any) -> CircuitBreaker:
    """A breaker with a name of its own, as the library's monitor keeps every breaker for ever."""
    return CircuitBreaker(**({"name": f"orders-{next(_numbers)}", "expected_exception": DownError} | options))


def test_guarded_calls_are_counted_by_what_became_of_them(seen: Captured) -> None:
    breaker = _breaker(failure_threshold=3)

    @breaker
    def ask(error: Exception | None = None) -> str:
        if error is not None:
            raise error
        return "yes"

    assert ask() == "yes"
    with pytest.raises(DownError):
        ask(DownError())
    assert (value(seen, "failures.current", breaker.name), value(seen, "failures.limit", breaker.name)) == (1, 3)
    with pytest.raises(KeyError):
        ask(KeyError())
    assert calls(seen, breaker.name) == {"success": 1, "failure": 1, "ignored": 1}
    assert states(seen, breaker.name) == ["closed"]


@pytest.mark.parametrize("fallback", [None, lambda: "cached"], ids=["raises", "falls back"])
def test_a_call_that_is_turned_away_is_counted_whatever_the_user_gets(seen: Captured, fallback: Any) -> None:
    breaker = _breaker(failure_threshold=1, fallback_function=fallback)

    @breaker
    def ask() -> str:
        raise DownError

    with pytest.raises(DownError):
        ask()
    if fallback is None:
        with pytest.raises(CircuitBreakerError):
            ask()
    else:
        assert ask() == "cached"
    assert calls(seen, breaker.name) == {"failure": 1, "rejected": 1}
    assert changes(seen, breaker.name) == [("closed", "open")]
    assert (states(seen, breaker.name), breaker.opened) == (["open"], True)
    assert calls(seen, breaker.name)["rejected"] == 1, "a look at `opened` turns nothing away"


async def test_coroutines_and_generators_count_like_functions(seen: Captured) -> None:
    breaker = _breaker(failure_threshold=2)

    @breaker
    async def ask() -> str:
        return "yes"

    @breaker
    def lines() -> Iterator[int]:
        yield from (1, 2)

    @breaker
    async def stream() -> AsyncIterator[int]:
        yield 1
        raise DownError

    assert await ask() == "yes"
    assert list(lines()) == [1, 2]
    with pytest.raises(DownError):
        assert [number async for number in stream()] == []
    with breaker:
        pass
    assert calls(seen, breaker.name) == {"success": 3, "failure": 1}


def test_the_trial_after_the_time_is_over_is_a_state_of_its_own(seen: Captured) -> None:
    breaker = _breaker(failure_threshold=1, recovery_timeout=0.2)
    with pytest.raises(DownError), breaker:
        raise DownError
    assert states(seen, breaker.name) == ["open"]
    poll(lambda: breaker.state == "half_open", "the time to be over")
    assert states(seen, breaker.name) == ["half_open"]
    with breaker:
        assert changes(seen, breaker.name)[-1] == ("open", "half_open")
    assert changes(seen, breaker.name) == [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]
    assert states(seen, breaker.name) == ["closed"]


def test_breakers_made_before_are_taken_up() -> None:
    breaker = _breaker(failure_threshold=1)

    @breaker
    def ask() -> None:
        raise DownError

    with pytest.raises(DownError):
        ask()
    with capture() as seen:
        assert states(seen, breaker.name) == ["open"]


def test_a_breaker_is_named_after_what_it_guards(seen: Captured) -> None:
    @circuitbreaker.circuit
    def look_up() -> int:
        return 1

    assert look_up() == 1
    name = "test_a_breaker_is_named_after_what_it_guards.<locals>.look_up"
    assert seen.value("agentobs.circuit_breaker.calls", agentobs_circuit_breaker_name=name) == 1


def test_the_class_is_as_it_was_afterwards() -> None:
    before = dict(vars(CircuitBreaker))
    with agentobs.instrument(metrics="off") as handle:
        assert dict(vars(CircuitBreaker)) != before
        (report,) = [library for library in handle.report().libraries if library.name == "circuitbreaker"]
        assert (report.status, report.missing) == ("patched", ())
    assert dict(vars(CircuitBreaker)) == before
