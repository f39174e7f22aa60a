"""A stream that the garbage collector finds gives its connection back, with agentobs as without it."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from typing import Any

import prometheus_client
import pytest
from openai import AsyncOpenAI, OpenAI

import agentobs

ASK: Any = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
DEADLINE_S = 5.0


class Cycle:
    """Holds a stream in a reference cycle, as a traceback or a callback does."""

    def __init__(self, stream: object) -> None:
        self.stream = stream
        self.itself = self


@pytest.fixture(params=[False, True], ids=["without agentobs", "with agentobs"])
def observed(request: pytest.FixtureRequest) -> Iterator[None]:
    if not request.param:
        yield
        return
    with agentobs.instrument(metrics="prometheus", registry=prometheus_client.CollectorRegistry()):
        yield


def connections(client: Any) -> int:
    return len(client._client._transport._pool.connections)


@pytest.mark.usefixtures("observed")
def test_synchronous(openai_client: OpenAI) -> None:
    cycle = Cycle(openai_client.chat.completions.create(**ASK))
    next(cycle.stream)  # type: ignore[call-overload]
    assert connections(openai_client) == 1
    del cycle
    gc.collect()
    assert connections(openai_client) == 0


@pytest.mark.usefixtures("observed")
async def test_asynchronous(async_openai_client: AsyncOpenAI) -> None:
    cycle = Cycle(await async_openai_client.chat.completions.create(**ASK))
    await anext(cycle.stream)  # type: ignore[call-overload]
    assert connections(async_openai_client) == 1
    del cycle
    deadline = time.monotonic() + DEADLINE_S
    while connections(async_openai_client) and time.monotonic() < deadline:
        gc.collect()
        await asyncio.sleep(0.01)
    assert connections(async_openai_client) == 0
