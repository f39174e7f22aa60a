"""Recorded exchanges, replayed through the real openai and anthropic clients: what is seen equals what was reported."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import openai
import pytest

from agentobs import testing
from tests.support.corpus import answer_of, exchange_of, number, rows
from tests.support.loopback import Loopback

PROVIDERS = {"openai": "openai", "azure": "azure.ai.openai", "anthropic": "anthropic"}


def client_of(row: dict[str, str], url: str, path: str) -> Any:
    if row["provider"] == "anthropic":
        return anthropic.Anthropic(api_key="k", base_url=url, max_retries=0)
    if row["provider"] == "azure":
        return openai.AzureOpenAI(api_key="k", azure_endpoint=url, api_version="2024-10-21", max_retries=0)
    return openai.OpenAI(api_key="k", base_url=url + path.partition("/v1")[0] + "/v1", max_retries=0)


def replay(row: dict[str, str], exchange: dict[str, Any], url: str) -> None:
    """Make the recorded request with the real client, and read a stream to its end."""
    path = exchange["request"]["path"]
    client = client_of(row, url, path)
    body = exchange["request"]["body"]
    body = json.loads(body) if isinstance(body, str) and body.lstrip().startswith("{") else body
    form = row["call_form"].removesuffix(".stream")
    if form == "transcriptions":
        client.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=("a.wav", b"RIFF"))
        return
    if not isinstance(body, dict):
        body = {"model": row["request_model"], "prompt": "a picture"}
    if row["provider"] == "azure" and "/deployments/" in path:
        body.setdefault("model", path.partition("/deployments/")[2].partition("/")[0])
    routes = {
        "chat": "/chat/completions",
        "responses": "/responses",
        "completions": "/completions",
        "embeddings": "/embeddings",
        "images": "/images/generations",
        "anthropic.messages": "/v1/messages",
    }
    # `post` takes any recorded body, whereas the typed methods know only the parameters of their own release.
    stream = row["call_form"].endswith(".stream")
    kinds = _kinds(form)
    result = client.post(
        routes[form], body=body, cast_to=kinds[0], stream=stream, stream_cls=kinds[1] if stream else None
    )
    if stream:
        for _ in result:
            pass


def _kinds(form: str) -> tuple[Any, Any]:
    if form == "anthropic.messages":
        from anthropic import Stream as AnthropicStream
        from anthropic.types import Message, RawMessageStreamEvent

        return Message, AnthropicStream[RawMessageStreamEvent]
    from openai.types import Completion, CreateEmbeddingResponse, ImagesResponse
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from openai.types.responses import Response, ResponseStreamEvent

    return {
        "chat": (ChatCompletion, openai.Stream[ChatCompletionChunk]),
        "responses": (Response, openai.Stream[ResponseStreamEvent]),
        "completions": (Completion, openai.Stream[Completion]),
        "embeddings": (CreateEmbeddingResponse, None),
        "images": (ImagesResponse, None),
    }[form]


def expected_input(row: dict[str, str]) -> int | None:
    """The index has the provider's own fields; anthropic's input leaves cached tokens out, the conventions do not."""
    count = number(row["input_tokens"])
    if count is None or row["provider"] != "anthropic":
        return count
    return count + (number(row["cached_input_tokens"]) or 0) + (number(row["cache_write_tokens"]) or 0)


@pytest.mark.parametrize("row", rows(lambda row: row["provider"] in PROVIDERS, ", ".join(PROVIDERS)))
def test_what_is_seen_is_what_the_provider_reported(row: dict[str, str], loopback: Loopback) -> None:
    exchange = exchange_of(row)
    loopback.play(answer_of(exchange))
    failed = int(row["status"]) >= 400
    with testing.capture() as seen:
        if failed:
            with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)):
                replay(row, exchange, loopback.url)
        else:
            replay(row, exchange, loopback.url)
    (span,) = seen.spans
    said = span.attributes
    assert said["gen_ai.provider.name"] == PROVIDERS[row["provider"]]
    if failed:
        assert span.status == "ERROR"
        assert said["error.type"] == row["error_type"]
        return
    assert span.status == "UNSET"
    assert said.get("gen_ai.usage.input_tokens") == expected_input(row)
    assert said.get("gen_ai.usage.output_tokens") == number(row["output_tokens"])
    if row["cached_input_tokens"]:
        assert said.get("gen_ai.usage.cache_read.input_tokens") == number(row["cached_input_tokens"])
    if row["reasoning_tokens"]:
        assert said.get("gen_ai.usage.reasoning.output_tokens") == number(row["reasoning_tokens"])
    assert said.get("gen_ai.response.model") == (row["response_model"] or None)
    # The index joins a status and its reason with a colon; the reason is the finish reason.
    finish = [reason.rpartition(":")[2] for reason in row["finish_reasons"].split("|") if reason]
    assert list(said.get("gen_ai.response.finish_reasons", ())) == finish
    if row["response_id"]:
        assert said["gen_ai.response.id"] == row["response_id"]
