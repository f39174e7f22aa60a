"""Retries that the client libraries hide are seen: what the failed attempt got, and which call they belong to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, NamedTuple

import anthropic
import openai
import pytest

import agentobs
from agentobs import testing
from tests.support.clients import wire
from tests.support.clients.makers import anthropic_client, azure_client, openai_client
from tests.support.loopback import Answer, Loopback, serve


class Family(NamedTuple):
    """One kind of call, and the answer that ends it well."""

    name: str
    make: Callable[..., Any]
    call: Callable[[Any], Any]
    answer: Answer


FAMILIES = (
    Family("chat", openai_client, lambda c: c.chat.completions.create(**wire.CHAT), wire.answer(wire.chat())),
    Family(
        "chat stream",
        openai_client,
        lambda c: c.chat.completions.create(**wire.CHAT_STREAM),
        wire.events(wire.CHAT_CHUNKS, named=False),
    ),
    Family(
        "chat raw",
        openai_client,
        lambda c: c.chat.completions.with_raw_response.create(**wire.CHAT),
        wire.answer(wire.chat()),
    ),
    Family("azure", azure_client, lambda c: c.chat.completions.create(**wire.CHAT), wire.answer(wire.chat())),
    Family("responses", openai_client, lambda c: c.responses.create(**wire.ASK), wire.answer(wire.response())),
    Family("messages", anthropic_client, lambda c: c.messages.create(**wire.MESSAGE), wire.answer(wire.message())),
    Family(
        "messages stream",
        anthropic_client,
        lambda c: c.messages.create(**wire.MESSAGE, stream=True),
        wire.events(wire.MESSAGE_EVENTS),
    ),
)
CAUSES = {
    "408": wire.error(408),
    "409": wire.error(409),
    "429": wire.error(429, "rate_limit_error", retry_after_ms="1"),
    "500": wire.error(500),
    "503": Answer(503, b"<html>Service Unavailable</html>", {"content-type": "text/html"}),
    "529": wire.error(529, "overloaded_error"),
    "connection": Answer(cut=True),
}
either = pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
families = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def make_call(family: Family, url: str, asynchronous: bool, **options: Any) -> None:
    """The call, its stream read to the end."""

    async def run() -> None:
        async with family.make(url, True, **options) as client:
            result = await family.call(client)
            if hasattr(result, "__anext__"):
                async for _ in result:
                    pass

    if asynchronous:
        asyncio.run(run())
        return
    with family.make(url, False, **options) as client:
        result = family.call(client)
        if hasattr(result, "__next__"):
            for _ in result:
                pass


def retried(seen: testing.Captured) -> dict[str, float]:
    """Retries by cause, as the metric has them."""
    return {
        point.attributes["agentobs.retry.status"]: point.value or 0
        for point in seen.points
        if point.name == "agentobs.retry.attempts"
    }


@either
@families
@pytest.mark.parametrize("cause", CAUSES)
def test_retried_until_it_succeeds(loopback: Loopback, family: Family, cause: str, asynchronous: bool) -> None:
    loopback.play(CAUSES[cause], CAUSES[cause], family.answer)
    with testing.capture() as seen:
        make_call(family, loopback.url, asynchronous)
    (span,) = seen.spans
    assert span.status == "UNSET"
    assert span.attributes["agentobs.outcome"] == "success"
    assert span.attributes["agentobs.retries"] == 2
    assert retried(seen) == {cause: 2}
    assert seen.value("agentobs.calls") == 1
    events = [event for event in seen.events if event.name == "agentobs.retry"]
    assert [event.attributes["agentobs.retries"] for event in events] == [1, 2]
    for event in events:
        assert event.attributes["agentobs.retry.status"] == cause
        assert event.attributes["agentobs.retry.layer"] == "sdk"
        assert (event.trace_id, event.span_id) == (span.trace_id, span.span_id)


@either
@pytest.mark.parametrize("family", [FAMILIES[0], FAMILIES[5]], ids=lambda family: family.name)
def test_retried_after_a_timeout(loopback: Loopback, family: Family, asynchronous: bool) -> None:
    loopback.play(Answer(cut=True, gate=loopback.never), family.answer)
    with testing.capture() as seen:
        # Long enough for the second attempt on a busy machine; only the first one is held.
        make_call(family, loopback.url, asynchronous, timeout=0.5, max_retries=1)
    (span,) = seen.spans
    assert span.attributes["agentobs.outcome"] == "success"
    assert span.attributes["agentobs.retries"] == 1
    assert retried(seen) == {"timeout": 1}


@either
def test_each_retry_has_its_own_cause(loopback: Loopback, asynchronous: bool) -> None:
    loopback.play(CAUSES["429"], CAUSES["connection"], CAUSES["500"], FAMILIES[0].answer)
    with testing.capture() as seen:
        make_call(FAMILIES[0], loopback.url, asynchronous, max_retries=3)
    assert retried(seen) == {"429": 1, "connection": 1, "500": 1}
    assert seen.span(f"chat {wire.MODEL}").attributes["agentobs.retries"] == 3


@either
@families
def test_given_up(loopback: Loopback, family: Family, asynchronous: bool) -> None:
    """The last attempt is the call's ending and no retry."""
    loopback.play(*[CAUSES["429"]] * 3)
    with testing.capture() as seen, pytest.raises((openai.RateLimitError, anthropic.RateLimitError)):
        make_call(family, loopback.url, asynchronous)
    (span,) = seen.spans
    assert span.status == "ERROR"
    assert span.attributes["agentobs.retries"] == 2
    assert span.attributes["agentobs.error.class"] == "rate_limit"
    assert retried(seen) == {"429": 2}
    assert seen.value("agentobs.calls", agentobs_outcome="error") == 1


