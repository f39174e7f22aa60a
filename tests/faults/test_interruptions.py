"""What is no error but the program's own will passes through every guard: Ctrl-C, exit, a cancelled task."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanProcessor

import agentobs
from agentobs.context import CALL, RUN
from tests.support.backend import Backend, observed
from tests.support.model import NAME, ask, async_client, client, http
from tests.support.model import answer as model_answer

pytestmark = pytest.mark.faults

INTERRUPTIONS = [KeyboardInterrupt, SystemExit, asyncio.CancelledError]


class Interrupts(SpanProcessor):
    """Ctrl-C at the worst moment: while a span of ours is started or ended."""

    def __init__(self, on_start: type[BaseException] | None = None, on_end: type[BaseException] | None = None) -> None:
        self._on_start, self._on_end = on_start, on_end

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        if self._on_start is not None:
            raise self._on_start

    def on_end(self, span: Any) -> None:
        if self._on_end is not None:
            raise self._on_end


def nothing_is_left(backend: Backend) -> bool:
    """No call counts as under way, and this context is as it was."""
    clean = CALL.get() is None and RUN.get() is None and not trace.get_current_span().get_span_context().is_valid
    return clean and backend.total("agentobs.calls.active") == 0


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_inside_the_call(interruption: type[BaseException]) -> None:
    def answer(_: Any) -> Any:
        raise interruption

    backend = Backend()
    with observed(backend):
        with pytest.raises(interruption), agentobs.agent("support"):
            client(answer).chat.completions.create(**ask(1))
        assert nothing_is_left(backend)
        assert backend.own_errors() == {}
        assert backend.total("agentobs.calls", agentobs_outcome="cancelled") == 1
        assert backend.total("agentobs.agent.runs", agentobs_outcome="cancelled") == 1
    assert [(span.name, span.status.status_code.name) for span in backend.spans] == [
        (f"chat {NAME}", "UNSET"),
        ("invoke_agent support", "UNSET"),
    ]


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
@pytest.mark.parametrize("moment", ["on_start", "on_end"])
def test_inside_agentobs(interruption: type[BaseException], moment: str) -> None:
    backend = Backend(processors=[Interrupts(**{moment: interruption})])
    with observed(backend):
        with pytest.raises(interruption):
            client().chat.completions.create(**ask(1))
        assert nothing_is_left(backend)
        assert backend.own_errors() == {}
        assert backend.total("agentobs.calls") == 1


@pytest.mark.parametrize("interruption", INTERRUPTIONS)
def test_inside_a_stream(interruption: type[BaseException]) -> None:
    class Body(http.SyncByteStream):  # type: ignore[misc]
        def __iter__(self) -> Any:
            yield b'data: {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}\n\n'
            raise interruption

    def answer(_: Any) -> Any:
        return http.Response(200, headers={"content-type": "text/event-stream"}, stream=Body())

    backend = Backend()
    with observed(backend):
        stream = client(answer).chat.completions.create(**ask(1, stream=True))
        assert next(stream).model == "m"
        with pytest.raises(interruption):
            next(stream)
        assert nothing_is_left(backend)
        assert backend.total("agentobs.calls", agentobs_outcome="cancelled") == 1


async def test_a_cancelled_task() -> None:
    asked, never = asyncio.Event(), asyncio.Event()

    async def answer(_: Any) -> Any:
        asked.set()
        await never.wait()

    backend = Backend()
    with observed(backend):
        task = asyncio.create_task(async_client(answer).chat.completions.create(**ask(1)))
        await asyncio.wait_for(asked.wait(), 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelled()
        assert nothing_is_left(backend)
        assert backend.total("agentobs.calls", agentobs_outcome="cancelled") == 1


class EachStepElsewhere:
    """Drives a coroutine on by hand, each step in a context of its own, as some frameworks do."""

    def __init__(self, coroutine: Any) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Any:
        while True:
            try:
                awaited = contextvars.Context().run(self._coroutine.send, None)
            except StopIteration as done:
                return done.value
            yield awaited


async def test_a_call_that_begins_in_one_context_and_ends_in_another() -> None:
    async def answer(request: Any) -> Any:
        await asyncio.sleep(0)
        return model_answer(request)

    backend = Backend()
    with observed(backend):
        completion = await EachStepElsewhere(async_client(answer).chat.completions.create(**ask(7)))
        assert completion.choices[0].message.content == "7"
        assert nothing_is_left(backend)
        assert backend.total("agentobs.calls", agentobs_outcome="success") == 1
