"""Real clients that talk to the loopback server. Certificates are not loaded, which takes a tenth of a second a client."""

from __future__ import annotations

from typing import Any

import anthropic
import openai

_KEY = "none"


def _openai_http(asynchronous: bool) -> Any:
    return openai.DefaultAsyncHttpxClient(verify=False) if asynchronous else openai.DefaultHttpxClient(verify=False)


def _anthropic_http(asynchronous: bool) -> Any:
    kind = anthropic.DefaultAsyncHttpxClient if asynchronous else anthropic.DefaultHttpxClient
    return kind(verify=False)


def openai_client(url: str, asynchronous: bool = False, **options: Any) -> Any:
    """An OpenAI client."""
    kind = openai.AsyncOpenAI if asynchronous else openai.OpenAI
    return kind(base_url=f"{url}/v1", api_key=_KEY, http_client=_openai_http(asynchronous), **options)


def azure_client(url: str, asynchronous: bool = False, **options: Any) -> Any:
    """An Azure OpenAI client; the model's name becomes the deployment in the path."""
    kind = openai.AsyncAzureOpenAI if asynchronous else openai.AzureOpenAI
    return kind(
        azure_endpoint=url,
        api_key=_KEY,
        api_version="2024-10-21",
        http_client=_openai_http(asynchronous),
        **options,
    )


def anthropic_client(url: str, asynchronous: bool = False, **options: Any) -> Any:
    """An Anthropic client."""
    kind = anthropic.AsyncAnthropic if asynchronous else anthropic.Anthropic
    return kind(base_url=url, api_key=_KEY, http_client=_anthropic_http(asynchronous), **options)


def bedrock_client(url: str, asynchronous: bool = False, **options: Any) -> Any:
    """Anthropic's client for Amazon Bedrock."""
    kind = anthropic.AsyncAnthropicBedrock if asynchronous else anthropic.AnthropicBedrock
    http = _anthropic_http(asynchronous)
    return kind(base_url=url, api_key=_KEY, aws_region="eu-central-1", http_client=http, **options)


def vertex_client(url: str, asynchronous: bool = False, **options: Any) -> Any:
    """Anthropic's client for Google's Vertex AI."""
    kind = anthropic.AsyncAnthropicVertex if asynchronous else anthropic.AnthropicVertex
    http = _anthropic_http(asynchronous)
    return kind(base_url=url, region="global", project_id="project", access_token=_KEY, http_client=http, **options)


def foundry_client(url: str, asynchronous: bool = False, **options: Any) -> Any:
    """Anthropic's client for Azure AI Foundry."""
    kind = anthropic.AsyncAnthropicFoundry if asynchronous else anthropic.AnthropicFoundry
    return kind(base_url=url, api_key=_KEY, http_client=_anthropic_http(asynchronous), **options)
