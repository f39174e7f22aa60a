"""Every call form of the real Anthropic client works against the provider, and the ledger agrees with the results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from anthropic import Anthropic, AsyncAnthropic
from pydantic import BaseModel

from agentobs.demo.ledger import Ending
from agentobs.demo.provider import Provider
from agentobs.demo.tariff import Tokens

SCHEMA = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
TOOLS: Any = [{"name": "lookup_order", "input_schema": SCHEMA}]
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}
ASK: Any = {
    "model": "claude-haiku-4-5",
    "max_tokens": 2000,
    "messages": [{"role": "user", "content": "Where is my order 4711?"}],
}


class Verdict(BaseModel):
    action: str
    confidence: float


def tokens(usage: Any) -> Tokens:
    """Anthropic's input leaves the cache out; the conventions have it in."""
    read, write = usage.cache_read_input_tokens, usage.cache_creation_input_tokens
    details = usage.output_tokens_details
    reasoning = details.thinking_tokens if details else None
    return Tokens(usage.input_tokens + read + write, usage.output_tokens, read, write, reasoning)


def create(client: Anthropic) -> Tokens:
    answer = client.messages.create(**ASK)
    assert answer.stop_reason == "end_turn"
    assert answer.content[0].type == "text"
    return tokens(answer.usage)


def tool_use(client: Anthropic) -> Tokens:
    answer = client.messages.create(**ASK, tools=TOOLS)
    assert answer.stop_reason == "tool_use"
    assert answer.content[0].type == "tool_use"
    assert answer.content[0].input == {"order_id": "4711"}
    return tokens(answer.usage)


def after_tool_result(client: Anthropic) -> Tokens:
    use: Any = {"type": "tool_use", "id": "toolu_1", "name": "lookup_order", "input": {}}
    result: Any = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sent"}
    turns = [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    answer = client.messages.create(**{**ASK, "messages": ASK["messages"] + turns}, tools=TOOLS)
    assert answer.stop_reason == "end_turn"
    return tokens(answer.usage)


def thinking(client: Anthropic) -> Tokens:
    answer = client.messages.create(**ASK, thinking=THINKING)
    assert answer.content[0].type == "thinking"
    assert answer.usage.output_tokens_details
    assert answer.usage.output_tokens_details.thinking_tokens
    return tokens(answer.usage)


def event_stream(client: Anthropic) -> Tokens:
    usage = {}
    with client.messages.create(**ASK, stream=True) as stream:
        for event in stream:
            if event.type == "message_start":
                usage.update(event.message.usage.model_dump())
            elif event.type == "message_delta":
                usage.update(event.usage.model_dump(exclude_none=True))
    total = usage["input_tokens"] + usage["cache_read_input_tokens"] + usage["cache_creation_input_tokens"]
    return Tokens(total, usage["output_tokens"], usage["cache_read_input_tokens"], usage["cache_creation_input_tokens"])


def helper_stream(client: Anthropic) -> Tokens:
    with client.messages.stream(**ASK) as stream:
        assert "".join(stream.text_stream)
        return tokens(stream.get_final_message().usage)


def helper_stream_thinking(client: Anthropic) -> Tokens:
    with client.messages.stream(**ASK, thinking=THINKING) as stream:
        answer = stream.get_final_message()
    assert [block.type for block in answer.content] == ["thinking", "text"]
    return tokens(answer.usage)


def helper_stream_tool_use(client: Anthropic) -> Tokens:
    with client.messages.stream(**ASK, tools=TOOLS) as stream:
        answer = stream.get_final_message()
    assert answer.content[0].type == "tool_use"
    assert answer.content[0].input == {"order_id": "4711"}
    return tokens(answer.usage)


def parse(client: Anthropic) -> Tokens:
    answer = client.messages.parse(**ASK, output_format=Verdict)
    assert answer.parsed_output is not None
    return tokens(answer.usage)


def raw(client: Anthropic) -> Tokens:
    response = client.messages.with_raw_response.create(**ASK)
    assert response.headers["request-id"]
    return tokens(response.parse().usage)


def streaming_response(client: Anthropic) -> Tokens:
    with client.messages.with_streaming_response.create(**ASK) as response:
        return tokens(response.parse().usage)


def beta(client: Anthropic) -> Tokens:
    return tokens(client.beta.messages.create(**ASK).usage)


def beta_stream(client: Anthropic) -> Tokens:
    with client.beta.messages.stream(**ASK) as stream:
        return tokens(stream.get_final_message().usage)


def truncated(client: Anthropic) -> Tokens:
    answer = client.messages.create(**{**ASK, "max_tokens": 1})
    assert answer.stop_reason == "max_tokens"
    return tokens(answer.usage)


FORMS = [
    create,
    tool_use,
    after_tool_result,
    thinking,
    event_stream,
    helper_stream,
    helper_stream_thinking,
    helper_stream_tool_use,
    parse,
    raw,
    streaming_response,
    beta,
    beta_stream,
    truncated,
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_form(form: Callable[[Anthropic], Tokens], anthropic_client: Anthropic, provider: Provider) -> None:
    reported = form(anthropic_client)
    [call] = provider.ledger.calls()
    assert (call.provider, call.model, call.operation) == ("anthropic", "claude-haiku-4-5", "chat")
    assert call.ending is Ending.COMPLETE
    assert call.tokens == reported


@pytest.mark.parametrize("streamed", [False, True])
def test_a_marked_prompt_is_read_from_or_written_to_the_cache(
    streamed: bool, anthropic_client: Anthropic, provider: Provider
) -> None:
    system: Any = [
        {"type": "text", "text": "Refunds within thirty days. " * 300, "cache_control": {"type": "ephemeral"}}
    ]
    for _ in range(12):
        if streamed:
            with anthropic_client.messages.stream(**ASK, system=system) as stream:
                usage = stream.get_final_message().usage
        else:
            usage = anthropic_client.messages.create(**ASK, system=system).usage
        assert provider.ledger.calls()[-1].tokens == tokens(usage)
    totals = provider.ledger.totals()
    assert totals.cache_read_tokens
    assert totals.cache_write_tokens


async def test_async_create(async_anthropic_client: AsyncAnthropic, provider: Provider) -> None:
    answer = await async_anthropic_client.messages.create(**ASK)
    assert [call.tokens for call in provider.ledger.calls()] == [tokens(answer.usage)]


async def test_async_stream(async_anthropic_client: AsyncAnthropic, provider: Provider) -> None:
    async with async_anthropic_client.messages.stream(**ASK) as stream:
        answer = await stream.get_final_message()
    assert [call.tokens for call in provider.ledger.calls()] == [tokens(answer.usage)]
