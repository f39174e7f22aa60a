"""A run takes the threads that are started in it along: calls there count in it and are in its trace."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import agentobs
from agentobs.testing import Captured
from tests.support import model, needs


def call(number: int = 1) -> None:
    model.client().chat.completions.create(**model.ask(number))


def in_threads(work: Callable[[int], None]) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_threads_of_a_class_of_its_own(work: Callable[[int], None]) -> None:
    class Worker(threading.Thread):
        def __init__(self, number: int) -> None:
            super().__init__()
            self.number = number

        def run(self) -> None:
            work(self.number)

    threads = [Worker(number) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_a_timer(work: Callable[[int], None]) -> None:
    timers = [threading.Timer(0, work, (number,)) for number in range(4)]
    for timer in timers:
        timer.start()
    for timer in timers:
        timer.join()


def in_a_pool(work: Callable[[int], None]) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(4)))


WAYS = [in_threads, in_threads_of_a_class_of_its_own, in_a_timer, in_a_pool]


def counted(seen: Captured) -> int:
    calls: int = seen.span("invoke_agent support").attributes["agentobs.run.calls"]
    return calls


@pytest.mark.parametrize("way", WAYS)
def test_calls_count_in_the_run_and_are_in_its_trace(seen: Captured, way: Callable[..., None]) -> None:
    with agentobs.agent("support", conversation_id="c1"):
        way(call)
    run = seen.span("invoke_agent support")
    calls = [span for span in seen.spans if span.name.startswith("chat")]
    assert (counted(seen), len(calls)) == (4, 4)
    assert {(span.trace_id, span.parent_id) for span in calls} == {(run.trace_id, run.span_id)}
    assert {span.attributes["gen_ai.conversation.id"] for span in calls} == {"c1"}
    assert seen.value("agentobs.calls", gen_ai_agent_name="support") == 4


def test_decisions_and_nested_runs_are_the_runs_too(seen: Captured) -> None:
    def work(_: int) -> None:
        agentobs.decision("route", "x")
        with agentobs.agent("inner"):
            call()

    with agentobs.agent("support"):
        in_threads(work)
    run = seen.span("invoke_agent support")
    assert run.attributes["agentobs.run.decisions"] == 4
    assert run.attributes["agentobs.run.calls"] == 4


def test_a_pool_that_was_filled_in_a_run_forgets_it(seen: Captured) -> None:
    with ThreadPoolExecutor(1) as pool:
        with agentobs.agent("support"):
            pool.submit(call).result()
        pool.submit(call).result()
        with agentobs.agent("other"):
            pool.submit(call).result()
    assert counted(seen) == 1
    assert seen.value("agentobs.calls", gen_ai_agent_name="support") == 1
    assert seen.value("agentobs.calls", gen_ai_agent_name="other") == 1
    assert seen.value("agentobs.calls") == 3


def test_a_thread_that_outlives_its_run_is_of_no_run(seen: Captured) -> None:
    over = threading.Event()

    def work() -> None:
        over.wait(30)
        call()

    with agentobs.agent("support"):
        thread = threading.Thread(target=work)
        thread.start()
    over.set()
    thread.join()
    assert counted(seen) == 0
    assert seen.value("agentobs.calls", gen_ai_agent_name="support") == 0
    assert seen.value("agentobs.calls") == 1


def test_the_programs_own_context_variables_stay_where_they_are(seen: Captured) -> None:
    own: contextvars.ContextVar[str] = contextvars.ContextVar("own", default="nobody's")
    found = []

    def work(_: int) -> None:
        found.append(own.get())
        call()

    own.set("the main thread's")
    with agentobs.agent("support"):
        in_threads(work)
        in_a_pool(work)
    assert found == ["nobody's"] * 8
    assert counted(seen) == 8


def test_outside_of_a_run_nothing_is_wrapped(seen: Captured) -> None:
    submitted = []

    class Pool(ThreadPoolExecutor):
        def _adjust_thread_count(self) -> None:
            super()._adjust_thread_count()
            submitted.append(True)

    names: list[Any] = []
    with Pool(1) as pool:
        assert pool.submit(lambda: names.append("ran")).result() is None
    assert (names, submitted) == (["ran"], [True])
    assert seen.points == [] or seen.value("agentobs.calls") == 0


def test_it_can_be_left_out() -> None:
    with agentobs.instrument(metrics="off", libraries=["-threading", "-concurrent.futures"]):
        with agentobs.agent("support") as block:
            in_threads(call)
            in_a_pool(call)
        assert block.run.calls == 0
    with agentobs.instrument(metrics="off", libraries=["openai"]):
        with agentobs.agent("support") as block:
            in_threads(call)
        assert block.run.calls == 4


@pytest.fixture
def restored() -> Iterator[None]:
    """What OpenTelemetry takes off is taken off crookedly when something of ours is under it, and ours then stays."""
    patched = [(threading.Thread, "start"), (threading.Thread, "_bootstrap_inner"), (ThreadPoolExecutor, "submit")]
    before = [(owner, name, vars(owner)[name]) for owner, name in patched]
    yield
    for owner, name, value in before:
        setattr(owner, name, value)


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("way", WAYS)
def test_beside_opentelemetrys_own_instrumentation(seen: Captured, way: Callable[..., None]) -> None:
    needs.module("opentelemetry.instrumentation.threading", sdks="contrib")
    from opentelemetry.instrumentation.threading import ThreadingInstrumentor

    ThreadingInstrumentor().instrument()
    try:
        with agentobs.agent("support"):
            way(call)
    finally:
        ThreadingInstrumentor().uninstrument()
    assert counted(seen) == 4
    assert len([span for span in seen.spans if span.name.startswith("chat")]) == 4
    assert len({span.trace_id for span in seen.spans}) == 1


def test_whatever_carries_opentelemetrys_context_carries_the_run() -> None:
    from opentelemetry import context

    def work(carried: Any) -> None:
        token = context.attach(carried)
        try:
            call()
        finally:
            context.detach(token)

    with agentobs.instrument(metrics="off", libraries=["openai", "-threading"]):
        with agentobs.agent("support") as block:
            thread = threading.Thread(target=work, args=(context.get_current(),))
            thread.start()
            thread.join()
        assert block.run.calls == 1
