"""Every call form of anthropic gives the program exactly what it gives without agentobs, and sends exactly the same."""

from __future__ import annotations

from typing import Any

import anthropic
import pytest
from anthropic.types import Message
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.util._once import Once
from pydantic import BaseModel

from tests.support.clients import wire
from tests.support.clients.forms import (
    HELPERS,
    RAW,
    RAW_STREAM,
    READINGS,
    STREAM_READINGS,
    STREAMS,
    TEXTS,
    VALUE,
    WHOLE,
    Call,
    Form,
)
from tests.support.clients.makers import anthropic_client, bedrock_client, foundry_client, vertex_client
from tests.support.clients.observation import See
from tests.support.clients.scenarios import Scenario, check, parametrize, with_forms
from tests.support.clients.wire import CLAUDE, MESSAGE
from tests.support.loopback import Answer, Loopback

MESSAGE_STREAM: Any = {**MESSAGE, "stream": True}
ANSWERED = wire.answer(wire.message())
EVENTS = wire.events(wire.MESSAGE_EVENTS)
COUNTED = wire.answer({"input_tokens": 12})
HAS_COMPLETIONS = hasattr(anthropic.Anthropic, "completions")
COMPLETE: Any = {"model": "claude-2.1", "max_tokens_to_sample": 10, "prompt": "\n\nHuman: hello\n\nAssistant:"}
COMPLETED = {
    "type": "completion",
    "id": "compl_1",
    "completion": "Hi.",
    "stop_reason": "stop_sequence",
    "model": "claude-2.1",
}


class Verdict(BaseModel):
    action: str


VERDICT = '{"action": "answer"}'


@anthropic.beta_tool
def look_up(order: str) -> str:
    """Where an order is."""
    return f"order {order} is in the depot"


@anthropic.beta_async_tool(name="look_up")
async def alook_up(order: str) -> str:
    """Where an order is."""
    return f"order {order} is in the depot"


def _run_tools(call: Call, see: See) -> None:
    runner = call()
    for message in runner:
        see("message", message)
    see("last", runner.until_done())


async def _arun_tools(call: Call, see: See) -> None:
    runner = call()
    async for message in runner:
        see("message", message)
    see("last", await runner.until_done())


RUN_TOOLS = Form("run", _run_tools, _arun_tools)


def run_tools(client: Any) -> Any:
    tool = alook_up if isinstance(client, anthropic.AsyncAnthropic) else look_up
    return client.beta.messages.tool_runner(**MESSAGE, tools=[tool])


def each(name: str, call: Any, forms: Any, *answers: Answer, spans: int = 1) -> list[Scenario]:
    return with_forms(name, anthropic_client, call, forms, *answers, spans=spans)


MESSAGES = [
    *each("messages", lambda c: c.messages.create(**MESSAGE), [VALUE], ANSWERED),
    *each(
        "messages, generator",
        lambda c: c.messages.create(model=CLAUDE, max_tokens=9, messages=(said for said in wire.SAID)),
        [VALUE],
        ANSWERED,
    ),
    *each("messages stream", lambda c: c.messages.create(**MESSAGE_STREAM), STREAMS, EVENTS),
    *each("messages helper", lambda c: c.messages.stream(**MESSAGE), [*HELPERS, TEXTS], EVENTS),
    *each("messages raw", lambda c: c.messages.with_raw_response.create(**MESSAGE), [RAW], ANSWERED),
    *each("messages raw stream", lambda c: c.messages.with_raw_response.create(**MESSAGE_STREAM), [RAW_STREAM], EVENTS),
    *each("messages", lambda c: c.messages.with_streaming_response.create(**MESSAGE), READINGS, ANSWERED),
    *each(
        "messages stream",
        lambda c: c.messages.with_streaming_response.create(**MESSAGE_STREAM),
        STREAM_READINGS,
        EVENTS,
    ),
    *each("messages, with_options", lambda c: c.with_options(timeout=9).messages.create(**MESSAGE), [VALUE], ANSWERED),
    *each("messages, copy", lambda c: c.copy(max_retries=0).messages.create(**MESSAGE), [VALUE], ANSWERED),
    *each("messages, post", lambda c: c.post("/v1/messages", body=MESSAGE, cast_to=Message), [VALUE], ANSWERED),
    *each(
        "messages parse",
        lambda c: c.messages.parse(**MESSAGE, output_format=Verdict),
        [VALUE],
        wire.answer(wire.message(VERDICT)),
    ),
    *each("beta messages", lambda c: c.beta.messages.create(**MESSAGE, betas=["x"]), [VALUE], ANSWERED),
    *each("beta messages stream", lambda c: c.beta.messages.create(**MESSAGE_STREAM), STREAMS, EVENTS),
    *each("beta messages helper", lambda c: c.beta.messages.stream(**MESSAGE), [*HELPERS, TEXTS], EVENTS),
    *each("beta messages raw", lambda c: c.beta.messages.with_raw_response.create(**MESSAGE), [RAW], ANSWERED),
    *each("tool runner", run_tools, [RUN_TOOLS], wire.answer(wire.MESSAGE_TOOL), ANSWERED, spans=2),
    *each(
        "count_tokens", lambda c: c.messages.count_tokens(model=CLAUDE, messages=wire.SAID), [VALUE], COUNTED, spans=0
    ),
    *with_forms("bedrock", bedrock_client, lambda c: c.messages.create(**MESSAGE), [VALUE], ANSWERED),
    *with_forms("vertex", vertex_client, lambda c: c.messages.create(**MESSAGE), [VALUE], ANSWERED),
    *with_forms("vertex stream", vertex_client, lambda c: c.messages.create(**MESSAGE_STREAM), [WHOLE], EVENTS),
    *with_forms("foundry", foundry_client, lambda c: c.messages.create(**MESSAGE), [VALUE], ANSWERED),
]
if HAS_COMPLETIONS:
    completion_events = wire.events([COMPLETED | {"stop_reason": None}, COMPLETED])
    MESSAGES += each("completions", lambda c: c.completions.create(**COMPLETE), [VALUE], wire.answer(COMPLETED))
    MESSAGES += each(
        "completions stream", lambda c: c.completions.create(**COMPLETE, stream=True), [WHOLE], completion_events
    )


@pytest.fixture(params=[False, True], ids=["no tracer provider", "the program's tracer provider"])
def program_traces(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """With a global tracer provider of the program, anthropic traces its own calls and sends `traceparent`."""
    if request.param:
        monkeypatch.setattr(trace, "_TRACER_PROVIDER", TracerProvider(shutdown_on_exit=False))
        monkeypatch.setattr(trace, "_TRACER_PROVIDER_SET_ONCE", Once())
    return bool(request.param)


@parametrize(MESSAGES)
def test_the_program_sees_the_same(
    loopback: Loopback, program_traces: bool, scenario: Scenario, asynchronous: bool
) -> None:
    noticed = check(loopback, scenario, asynchronous)
    assert not noticed.warned
    assert not noticed.unraisable
    traced = "post" not in scenario.name
    # What anthropic itself does, with and without agentobs: the premise of running everything twice.
    assert all(
        (request.header("traceparent") is not None) == (program_traces and traced) for request in loopback.requests
    )
