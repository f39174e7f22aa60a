"""pybreaker, observed: what is counted and shown, and that the program sees what it sees without agentobs."""

from __future__ import annotations

import asyncio
import gc
import itertools
import logging
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pybreaker
import pytest
from pybreaker import CircuitBreaker, CircuitBreakerError, CircuitBreakerListener

import agentobs
from agentobs.testing import Captured, capture
from tests.support import needs
from tests.support.breakers import calls, changes, states, value
from tests.support.stack import redis as redis_server


class DownError(Exception):
    """A failure of the service behind the breaker."""


class MissingError(Exception):
    """An answer, not a failure."""


def _fail(error: Exception | None = None) -> None:
    raise error or DownError("down")


_numbers = itertools.count()


def _breaker(**options: Any) -> CircuitBreaker:
    """A breaker with a name of its own, as those of other tests may still be somewhere in memory."""
    return CircuitBreaker(**options, name=f"payments-{next(_numbers)}")


def _trip(breaker: CircuitBreaker) -> None:
    while breaker.current_state != pybreaker.STATE_OPEN:
        with pytest.raises((DownError, CircuitBreakerError)):
            breaker.call(_fail)


def test_calls_are_counted_by_outcome(seen: Captured) -> None:
    breaker = _breaker(fail_max=2, exclude=[MissingError])
    assert breaker.call(int, "7") == 7
    with pytest.raises(MissingError):
        breaker.call(_fail, MissingError("no such order"))
    _trip(breaker)
    for _ in range(3):
        with pytest.raises(CircuitBreakerError):
            breaker.call(int)
    assert calls(seen, breaker.name) == {"success": 1, "ignored": 1, "failure": 2, "rejected": 3}
    assert states(seen, breaker.name) == ["open"]
    assert value(seen, "failures.current", breaker.name) == 2
    assert value(seen, "failures.limit", breaker.name) == 2


def test_every_transition_is_counted_and_told(seen: Captured) -> None:
    breaker = _breaker(fail_max=1, reset_timeout=0)
    _trip(breaker)
    assert breaker.call(int) == 0
    assert changes(seen, breaker.name) == [("closed", "open"), ("open", "half_open"), ("half_open", "closed")]
    for state in ("open", "half_open", "closed"):
        assert value(seen, "transitions", breaker.name, agentobs_circuit_breaker_state=state) == 1
    assert calls(seen, breaker.name) == {"failure": 1, "success": 1}
    assert states(seen, breaker.name) == ["closed"]
    assert value(seen, "failures.current", breaker.name) == 0


def test_a_trial_that_fails_opens_it_again(seen: Captured) -> None:
    breaker = _breaker(fail_max=1, reset_timeout=0)
    _trip(breaker)
    with pytest.raises(CircuitBreakerError, match="Trial call failed"):
        breaker.call(_fail)
    assert changes(seen, breaker.name)[-2:] == [("open", "half_open"), ("half_open", "open")]
    assert calls(seen, breaker.name) == {"failure": 2}


def test_opening_and_closing_by_hand_is_seen(seen: Captured) -> None:
    breaker = _breaker()
    breaker.open()
    breaker.close()
    assert changes(seen, breaker.name) == [("closed", "open"), ("open", "closed")]


async def test_calling_with_await(seen: Captured) -> None:
    breaker = _breaker(fail_max=2)
    with breaker.calling():
        await asyncio.sleep(0)
    for _ in range(2):
        with pytest.raises((DownError, CircuitBreakerError)), breaker.calling():
            await asyncio.sleep(0)
            raise DownError("down")
    with pytest.raises(CircuitBreakerError), breaker.calling():
        pytest.fail("an open breaker lets nobody in")
    assert calls(seen, breaker.name) == {"success": 1, "failure": 2, "rejected": 1}


def test_generators_count_when_they_end(seen: Captured) -> None:
    breaker = _breaker()

    @breaker
    def lines(fail: bool) -> Iterator[int]:
        yield 1
        if fail:
            raise DownError("down")

    left = lines(False)
    assert (next(left), calls(seen, breaker.name)) == (1, {})
    assert list(left) == []
    with pytest.raises(DownError):
        list(lines(True))
    assert calls(seen, breaker.name) == {"success": 1, "failure": 1}


