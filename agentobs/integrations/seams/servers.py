"""Who serves the model: told from the client's class and from the host of its base URL, never from the library alone."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

ProviderOf = Callable[[Any], "str | None"]
"""The provider of a client as far as its class says, `None` where its host decides."""


class Server(NamedTuple):
    """Where a client's requests go."""

    provider: str
    address: str | None
    port: int | None


# Well-known names of the GenAI conventions first, then hosts that have none and go by a name of their own.
_BY_HOST = {
    "api.openai.com": "openai",
    "openai.azure.com": "azure.ai.openai",
    "openai.azure.us": "azure.ai.openai",
    "openai.azure.cn": "azure.ai.openai",
    "cognitiveservices.azure.com": "azure.ai.openai",
    "cognitiveservices.azure.us": "azure.ai.openai",
    "services.ai.azure.com": "azure.ai.openai",
    "api.anthropic.com": "anthropic",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x_ai",
    "api.groq.com": "groq",
    "api.mistral.ai": "mistral_ai",
    "api.perplexity.ai": "perplexity",
    "api.cohere.com": "cohere",
    "api.cohere.ai": "cohere",
    "api.moonshot.ai": "moonshot_ai",
    "api.moonshot.cn": "moonshot_ai",
    "generativelanguage.googleapis.com": "gcp.gemini",
    "aiplatform.googleapis.com": "gcp.vertex_ai",
    "aiplatform.us.rep.googleapis.com": "gcp.vertex_ai",
    "aiplatform.eu.rep.googleapis.com": "gcp.vertex_ai",
    "openrouter.ai": "openrouter",
    "api.together.xyz": "together",
    "api.together.ai": "together",
    "api.fireworks.ai": "fireworks",
    "router.huggingface.co": "huggingface",
    "api.cerebras.ai": "cerebras",
    "api.z.ai": "zai",
    "api.voyageai.com": "voyage",
}
_OLLAMA_PORT = 11434
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def provider_of_host(host: str, port: int | None, known: Mapping[str, str]) -> str:
    """The provider behind a host name; an unknown host stands for itself.

    `known` are the user's own hosts (of the price file), which win.
    """
    host = host.lower()
    if host in known:
        return known[host]
    if host in _LOOPBACK and port == _OLLAMA_PORT:
        return "ollama"
    parts = host.split(".")
    for start in range(len(parts) - 1):
        suffix = ".".join(parts[start:])
        if suffix in _BY_HOST:
            return _BY_HOST[suffix]
    if "bedrock" in host and host.endswith((".amazonaws.com", ".api.aws")):
        return "aws.bedrock"
    if host.endswith("-aiplatform.googleapis.com"):
        return "gcp.vertex_ai"
    return host


class Servers:
    """The servers of the clients seen so far, worked out once for each client and base URL."""

    def __init__(self, default: str, provider_of: ProviderOf) -> None:
        self._default = default
        self._provider_of = provider_of
        self._known: weakref.WeakKeyDictionary[Any, tuple[Any, Server]] = weakref.WeakKeyDictionary()
        self._hosts: Mapping[str, str] = {}

    def of(self, client: Any, hosts: Mapping[str, str]) -> Server:
        """Where `client` sends its requests; `hosts` are the user's own with the provider behind each."""
        if hosts is not self._hosts:
            self._known.clear()
            self._hosts = hosts
        url = client._base_url
        known = self._known.get(client)
        if known is not None and known[0] is url:
            return known[1]
        host = getattr(url, "host", None) or None
        port = getattr(url, "port", None) or {"https": 443, "http": 80}.get(getattr(url, "scheme", ""))
        provider = self._provider_of(client)
        if provider is None:
            provider = provider_of_host(host, port, hosts) if host else self._default
            if host in _LOOPBACK and provider == host:
                # A proxy or a test server on this machine speaks for the client's own provider.
                provider = self._default
        server = Server(provider, host, port)
        self._known[client] = (url, server)
        return server