@either
@families
def test_without_retries_there_is_none_to_see(loopback: Loopback, family: Family, asynchronous: bool) -> None:
    loopback.play(family.answer)
    with testing.capture() as seen:
        make_call(family, loopback.url, asynchronous)
    (span,) = seen.spans
    assert "agentobs.retries" not in span.attributes
    assert retried(seen) == {}


def test_an_error_that_is_not_retried(loopback: Loopback) -> None:
    loopback.play(CAUSES["500"])
    with testing.capture() as seen, pytest.raises(openai.InternalServerError):
        make_call(FAMILIES[0], loopback.url, False, max_retries=0)
    assert "agentobs.retries" not in seen.span(f"chat {wire.MODEL}").attributes
    assert retried(seen) == {}


def test_retries_of_what_is_no_model_call_are_nobodys(loopback: Loopback) -> None:
    """A list of models that is retried inside an agent's run."""
    models = wire.answer({"object": "list", "data": []})
    loopback.play(CAUSES["500"], models)
    with testing.capture() as seen, agentobs.agent("support"), openai_client(loopback.url) as client:
        client.models.list()
    assert [span.name for span in seen.spans] == ["invoke_agent support"]
    assert retried(seen) == {}


def test_they_belong_to_the_agent_that_runs(loopback: Loopback) -> None:
    loopback.play(CAUSES["500"], FAMILIES[0].answer)
    with testing.capture() as seen, agentobs.agent("support"):
        make_call(FAMILIES[0], loopback.url, False)
    (point,) = [point for point in seen.points if point.name == "agentobs.retry.attempts"]
    assert point.attributes["gen_ai.agent.name"] == "support"
    assert seen.span("invoke_agent support").attributes["agentobs.retries"] == 1


async def test_calls_at_the_same_time_keep_theirs_apart() -> None:
    """Ten calls at once, the n-th of them retried n times."""
    with ExitStack() as stack:
        servers = [stack.enter_context(serve()) for _ in range(10)]
        seen = stack.enter_context(testing.capture())
        for number, server in enumerate(servers):
            server.play(*[CAUSES["429"]] * number, FAMILIES[0].answer)
        clients = [openai_client(server.url, True, max_retries=10) for server in servers]

        async def call(number: int, client: Any) -> None:
            async with client:
                await client.chat.completions.create(**wire.CHAT | {"seed": number})

        await asyncio.gather(*[call(number, client) for number, client in enumerate(clients)])
        spans = sorted(seen.spans, key=lambda span: span.attributes["gen_ai.request.seed"])
        assert [span.attributes.get("agentobs.retries", 0) for span in spans] == list(range(10))
        assert retried(seen) == {"429": 45}
