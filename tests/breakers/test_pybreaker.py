"""Breakers of pybreaker are observed without a word of the program, and behave as they do without agentobs."""

from __future__ import annotations

import gc
import logging
from datetime import timedelta
from typing import Any

import pytest

pybreaker = pytest.importorskip("pybreaker", reason="the breakers' tests need the extra `demo`")

from agentobs import testing  # noqa: E402

NAME = "agentobs_circuit_breaker_name"
STATE = "agentobs_circuit_breaker_state"
OUTCOME = "agentobs_circuit_breaker_outcome"


@pytest.fixture(autouse=True)
def _no_breakers_of_other_tests() -> None:
    gc.collect()


class Refused(Exception):  # noqa: N818  what the guarded operation raises
    """The provider said no."""


def refuse() -> None:
    raise Refused


def fail(breaker: Any, times: int) -> None:
    for _ in range(times):
        with pytest.raises((Refused, pybreaker.CircuitBreakerError)):
            breaker.call(refuse)


def calls(seen: testing.Captured, name: str) -> dict[str, float]:
    outcomes = ("success", "failure", "rejected", "ignored")
    found = {o: seen.value("agentobs.circuit_breaker.calls", **{NAME: name, OUTCOME: o}) for o in outcomes}
    return {outcome: count for outcome, count in found.items() if count}


def state(seen: testing.Captured, name: str) -> list[str]:
    metric = "agentobs.circuit_breaker.state"
    return [s for s in ("closed", "open", "half_open") if seen.value(metric, **{NAME: name, STATE: s})]


def changes(seen: testing.Captured) -> list[tuple[str | None, str]]:
    name = "agentobs.circuit_breaker.state_change"
    return [
        (
            event.attributes.get("agentobs.circuit_breaker.previous_state"),
            event.attributes["agentobs.circuit_breaker.state"],
        )
        for event in seen.events
        if event.name == name
    ]


def wake(breaker: Any) -> None:
    """Let the time after which an open breaker tries again be over."""
    breaker._state_storage.opened_at -= timedelta(seconds=breaker.reset_timeout + 1)


def test_calls_are_counted_by_outcome() -> None:
    with testing.capture() as seen:
        breaker = pybreaker.CircuitBreaker(fail_max=2, reset_timeout=60, name="llm")
        assert breaker.call(lambda: 42) == 42
        fail(breaker, 2)
        with pytest.raises(pybreaker.CircuitBreakerError, match="still open"):
            breaker.call(lambda: 42)
    assert calls(seen, "llm") == {"success": 1, "failure": 2, "rejected": 1}


def test_the_state_and_its_changes_are_seen() -> None:
    with testing.capture() as seen:
        breaker = pybreaker.CircuitBreaker(fail_max=2, reset_timeout=60, name="llm")
        assert state(seen, "llm") == ["closed"]
        fail(breaker, 2)
        assert state(seen, "llm") == ["open"]
        wake(breaker)
        breaker.call(lambda: 42)
        assert state(seen, "llm") == ["closed"]
    assert changes(seen) == [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]
    for name, count in (("open", 1), ("half_open", 1), ("closed", 1)):
        assert seen.value("agentobs.circuit_breaker.transitions", **{NAME: "llm", STATE: name}) == count


def test_a_failed_trial_opens_it_again() -> None:
    with testing.capture() as seen:
        breaker = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=60, name="llm")
        fail(breaker, 1)
        wake(breaker)
        fail(breaker, 1)
    assert changes(seen) == [("closed", "open"), ("open", "half_open"), ("half_open", "open")]
    assert calls(seen, "llm") == {"failure": 2}


def test_opening_and_closing_by_hand_is_seen() -> None:
    with testing.capture() as seen:
        breaker = pybreaker.CircuitBreaker(name="llm")
        breaker.open()
        breaker.half_open()
        breaker.close()
        breaker.close()
    assert changes(seen) == [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]


def test_excluded_exceptions_are_ignored_and_asked_for_once() -> None:
    asked = []

    def is_the_callers_fault(error: Exception) -> bool:
        asked.append(error)
        return isinstance(error, Refused)

    with testing.capture() as seen:
        breaker = pybreaker.CircuitBreaker(fail_max=1, exclude=[is_the_callers_fault], name="llm")
        fail(breaker, 3)
    assert calls(seen, "llm") == {"ignored": 3}
    assert len(asked) == 3
    assert state(seen, "llm") == ["closed"]


def test_the_distance_to_the_trip() -> None:
    with testing.capture() as seen:
        breaker = pybreaker.CircuitBreaker(fail_max=5, name="llm")
        fail(breaker, 3)
        assert seen.value("agentobs.circuit_breaker.failures.current", **{NAME: "llm"}) == 3
        assert seen.value("agentobs.circuit_breaker.failures.limit", **{NAME: "llm"}) == 5
        breaker.call(lambda: 42)
        assert seen.value("agentobs.circuit_breaker.failures.current", **{NAME: "llm"}) == 0