def test_a_nested_breaker_does_not_confuse_the_outer_one(seen: Captured) -> None:
    inner, outer = CircuitBreaker(name="inner"), CircuitBreaker(name="outer")

    def excluded(error: BaseException) -> bool:
        inner.call(int)
        return isinstance(error, MissingError)

    outer.add_excluded_exception(excluded)  # type: ignore[arg-type]
    with pytest.raises(MissingError):
        outer.call(_fail, MissingError("x"))
    assert (calls(seen, "inner"), calls(seen, "outer")) == ({"success": 1}, {"ignored": 1})


def test_breakers_that_were_there_before_are_taken_up() -> None:
    class Special(CircuitBreaker):
        """A breaker of the program's own kind."""

    plain, special = CircuitBreaker(fail_max=1, name="plain"), Special(name="special")
    _trip(plain)
    with capture() as seen:
        special.call(int)
        with pytest.raises(CircuitBreakerError):
            plain.call(int)
        assert (states(seen, "plain"), states(seen, "special")) == (["open"], ["closed"])
    assert (calls(seen, "plain"), calls(seen, "special")) == ({"rejected": 1}, {"success": 1})


@pytest.fixture
def no_collector() -> Iterator[None]:
    """The garbage collector does not run: what the program has let go of, it has let go of."""
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.usefixtures("no_collector")
def test_a_breaker_that_is_gone_leaves_the_gauges(seen: Captured) -> None:
    breaker = _breaker(fail_max=1)
    name = breaker.name
    _trip(breaker)
    assert states(seen, name) == ["open"]
    del breaker
    assert states(seen, name) == []
    for gauge in ("failures.current", "failures.limit"):
        assert value(seen, gauge, name) == 0
    assert calls(seen, name) == {"failure": 1}


@pytest.mark.usefixtures("no_collector")
def test_an_old_breaker_that_is_gone_waits_for_no_full_collection(seen: Captured) -> None:
    """Errors of pybreaker refer to themselves and to the breaker; they are young, and it may be hours old."""
    breaker = _breaker(fail_max=3)
    name = breaker.name
    gc.freeze()
    with pytest.raises(DownError):
        breaker.call(_fail)
    del breaker
    gc.collect(0)
    assert states(seen, name) == []


@pytest.mark.usefixtures("no_collector")
def test_a_breaker_that_was_gone_before_is_not_taken_up() -> None:
    there, gone = _breaker(), _breaker(fail_max=1)
    name = gone.name
    _trip(gone)
    del gone
    with capture() as seen:
        assert (states(seen, name), states(seen, there.name)) == ([], ["closed"])


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    "keep",
    [
        pytest.param(lambda breaker: breaker, id="the breaker"),
        pytest.param(lambda breaker: breaker.state, id="its state"),
        pytest.param(lambda breaker: breaker.call, id="a method"),
        pytest.param(lambda breaker: breaker(len), id="a decorated function"),
    ],
)
def test_a_breaker_is_there_as_long_as_the_program_can_reach_it(seen: Captured, keep: Callable[[Any], Any]) -> None:
    breaker = _breaker()
    kept, name = keep(breaker), breaker.name
    del breaker
    assert states(seen, name) == ["closed"]
    del kept
    assert states(seen, name) == []


@pytest.mark.usefixtures("no_collector")
def test_a_breaker_that_comes_back_is_there_again(seen: Captured) -> None:
    """The program may still have a weak reference."""
    breaker = _breaker()
    name, reference = breaker.name, weakref.ref(breaker)
    del breaker
    assert states(seen, name) == []
    back = reference()
    assert back is not None
    back.call(int)
    assert states(seen, name) == ["closed"]


def test_a_breaker_in_a_cycle_of_the_program_is_there_until_the_collector_finds_it(seen: Captured) -> None:
    breaker: Any = _breaker()
    breaker.itself, name = breaker, breaker.name
    del breaker
    gc.collect()
    assert states(seen, name) == []


def test_uninstrument_takes_the_gauges_back_and_instrument_shows_them_again() -> None:
    breaker = _breaker()
    for _ in range(2):
        with capture() as seen:
            breaker.call(int)
            assert states(seen, breaker.name) == ["closed"]
        assert calls(seen, breaker.name) == {"success": 1}


