"""Every call form of the real OpenAI client works against the provider, and the ledger agrees with the results."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI
from pydantic import BaseModel

from agentobs.demo.ledger import Ending
from agentobs.demo.provider import Provider
from agentobs.demo.tariff import Tokens

MODEL = "gpt-5.4-mini"
SAID: Any = [{"role": "user", "content": "Where is my order 4711?"}]
SCHEMA = {"type": "object", "properties": {"order_id": {"type": "string"}}, "required": ["order_id"]}
CHAT_TOOLS: Any = [{"type": "function", "function": {"name": "lookup_order", "parameters": SCHEMA}}]
RESPONSE_TOOLS: Any = [{"type": "function", "name": "lookup_order", "parameters": SCHEMA, "strict": False}]
WITH_USAGE: Any = {"include_usage": True}


class Verdict(BaseModel):
    action: str
    confidence: float


def chat_tokens(usage: Any) -> Tokens:
    read, reasoning = usage.prompt_tokens_details.cached_tokens, usage.completion_tokens_details.reasoning_tokens
    return Tokens(usage.prompt_tokens, usage.completion_tokens, read, None, reasoning)


def response_tokens(usage: Any) -> Tokens:
    details = usage.input_tokens_details
    reasoning = usage.output_tokens_details.reasoning_tokens
    return Tokens(usage.input_tokens, usage.output_tokens, details.cached_tokens, details.cache_write_tokens, reasoning)


def chat_create(client: OpenAI) -> Tokens:
    answer = client.chat.completions.create(model=MODEL, messages=SAID)
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.content
    return chat_tokens(answer.usage)


def chat_tool_call(client: OpenAI) -> Tokens:
    answer = client.chat.completions.create(model=MODEL, messages=SAID, tools=CHAT_TOOLS)
    [call] = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"order_id": "4711"}
    return chat_tokens(answer.usage)


def chat_after_tool_result(client: OpenAI) -> Tokens:
    call = {"id": "call_1", "type": "function", "function": {"name": "lookup_order", "arguments": "{}"}}
    turns = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "call_1", "content": "sent"}]
    answer = client.chat.completions.create(model=MODEL, messages=SAID + turns, tools=CHAT_TOOLS)
    assert answer.choices[0].message.content
    return chat_tokens(answer.usage)


def chat_stream(client: OpenAI) -> Tokens:
    with client.chat.completions.create(model=MODEL, messages=SAID, stream=True, stream_options=WITH_USAGE) as stream:
        chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    return chat_tokens(chunks[-1].usage)


def chat_stream_without_usage(client: OpenAI) -> Tokens:
    with client.chat.completions.create(model=MODEL, messages=SAID, stream=True) as stream:
        assert all(chunk.usage is None for chunk in stream)
    return Tokens()


def chat_stream_tool_call(client: OpenAI) -> Tokens:
    with client.chat.completions.stream(
        model=MODEL, messages=SAID, tools=CHAT_TOOLS, stream_options=WITH_USAGE
    ) as stream:
        answer = stream.get_final_completion()
    [call] = answer.choices[0].message.tool_calls or []
    assert call.function.arguments == '{"order_id": "4711"}'
    return chat_tokens(answer.usage)


def chat_parse(client: OpenAI) -> Tokens:
    answer = client.chat.completions.parse(model=MODEL, messages=SAID, response_format=Verdict)
    verdict = answer.choices[0].message.parsed
    assert verdict is not None
    assert 0 <= verdict.confidence <= 1
    return chat_tokens(answer.usage)


def chat_raw(client: OpenAI) -> Tokens:
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=SAID)
    assert raw.headers["x-request-id"]
    return chat_tokens(raw.parse().usage)


def chat_streaming_response(client: OpenAI) -> Tokens:
    with client.chat.completions.with_streaming_response.create(model=MODEL, messages=SAID) as response:
        return chat_tokens(response.parse().usage)


def responses_create(client: OpenAI) -> Tokens:
    answer = client.responses.create(model=MODEL, input="Hello")
    assert answer.output_text
    assert answer.status == "completed"
    return response_tokens(answer.usage)


def responses_tool_call(client: OpenAI) -> Tokens:
    answer = client.responses.create(model=MODEL, input=SAID, tools=RESPONSE_TOOLS)
    [call] = [item for item in answer.output if item.type == "function_call"]
    assert json.loads(call.arguments) == {"order_id": "4711"}
    return response_tokens(answer.usage)


def responses_stream(client: OpenAI) -> Tokens:
    with client.responses.create(model=MODEL, input="Hello", stream=True) as stream:
        events = list(stream)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    assert events[-1].type == "response.completed"
    return response_tokens(events[-1].response.usage)


def responses_stream_tool_call(client: OpenAI) -> Tokens:
    with client.responses.stream(model=MODEL, input=SAID, tools=RESPONSE_TOOLS) as stream:
        answer = stream.get_final_response()
    [call] = [item for item in answer.output if item.type == "function_call"]
    assert call.arguments == '{"order_id": "4711"}'
    return response_tokens(answer.usage)


def responses_helper_stream(client: OpenAI) -> Tokens:
    with client.responses.stream(model=MODEL, input="Hello", text_format=Verdict) as stream:
        answer = stream.get_final_response()
    assert answer.output_parsed is not None
    return response_tokens(answer.usage)


def responses_parse(client: OpenAI) -> Tokens:
    answer = client.responses.parse(model=MODEL, input="Hello", text_format=Verdict)
    assert answer.output_parsed is not None
    return response_tokens(answer.usage)


def responses_truncated(client: OpenAI) -> Tokens:
    answer = client.responses.create(model=MODEL, input="Hello", max_output_tokens=1)
    assert answer.status == "incomplete"
    return response_tokens(answer.usage)


FORMS = [
    chat_create,
    chat_tool_call,
    chat_after_tool_result,
    chat_stream,
    chat_stream_without_usage,
    chat_stream_tool_call,
    chat_parse,
    chat_raw,
    chat_streaming_response,
    responses_create,
    responses_tool_call,
    responses_stream,
    responses_stream_tool_call,
    responses_helper_stream,
    responses_parse,
    responses_truncated,
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_form(form: Callable[[OpenAI], Tokens], openai_client: OpenAI, provider: Provider) -> None:
    reported = form(openai_client)
    [call] = provider.ledger.calls()
    assert (call.provider, call.model, call.operation) == ("openai", MODEL, "chat")
    assert call.ending is Ending.COMPLETE
    assert call.tokens == reported


@pytest.mark.parametrize("encoding", ["float", "base64", None])
def test_embeddings(encoding: Any, openai_client: OpenAI, provider: Provider) -> None:
    options = {"encoding_format": encoding} if encoding else {}
    answer = openai_client.embeddings.create(model="text-embedding-3-small", input=["one", "two"], **options)
    assert len(answer.data) == 2
    [call] = provider.ledger.calls()
    assert call.operation == "embeddings"
    assert call.tokens == Tokens(input=answer.usage.prompt_tokens)


def test_embeddings_are_the_same_numbers_in_both_encodings(openai_client: OpenAI) -> None:
    ask: Any = {"model": "text-embedding-3-small", "input": "one"}
    as_numbers = openai_client.embeddings.create(**ask, encoding_format="float").data[0].embedding
    decoded = openai_client.embeddings.create(**ask).data[0].embedding
    assert decoded == pytest.approx(as_numbers, abs=1e-6)


def test_a_long_prompt_is_partly_read_from_the_cache(openai_client: OpenAI, provider: Provider) -> None:
    long: Any = [{"role": "system", "content": "Refunds within thirty days. " * 300}, *SAID]
    read = []
    for _ in range(8):
        answer = openai_client.chat.completions.create(model=MODEL, messages=long)
        assert answer.usage is not None
        assert answer.usage.prompt_tokens_details is not None
        read.append(answer.usage.prompt_tokens_details.cached_tokens or 0)
        assert read[-1] < answer.usage.prompt_tokens
    assert any(read)
    assert provider.ledger.totals().cache_read_tokens == sum(read)


def test_azure_path(provider: Provider) -> None:
    with AzureOpenAI(
        azure_endpoint=provider.base_url, azure_deployment="gpt-4.1-mini", api_version="2024-10-21", api_key="none"
    ) as client:
        answer = client.chat.completions.create(model="gpt-4.1-mini", messages=SAID)
    assert answer.model == "gpt-4.1-mini-2025-04-14"
    assert [call.provider for call in provider.ledger.calls()] == ["azure.ai.openai"]


async def test_async_chat(async_openai_client: AsyncOpenAI, provider: Provider) -> None:
    answer = await async_openai_client.chat.completions.create(model=MODEL, messages=SAID)
    assert [call.tokens for call in provider.ledger.calls()] == [chat_tokens(answer.usage)]


async def test_async_chat_stream(async_openai_client: AsyncOpenAI, provider: Provider) -> None:
    async with async_openai_client.chat.completions.stream(
        model=MODEL, messages=SAID, stream_options=WITH_USAGE
    ) as stream:
        answer = await stream.get_final_completion()
    assert [call.tokens for call in provider.ledger.calls()] == [chat_tokens(answer.usage)]


async def test_async_responses_stream(async_openai_client: AsyncOpenAI, provider: Provider) -> None:
    async with async_openai_client.responses.stream(model=MODEL, input="Hello") as stream:
        answer = await stream.get_final_response()
    assert [call.tokens for call in provider.ledger.calls()] == [response_tokens(answer.usage)]


async def test_async_embeddings(async_openai_client: AsyncOpenAI, provider: Provider) -> None:
    answer = await async_openai_client.embeddings.create(model="text-embedding-3-small", input="one")
    assert provider.ledger.totals().input_tokens == answer.usage.prompt_tokens