async def test_calling_around_an_await() -> None:
    async def ask(right: bool) -> str:
        if not right:
            raise Refused
        return "yes"

    with testing.capture() as seen:
        breaker = pybreaker.CircuitBreaker(fail_max=2, name="llm")
        with breaker.calling():
            assert await ask(True) == "yes"
        with pytest.raises(Refused), breaker.calling():
            await ask(False)
    assert calls(seen, "llm") == {"success": 1, "failure": 1}


def test_a_decorated_function_and_a_generator() -> None:
    with testing.capture() as seen:
        breaker = pybreaker.CircuitBreaker(name="llm")

        @breaker
        def twice(number: int) -> int:
            return 2 * number

        @breaker
        def count() -> Any:
            yield 1
            yield 2

        assert twice(21) == 42
        assert list(count()) == [1, 2]
    assert calls(seen, "llm") == {"success": 2}


def test_breakers_made_before_are_met() -> None:
    breaker = pybreaker.CircuitBreaker(fail_max=1, name="early")
    fail(breaker, 1)
    with testing.capture() as seen:
        assert state(seen, "early") == ["open"]
        fail(breaker, 1)
    assert calls(seen, "early") == {"rejected": 1}


def test_a_dropped_breaker_leaves_the_gauges() -> None:
    with testing.capture() as seen:
        breaker = pybreaker.CircuitBreaker(name="short")
        assert state(seen, "short") == ["closed"]
        del breaker
        gc.collect()
        assert state(seen, "short") == []


def test_listeners_of_the_program_are_called_as_before() -> None:
    def told(observed: bool) -> list[str]:
        words: list[str] = []

        class Listener(pybreaker.CircuitBreakerListener):  # type: ignore[misc]
            def before_call(self, cb: Any, func: Any, *args: Any, **kwargs: Any) -> None:
                words.append("before")

            def failure(self, cb: Any, exc: Exception) -> None:
                words.append("failure")

            def success(self, cb: Any) -> None:
                words.append("success")

            def state_change(self, cb: Any, old: Any, new: Any) -> None:
                words.append(f"to {new.name}")

        def play() -> None:
            breaker = pybreaker.CircuitBreaker(fail_max=2, listeners=[Listener()], name="llm")
            breaker.call(lambda: 42)
            fail(breaker, 3)
            wake(breaker)
            breaker.call(lambda: 42)
            assert len(breaker.listeners) == 1

        if not observed:
            play()
        else:
            with testing.capture():
                play()
        return words

    assert told(observed=True) == told(observed=False)


@pytest.mark.faults
def test_a_listener_that_raises_does_what_it_does_without_agentobs() -> None:
    class Broken(pybreaker.CircuitBreakerListener):  # type: ignore[misc]
        def success(self, cb: Any) -> None:
            raise LookupError("listener")

    with testing.capture(strict=False) as seen:
        breaker = pybreaker.CircuitBreaker(listeners=[Broken()], name="llm")
        with pytest.raises(LookupError, match="listener"):
            breaker.call(lambda: 42)
    assert calls(seen, "llm") == {"success": 1}


def test_the_error_of_a_trip_is_what_it_is_without_agentobs() -> None:
    def trip() -> BaseException:
        breaker = pybreaker.CircuitBreaker(fail_max=1, name="llm")
        with pytest.raises(pybreaker.CircuitBreakerError) as raised:
            breaker.call(refuse)
        return raised.value

    alone = trip()
    with testing.capture():
        observed = trip()
    assert (type(observed), observed.args) == (type(alone), alone.args)
    assert type(observed.__context__) is type(alone.__context__) is Refused


def test_an_unnamed_breaker_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with testing.capture() as seen, caplog.at_level(logging.WARNING, "agentobs"):
        first, second = pybreaker.CircuitBreaker(), pybreaker.CircuitBreaker()
        first.call(lambda: 42)
        second.call(lambda: 42)
    assert calls(seen, "default") == {"success": 2}
    assert [r.message for r in caplog.records if "has no name" in r.message] != []
    assert len([r for r in caplog.records if "has no name" in r.message]) <= 1


async def test_a_coroutine_function_is_said(caplog: pytest.LogCaptureFixture) -> None:
    async def ask() -> int:
        return 42

    with testing.capture(), caplog.at_level(logging.WARNING, "agentobs"):
        breaker = pybreaker.CircuitBreaker(name="misused")
        assert await breaker.call(ask) == 42
    assert "counts as a success before it has run" in caplog.text


def test_the_classes_are_as_they_were_afterwards() -> None:
    before = dict(vars(pybreaker.CircuitBreaker)), dict(vars(pybreaker.CircuitBreakerState))
    with testing.capture():
        assert vars(pybreaker.CircuitBreaker)["call"] is not before[0]["call"]
    assert (dict(vars(pybreaker.CircuitBreaker)), dict(vars(pybreaker.CircuitBreakerState))) == before
