"""Decorated generators: they behave as without the decorator, and their run lasts from the first step to the last."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import AsyncGenerator, Generator

import pytest
from opentelemetry import trace

import agentobs
from agentobs.testing import Captured


class RefusedError(Exception):
    """An exception of the program."""


closed: list[str] = []


@agentobs.agent("gen")
def gen(count: int) -> Generator[object, object, str]:
    try:
        for number in range(count):
            try:
                got = yield number
                if got is not None:
                    yield ("got", got)
            except RefusedError as error:
                yield ("caught", error)
        return "end"
    finally:
        agentobs.decision("closing", "x")
        closed.append("gen")


@agentobs.agent("agen")
async def agen(count: int) -> AsyncGenerator[object, object]:
    try:
        for number in range(count):
            try:
                got = yield number
                await asyncio.sleep(0)
                if got is not None:
                    yield ("got", got)
            except RefusedError as error:
                yield ("caught", error)
    finally:
        agentobs.decision("closing", "x")
        closed.append("agen")


def _outcomes(seen: Captured) -> list[str]:
    return [span.attributes["agentobs.outcome"] for span in seen.spans]


def test_they_keep_their_kind() -> None:
    assert inspect.isgeneratorfunction(gen)
    assert inspect.isasyncgenfunction(agen)


def test_values_and_return_value(seen: Captured) -> None:
    returned = []

    def outer() -> Generator[object, object]:
        returned.append((yield from gen(3)))

    assert list(outer()) == [0, 1, 2]
    assert returned == ["end"]
    assert _outcomes(seen) == ["success"]


def test_send_and_throw_reach_the_body(seen: Captured) -> None:
    stepping, error = gen(3), RefusedError("x")
    assert next(stepping) == 0
    assert stepping.send("hello") == ("got", "hello")
    assert next(stepping) == 1
    assert stepping.throw(error) == ("caught", error)
    assert list(stepping) == [2]
    assert _outcomes(seen) == ["success"]


def test_an_exception_that_the_body_does_not_catch_comes_back_as_it_is(seen: Captured) -> None:
    stepping, error = gen(3), ValueError("x")
    next(stepping)
    with pytest.raises(ValueError, match="x") as caught:
        stepping.throw(error)
    assert caught.value is error
    assert _outcomes(seen) == ["error"]


def test_closing_early_runs_the_finally_inside_the_run(seen: Captured) -> None:
    closed.clear()
    stepping = gen(3)
    next(stepping)
    stepping.close()
    assert closed == ["gen"]
    assert _outcomes(seen) == ["abandoned"]
    assert seen.events[0].attributes["gen_ai.agent.name"] == "gen"


def test_dropping_one_ends_its_run(seen: Captured) -> None:
    stepping = gen(3)
    next(stepping)
    del stepping
    gc.collect()
    assert _outcomes(seen) == ["abandoned"]


def test_a_body_that_refuses_to_close_is_told_so() -> None:
    @agentobs.agent("stubborn")
    def stubborn() -> Generator[int]:
        try:
            yield 1
        except GeneratorExit:
            yield 2

    stepping = stubborn()
    next(stepping)
    with pytest.raises(RuntimeError, match="ignored GeneratorExit"):
        stepping.close()


def test_nothing_is_current_between_the_steps(seen: Captured) -> None:
    before = trace.get_current_span()
    first, second = gen(2), gen(2)
    assert [next(first), next(second), next(first), next(second)] == [0, 0, 1, 1]
    assert trace.get_current_span() is before
    assert (list(first), list(second)) == ([], [])
    assert [event.span_id for event in seen.events] == [span.span_id for span in seen.spans]


def test_one_that_is_never_started_is_no_run(seen: Captured) -> None:
    gen(3).close()
    assert seen.spans == []


async def test_async_values_asend_and_athrow(seen: Captured) -> None:
    stepping, error = agen(3), RefusedError("x")
    assert await anext(stepping) == 0
    assert await stepping.asend("hello") == ("got", "hello")
    assert await anext(stepping) == 1
    assert await stepping.athrow(error) == ("caught", error)
    assert [item async for item in stepping] == [2]
    assert _outcomes(seen) == ["success"]


async def test_async_closing_early(seen: Captured) -> None:
    closed.clear()
    stepping = agen(3)
    assert await anext(stepping) == 0
    await stepping.aclose()
    assert closed == ["agen"]
    assert _outcomes(seen) == ["abandoned"]
    assert seen.events[0].attributes["gen_ai.agent.name"] == "agen"


async def test_async_exceptions_come_back_as_they_are(seen: Captured) -> None:
    stepping, error = agen(3), ValueError("x")
    await anext(stepping)
    with pytest.raises(ValueError, match="x") as caught:
        await stepping.athrow(error)
    assert caught.value is error
    assert _outcomes(seen) == ["error"]


def test_an_async_generator_that_is_dropped_is_closed_by_its_loop(seen: Captured) -> None:
    closed.clear()

    async def main() -> None:
        async for _ in agen(3):
            break
        while not closed:
            await asyncio.sleep(0)

    asyncio.run(main())
    assert closed == ["agen"]
    assert _outcomes(seen) == ["abandoned"]


async def test_a_cancelled_step_is_a_cancelled_run(seen: Captured) -> None:
    @agentobs.agent("slow")
    async def slow() -> AsyncGenerator[int]:
        await asyncio.Event().wait()
        yield 1

    task = asyncio.ensure_future(anext(slow()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert _outcomes(seen) == ["cancelled"]