class Diary(CircuitBreakerListener):
    """What a listener of the program is told, in order."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def before_call(self, cb: Any, func: Any, *args: Any, **kwargs: Any) -> None:
        self.told.append("before")

    def success(self, cb: Any) -> None:
        self.told.append("success")

    def failure(self, cb: Any, exc: BaseException) -> None:
        self.told.append(("failure", str(exc)))

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:
        self.told.append((old_state.name, new_state.name))


def _story() -> list[Any]:
    """Everything that a program can see of a breaker's life."""
    diary = Diary()
    breaker = _breaker(fail_max=2, reset_timeout=0, exclude=[MissingError], listeners=[diary])
    for work in (int, _fail, lambda: _fail(MissingError("x")), _fail, _fail, int):
        try:
            diary.told.append(breaker.call(work))
        except Exception as error:
            context = type(error.__context__).__name__ if error.__context__ else None
            diary.told.append((type(error).__name__, str(error), context, error.__cause__))
    diary.told.append((breaker.fail_counter, breaker.success_counter, breaker.current_state))
    diary.told.append([listener is diary for listener in breaker.listeners])
    return diary.told


def test_the_program_sees_what_it_sees_without_agentobs() -> None:
    expected = _story()
    with capture():
        assert _story() == expected
    assert _story() == expected


def test_a_listener_that_raises_does_so_as_before(seen: Captured) -> None:
    class Raising(CircuitBreakerListener):
        def success(self, cb: Any) -> None:
            raise DownError("listener")

    breaker = _breaker(listeners=[Raising()])
    with pytest.raises(DownError, match="listener"):
        breaker.call(int)


def test_errors_keep_their_identity(seen: Captured) -> None:
    error = DownError("x")
    breaker = _breaker(fail_max=2, throw_new_error_on_trip=False)
    for _ in range(2):
        with pytest.raises(DownError) as caught:
            breaker.call(_fail, error)
        assert caught.value is error


def test_a_coroutine_function_is_warned_of_once(seen: Captured, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> int:
        return 1

    breaker = CircuitBreaker(name="payments-of-coroutines")
    with caplog.at_level(logging.WARNING, "agentobs"):
        results = [asyncio.run(breaker.call(work)) for _ in range(2)]  # type: ignore[arg-type]
    assert results == [1, 1]
    assert [record.getMessage() for record in caplog.records] == [
        "agentobs: breaker 'payments-of-coroutines' is called with a coroutine function, which pybreaker counts as a "
        "success before it has run; use `with breaker.calling(): await ...`"
    ]


def test_a_breaker_without_a_name_is_the_default_one(seen: Captured) -> None:
    breaker = CircuitBreaker()
    breaker.call(int)
    assert calls(seen, "default") == {"success": 1}


def test_uninstrument_leaves_the_very_objects() -> None:
    names = {
        pybreaker.CircuitBreaker: ("__init__", "call", "state"),
        pybreaker.CircuitBreakerState: ("_handle_success", "_handle_error"),
        pybreaker.CircuitOpenState: ("before_call",),
    }
    before = [vars(owner)[name] for owner, listed in names.items() for name in listed]
    with agentobs.instrument(metrics="off"):
        during = [vars(owner)[name] for owner, listed in names.items() for name in listed]
        assert all(a is not b for a, b in zip(before, during, strict=True))
    after = [vars(owner)[name] for owner, listed in names.items() for name in listed]
    assert all(a is b for a, b in zip(before, after, strict=True))


def test_breakers_that_share_their_state_in_redis(seen: Captured) -> None:
    redis = needs.module("redis")
    with redis_server() as server:
        client = redis.Redis.from_url(server.url)
        storage = pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, client, namespace="test")
        one, two = (CircuitBreaker(fail_max=2, state_storage=storage, name=name) for name in ("one", "two"))
        _trip(one)
        with pytest.raises(CircuitBreakerError):
            two.call(int)
        assert (calls(seen, "one"), calls(seen, "two")) == ({"failure": 2}, {"rejected": 1})
        assert (states(seen, "one"), states(seen, "two")) == (["open"], ["open"])
        client.close()
