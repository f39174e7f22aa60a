"""Who serves the model is told from the client's class and its base URL, never from the library alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest

import agentobs
from agentobs import testing
from tests.support.clients import wire
from tests.support.clients.makers import bedrock_client, foundry_client, openai_client, vertex_client
from tests.support.loopback import Loopback

CHATTED, ANSWERED = wire.answer(wire.chat()), wire.answer(wire.message())
OPENAI_URLS = {
    "http://api.openai.com/v1": "openai",
    "http://eu.api.openai.com/v1": "openai",
    "http://API.OpenAI.com/v1": "openai",
    "http://mine.openai.azure.com/openai/v1": "azure.ai.openai",
    "http://mine.openai.azure.us/openai/v1": "azure.ai.openai",
    "http://mine.services.ai.azure.com/openai/v1": "azure.ai.openai",
    "http://mine.cognitiveservices.azure.com/openai/v1": "azure.ai.openai",
    "http://api.deepseek.com": "deepseek",
    "http://api.x.ai/v1": "x_ai",
    "http://api.groq.com/openai/v1": "groq",
    "http://api.mistral.ai/v1": "mistral_ai",
    "http://api.perplexity.ai": "perplexity",
    "http://api.cohere.ai/compatibility/v1": "cohere",
    "http://api.moonshot.ai/v1": "moonshot_ai",
    "http://generativelanguage.googleapis.com/v1beta/openai": "gcp.gemini",
    "http://europe-west1-aiplatform.googleapis.com/v1": "gcp.vertex_ai",
    "http://bedrock-runtime.eu-central-1.amazonaws.com/openai/v1": "aws.bedrock",
    "http://bedrock-mantle.eu-central-1.api.aws/openai/v1": "aws.bedrock",
    "http://openrouter.ai/api/v1": "openrouter",
    "http://api.together.xyz/v1": "together",
    "http://api.fireworks.ai/inference/v1": "fireworks",
    "http://router.huggingface.co/v1": "huggingface",
    "http://api.cerebras.ai/v1": "cerebras",
    "http://localhost:11434/v1": "ollama",
    "http://llm.intern.example/v1": "llm.intern.example",
    "http://api.openai.com.evil.example/v1": "api.openai.com.evil.example",
    "http://notapi.openai.com.example/v1": "notapi.openai.com.example",
}
ANTHROPIC_URLS = {
    "http://api.anthropic.com": "anthropic",
    "http://api.deepseek.com/anthropic": "deepseek",
    "http://api.moonshot.ai/anthropic": "moonshot_ai",
    "http://gateway.example/anthropic": "gateway.example",
}


def provider_of(seen: testing.Captured) -> Any:
    """What the one span and the counter of calls say, which must be the same."""
    (span,) = seen.spans
    provider = span.attributes["gen_ai.provider.name"]
    assert seen.value("agentobs.calls", gen_ai_provider_name=provider) == 1
    return provider


@pytest.fixture
def ask(loopback: Loopback) -> Callable[..., testing.Captured]:
    """Asks the provider at a URL; the scripted server is the HTTP proxy, so no request leaves the machine."""

    def ask(url: str, **options: Any) -> testing.Captured:
        loopback.play(CHATTED)
        http = openai.DefaultHttpxClient(proxy=loopback.url, verify=False)
        with (
            testing.capture() as seen,
            openai.OpenAI(base_url=url, api_key="none", http_client=http, **options) as client,
        ):
            client.chat.completions.create(**wire.CHAT)
        return seen

    return ask


@pytest.mark.parametrize("url", OPENAI_URLS)
def test_told_from_the_base_url_of_openai(ask: Callable[..., testing.Captured], loopback: Loopback, url: str) -> None:
    seen = ask(url)
    assert provider_of(seen) == OPENAI_URLS[url]
    (span,) = seen.spans
    host, _, port = url.lower().partition("://")[2].partition("/")[0].partition(":")
    assert span.attributes["server.address"] == host
    assert span.attributes["server.port"] == int(port or 80)
    assert loopback.requests[0].path.lower().startswith(url.lower())


@pytest.mark.parametrize("url", ANTHROPIC_URLS)
def test_told_from_the_base_url_of_anthropic(loopback: Loopback, url: str) -> None:
    loopback.play(ANSWERED)
    http = anthropic.DefaultHttpxClient(proxy=loopback.url, verify=False)
    with testing.capture() as seen, anthropic.Anthropic(base_url=url, api_key="none", http_client=http) as client:
        client.messages.create(**wire.MESSAGE)
    assert provider_of(seen) == ANTHROPIC_URLS[url]


def test_a_proxy_on_this_machine_speaks_for_the_clients_own_provider(loopback: Loopback) -> None:
    loopback.play(CHATTED)
    with testing.capture() as seen, openai_client(loopback.url) as client:
        client.chat.completions.create(**wire.CHAT)
    assert provider_of(seen) == "openai"
    assert seen.spans[0].attributes["server.port"] == loopback.port


@pytest.mark.parametrize(
    ("make", "provider"),
    [(bedrock_client, "aws.bedrock"), (vertex_client, "gcp.vertex_ai"), (foundry_client, "azure.ai.inference")],
    ids=["bedrock", "vertex", "foundry"],
)
def test_told_from_the_class_of_anthropic(loopback: Loopback, make: Any, provider: str) -> None:
    loopback.play(ANSWERED)
    with testing.capture() as seen, make(loopback.url) as client:
        client.messages.create(**wire.MESSAGE)
    assert provider_of(seen) == provider


def test_told_from_the_class_of_openai(loopback: Loopback) -> None:
    loopback.play(CHATTED)
    http = openai.DefaultHttpxClient(proxy=loopback.url, verify=False)
    options = {"api_version": "2024-10-21", "api_key": "none", "http_client": http}
    with testing.capture() as seen, openai.AzureOpenAI(azure_endpoint="http://gateway.example", **options) as client:
        client.chat.completions.create(**wire.CHAT)
    assert provider_of(seen) == "azure.ai.openai"
    assert seen.spans[0].attributes["azure.resource_provider.namespace"] == "Microsoft.CognitiveServices"


def test_a_copy_with_another_base_url_is_another_provider(loopback: Loopback) -> None:
    http = openai.DefaultHttpxClient(proxy=loopback.url, verify=False)
    loopback.play(*[CHATTED] * 3)
    with (
        testing.capture() as seen,
        openai.OpenAI(base_url="http://api.openai.com/v1", api_key="none", http_client=http) as client,
    ):
        client.chat.completions.create(**wire.CHAT)
        client.with_options(base_url="http://api.deepseek.com").chat.completions.create(**wire.CHAT)
        client.base_url = "http://api.groq.com/openai/v1"
        client.chat.completions.create(**wire.CHAT)
    assert [span.attributes["gen_ai.provider.name"] for span in seen.spans] == ["openai", "deepseek", "groq"]


def test_the_price_file_names_own_hosts(ask: Callable[..., testing.Captured], tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('[providers]\n"llm.intern.example" = "openai"\n"api.deepseek.com" = "gateway"\n', encoding="utf-8")
    with agentobs.instrument(prices=path, metrics="off"):
        assert provider_of(ask("http://llm.intern.example/v1")) == "openai"
        assert provider_of(ask("http://api.deepseek.com")) == "gateway"
    assert provider_of(ask("http://llm.intern.example/v1")) == "llm.intern.example"


def cost_of(loopback: Loopback, client: Any, model: str, answered: str) -> Any:
    loopback.play(wire.answer(wire.message(model=answered, usage={"input_tokens": 1_000_000, "output_tokens": 0})))
    with testing.capture() as seen:
        client.messages.create(**wire.MESSAGE | {"model": model})
    return seen.spans[0].attributes.get("agentobs.cost.usd")


_SONNET = "anthropic.claude-sonnet-4-5-20250929-v1:0"
_ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile"


# The price list of Bedrock: 3 USD through the global profile, a tenth more in one region or geography.
@pytest.mark.parametrize(
    ("model", "usd"),
    [
        (_SONNET, 3.3),
        (f"global.{_SONNET}", 3.0),
        (f"us.{_SONNET}", 3.3),
        (f"eu.{_SONNET}", 3.3),
        (f"{_ARN}/global.{_SONNET}", 3.0),
        (f"{_ARN}/eu.{_SONNET}", 3.3),
    ],
)
@pytest.mark.parametrize("answered", ["claude-sonnet-4-5-20250929", "anthropic.claude-sonnet-4-5-20250929-v1:0"])
def test_bedrock_is_priced_by_the_profile_that_was_asked_for(
    loopback: Loopback, model: str, usd: float, answered: str
) -> None:
    with bedrock_client(loopback.url) as client:
        assert cost_of(loopback, client, model, answered) == pytest.approx(usd)


def test_foundry_is_priced(loopback: Loopback) -> None:
    with foundry_client(loopback.url) as client:
        assert cost_of(loopback, client, "claude-haiku-4-5", "claude-haiku-4-5") == pytest.approx(1.0)


_PLATFORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "AnthropicAWS": ("aws.anthropic", {"aws_region": "us-east-1", "workspace_id": "w", "api_key": "none"}),
    "AnthropicGoogleCloud": ("gcp.anthropic", {"project": "p", "workspace_id": "w", "skip_auth": True}),
}


@pytest.mark.parametrize("name", _PLATFORMS)
def test_anthropics_own_platform_has_the_name_of_the_cloud(loopback: Loopback, name: str) -> None:
    provider, options = _PLATFORMS[name]
    loopback.play(wire.answer(wire.message(model="claude-haiku-4-5")))
    http = anthropic.DefaultHttpxClient(verify=False)
    with (
        testing.capture() as seen,
        getattr(anthropic, name)(base_url=loopback.url, http_client=http, **options) as client,
    ):
        client.messages.create(**wire.MESSAGE)
    assert provider_of(seen) == provider
    assert seen.spans[0].attributes["agentobs.cost.usd"] > 0
