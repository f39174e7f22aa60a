"""What is the anthropic client's own: its routes, who serves it, and its own tracer, which stands back for our span.

Source: anthropic 1.17 and 2.13. The shapes of bodies and answers stand in `apis/`, for others speak them too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from ..apis import parameters
from ..apis.anthropic_messages import AnthropicMessage, input_content
from ..observer import Observer
from ..patching import Installed, Patch
from ..seams.base_client import BaseClient, Route

_POST = {
    "/v1/messages": Route("chat", parameters.ANTHROPIC_MESSAGES, AnthropicMessage, input_content),
    "/v1/complete": Route("text_completion", parameters.ANTHROPIC_MESSAGES, AnthropicMessage, input_content),
}
NOT_OBSERVED: Mapping[str, str] = {
    "/v1/agents": "agents that the provider runs report usage for a session, not for a call",
    "/v1/deployments": "agents that the provider runs report usage for a session, not for a call",
    "/v1/dreams": "the provider runs them by itself and reports usage for the whole",
    "/v1/messages/batches": "a batch is answered within a day; its results are no calls of the program",
    "/v1/messages/count_tokens": "counts tokens and runs no model",
    "/v1/organizations": "administration; its reports of usage are about calls, and are none",
    "/v1/sessions": "agents that the provider runs report usage for a session, not for a call",
}
"""Paths that run a model or report usage and are no calls here, by how they begin, each with the reason."""
_BY_CLASS = {
    "BaseBedrockClient": "aws.bedrock",
    "BaseMantleClient": "aws.bedrock",
    "BaseVertexClient": "gcp.vertex_ai",
    "BaseFoundryClient": "azure.ai.inference",
    "AnthropicAWS": "aws.anthropic",
    "AsyncAnthropicAWS": "aws.anthropic",
    "BaseGoogleCloudClient": "gcp.anthropic",
}
"""Who serves a client, by a class of its; Anthropic's own platform on AWS and Google Cloud is not Bedrock or Vertex."""


def route_of(method: str, path: str) -> Route | None:
    """The route of a request, `None` for one that asks no model (`/v1/messages/count_tokens`, `/v1/models`, ...)."""
    if method != "post":
        return None
    for ending, route in _POST.items():
        if path.endswith(ending):
            return route
    return None


def provider_of(client: Any) -> str | None:
    """Who serves a client as far as its class says; `None` where its host decides."""
    for base in type(client).__mro__:
        if base.__name__ in _BY_CLASS:
            return _BY_CLASS[base.__name__]
    named = getattr(client, "_gen_ai_provider_name", None)
    return named if isinstance(named, str) and named != "anthropic" else None


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch `anthropic._base_client`; the client's own tracer stands back where our span is the call's."""
    patches = list(BaseClient("anthropic", observer, route_of, provider_of).patches(module))
    owner = getattr(module, "BaseClient", None)
    if owner is not None and isinstance(owner.__dict__.get("_tracer"), property):
        patches.append(Patch(owner, "_tracer", _adopting(observer)))
    return Installed(patches)


def _adopting(observer: Observer) -> Callable[[property], property]:
    def replaced(original: property) -> property:
        fget: Callable[[Any], Any] = original.fget  # type: ignore[assignment]

        def _tracer(client: Any) -> Any:
            tracer = fget(client)
            call = observer.current_call()
            if tracer is None or call is None:
                return tracer
            return call.adopt(tracer, (getattr(client, "_open_telemetry", None) or {}).get("tracer_provider"))

        return property(_tracer, doc=original.__doc__)

    return replaced
