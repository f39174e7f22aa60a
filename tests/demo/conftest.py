"""The built-in provider and the real client libraries that talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.support import needs

needs.module("openai")
needs.module("anthropic")

from anthropic import Anthropic, AsyncAnthropic  # noqa: E402
from openai import AsyncOpenAI, OpenAI  # noqa: E402

from agentobs.demo.faults import Faults  # noqa: E402
from agentobs.demo.provider import Provider  # noqa: E402

Serve = Callable[..., Provider]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts providers that stop with the test; without faults where none are given."""
    with ExitStack() as stack:

        def start(faults: Faults | None = None, **options: int) -> Provider:
            return stack.enter_context(Provider(faults=faults or Faults.none(), **options))

        yield start


@pytest.fixture
def provider(serve: Serve) -> Provider:
    return serve()


@pytest.fixture
def openai_client(provider: Provider) -> Iterator[OpenAI]:
    with OpenAI(base_url=provider.base_url + "/v1", api_key="none") as client:
        yield client


@pytest.fixture
def anthropic_client(provider: Provider) -> Iterator[Anthropic]:
    with Anthropic(base_url=provider.base_url, api_key="none") as client:
        yield client


@pytest.fixture
async def async_openai_client(provider: Provider) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=provider.base_url + "/v1", api_key="none") as client:
        yield client


@pytest.fixture
async def async_anthropic_client(provider: Provider) -> AsyncIterator[AsyncAnthropic]:
    async with AsyncAnthropic(base_url=provider.base_url, api_key="none") as client:
        yield client
