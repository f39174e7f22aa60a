"""agent(): a span and counts around a run, in every form in which code can be wrapped."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from opentelemetry import trace

import agentobs
from agentobs.testing import Captured


class RefusedError(Exception):
    """An exception of the program."""


def _runs(seen: Captured) -> list[tuple[str, str]]:
    return [(span.attributes["gen_ai.agent.name"], span.attributes["agentobs.outcome"]) for span in seen.spans]


def test_a_block_is_a_span_with_name_version_and_conversation(seen: Captured) -> None:
    with agentobs.agent("support", version="3", conversation_id="c1"):
        pass
    span = seen.span("invoke_agent support")
    assert (span.kind, span.status, span.parent_id) == ("INTERNAL", "UNSET", None)
    assert span.attributes["gen_ai.operation.name"] == "invoke_agent"
    assert span.attributes["gen_ai.agent.version"] == "3"
    assert span.attributes["gen_ai.conversation.id"] == "c1"
    assert span.attributes["agentobs.outcome"] == "success"
    assert span.attributes["agentobs.degradation.level"] == "full"
    assert span.attributes["agentobs.notice"] == "not_needed"


def test_nothing_unknown_is_claimed(seen: Captured) -> None:
    with agentobs.agent("support"):
        pass
    attributes = seen.span("invoke_agent support").attributes
    for name in ("gen_ai.usage.input_tokens", "agentobs.cost.usd", "gen_ai.agent.version", "gen_ai.conversation.id"):
        assert name not in attributes


async def test_async_blocks_count_as_well(seen: Captured) -> None:
    async with agentobs.agent("support"):
        await asyncio.sleep(0)
    assert _runs(seen) == [("support", "success")]
    assert seen.value("agentobs.agent.runs", gen_ai_agent_name="support", agentobs_outcome="success") == 1
    assert seen.value("gen_ai.invoke_agent.duration", gen_ai_agent_name="support") == 1


def test_the_block_gives_its_run(seen: Captured) -> None:
    with agentobs.agent("support") as scope:
        agentobs.decision("refund", "approve")
        assert scope.run.decisions == 1


def test_an_exception_passes_and_is_told(seen: Captured) -> None:
    error = RefusedError("no")
    with pytest.raises(RefusedError) as caught, agentobs.agent("support"):
        raise error
    assert caught.value is error
    assert (error.__cause__, error.__context__) == (None, None)
    span = seen.span("invoke_agent support")
    assert (span.status, span.status_description) == ("ERROR", "no")
    assert span.attributes["error.type"] == "RefusedError"
    assert seen.value("gen_ai.invoke_agent.duration", error_type="RefusedError") == 1


@pytest.mark.parametrize("error", [KeyboardInterrupt(), asyncio.CancelledError(), SystemExit(3)])
def test_leaving_by_force_is_cancelled_and_no_error(seen: Captured, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, agentobs.agent("support"):
        raise error
    assert caught.value is error
    assert _runs(seen) == [("support", "cancelled")]
    assert seen.span("invoke_agent support").status == "UNSET"


def test_a_secret_in_a_message_is_replaced(seen: Captured) -> None:
    with pytest.raises(RefusedError), agentobs.agent("support"):
        raise RefusedError("key sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD")
    assert "abcdefghij" not in str(seen.span("invoke_agent support").status_description)


def test_nested_runs_add_to_those_around_them_and_share_the_conversation(seen: Captured) -> None:
    with agentobs.agent("outer", conversation_id="c1"):
        with agentobs.agent("inner"):
            agentobs.decision("a", "x")
        agentobs.decision("b", "y")
    outer, inner = seen.span("invoke_agent outer"), seen.span("invoke_agent inner")
    assert inner.parent_id == outer.span_id
    assert inner.attributes["gen_ai.conversation.id"] == "c1"
    assert (inner.attributes["agentobs.run.decisions"], outer.attributes["agentobs.run.decisions"]) == (1, 2)


def test_a_run_is_the_current_span_inside_and_no_longer_outside(seen: Captured) -> None:
    before = trace.get_current_span()
    with agentobs.agent("support") as block:
        assert block.run.span_ids is not None
        assert trace.get_current_span().get_span_context().span_id == block.run.span_ids.span_id
    assert trace.get_current_span() is before


def test_a_scope_can_be_entered_again(seen: Captured) -> None:
    scope = agentobs.agent("support")
    for _ in range(2):
        with scope:
            agentobs.decision("a", "x")
    assert [span.attributes["agentobs.run.decisions"] for span in seen.spans] == [1, 1]


async def test_concurrent_tasks_keep_their_runs_apart(seen: Captured) -> None:
    async def work(number: int) -> None:
        async with agentobs.agent(f"agent{number}", conversation_id=str(number)):
            await asyncio.sleep(0)
            for _ in range(number):
                agentobs.decision("step", "x")
                await asyncio.sleep(0)

    await asyncio.gather(*(work(number) for number in range(20)))
    for number in range(20):
        span = seen.span(f"invoke_agent agent{number}")
        assert span.attributes["agentobs.run.decisions"] == number
        assert span.attributes["gen_ai.conversation.id"] == str(number)
    assert {event.attributes["gen_ai.agent.name"] for event in seen.events} == {f"agent{n}" for n in range(1, 20)}


def test_what_a_pool_is_given_in_a_run_is_of_the_run(seen: Captured) -> None:
    with ThreadPoolExecutor(1) as pool, agentobs.agent("support"):
        pool.submit(agentobs.decision, "alone", "x").result()
        pool.submit(contextvars.copy_context().run, agentobs.decision, "with_context", "x").result()
    agents = {e.attributes["agentobs.decision.kind"]: e.attributes.get("gen_ai.agent.name") for e in seen.events}
    assert agents == {"alone": "support", "with_context": "support"}


def test_a_block_that_is_left_in_another_context_harms_nobody(seen: Captured) -> None:
    def lines() -> Iterator[int]:
        with agentobs.agent("support"):
            yield 1

    opened = lines()
    assert contextvars.copy_context().run(next, opened) == 1
    with agentobs.agent("other") as other:
        opened.close()
        assert other.run.span_ids is not None
        assert trace.get_current_span().get_span_context().span_id == other.run.span_ids.span_id
        agentobs.decision("a", "x")
    assert _runs(seen) == [("support", "abandoned"), ("other", "success")]
    assert seen.events[0].attributes["gen_ai.agent.name"] == "other"


def test_a_block_in_an_async_generator_may_be_closed_by_another_task(seen: Captured) -> None:
    async def lines() -> AsyncIterator[int]:
        with agentobs.agent("support"):
            yield 1

    async def main() -> None:
        opened = lines()
        assert await asyncio.create_task(opened.__anext__()) == 1  # type: ignore[arg-type]
        await asyncio.create_task(opened.aclose())  # type: ignore[attr-defined]

    asyncio.run(main())
    assert _runs(seen) == [("support", "abandoned")]


def test_hostile_names_are_kept_printable(seen: Captured) -> None:
    with agentobs.agent('a"b\n\ud83d', conversation_id="\udc00"):
        agentobs.decision("kind\ud83d", "chosen\udfff")
    (run,) = seen.spans
    (event,) = seen.events
    values = [run.name, *run.attributes.values(), *event.attributes.values()]
    assert [text for text in map(str, values) if text != text.encode(errors="replace").decode()] == []


@agentobs.agent("plain")
def plain(value: int, *, fail: bool = False) -> int:
    """Docs of plain."""
    if fail:
        raise RefusedError("no")
    return value * 2


@agentobs.agent("coroutine")
async def coroutine(value: int) -> int:
    await asyncio.sleep(0)
    return value * 2


def test_decorated_functions_keep_name_docs_and_kind() -> None:
    assert (plain.__name__, plain.__doc__) == ("plain", "Docs of plain.")
    assert list(inspect.signature(plain).parameters) == ["value", "fail"]
    assert inspect.iscoroutinefunction(coroutine)
    assert not inspect.iscoroutinefunction(plain)


async def test_decorated_functions_give_their_values_and_exceptions(seen: Captured) -> None:
    assert plain(2) == 4
    assert await coroutine(3) == 6
    with pytest.raises(RefusedError):
        plain(1, fail=True)
    with pytest.raises(TypeError, match="positional"):
        plain(1, 2, 3)  # type: ignore[call-arg, misc]
    assert _runs(seen) == [
        ("plain", "success"),
        ("coroutine", "success"),
        ("plain", "error"),
        ("plain", "error"),
    ]


def test_decorated_methods_work_on_their_objects(seen: Captured) -> None:
    class Desk:
        @agentobs.agent("desk")
        def answer(self) -> Desk:
            return self

    desk = Desk()
    assert desk.answer() is desk
