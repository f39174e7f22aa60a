"""A stream that the garbage collector finds gives its connection back, with agentobs as without it."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any

import openai
import prometheus_client
import pytest

import agentobs
from agentobs.demo.provider import Provider
from tests.support.model import http

ASK: Any = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}], "stream": True}
OTHER = ASK | {"stream": False}
ONE = {"max_connections": 1}
"""A client with one connection can make another call only once the first one has given the connection back."""


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


@pytest.mark.usefixtures("observed")
def test_synchronous(provider: Provider) -> None:
    one = openai.DefaultHttpxClient(limits=http.Limits(**ONE), timeout=http.Timeout(30, pool=0.1))
    with openai.OpenAI(base_url=f"{provider.base_url}/v1", api_key="none", max_retries=0, http_client=one) as client:
        cycle = Cycle(client.chat.completions.create(**ASK))
        next(cycle.stream)  # type: ignore[call-overload]
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(**OTHER)
        del cycle
        gc.collect()
        assert client.chat.completions.create(**OTHER).choices


@pytest.mark.usefixtures("observed")
async def test_asynchronous(provider: Provider) -> None:
    one = openai.DefaultAsyncHttpxClient(limits=http.Limits(**ONE), timeout=http.Timeout(30, pool=10))
    ours = {"base_url": f"{provider.base_url}/v1", "api_key": "none", "max_retries": 0}
    async with openai.AsyncOpenAI(**ours, http_client=one) as client:
        cycle = Cycle(await client.chat.completions.create(**ASK))
        await anext(cycle.stream)  # type: ignore[call-overload]
        del cycle
        gc.collect()
        answer = await client.chat.completions.create(**OTHER)
        assert answer.choices
