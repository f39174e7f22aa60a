"""What is the openai client's own: its routes, who serves it, and what its streams need to carry usage.

Source: openai 2.54 and 3.57. The shapes of bodies and answers stand in `apis/`, for others speak them too.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from ... import guard
from ..apis import parameters
from ..apis.answer import Answer
from ..apis.chat_completions import ChatCompletion
from ..apis.embeddings import Embeddings
from ..apis.media import Media
from ..apis.openai_content import input_content
from ..apis.responses import CompactedResponse, Decision, Response, StoredResponse
from ..observer import Observer
from ..patching import Installed
from ..reading import pick
from ..seams.base_client import BaseClient, Route

_RUNTIMES = {"bedrock": "aws.bedrock", "vertex": "gcp.vertex_ai"}


# --- routes -----------------------------------------------------------------------------------------------------------
def _media(output_type: str) -> Route:
    return Route("generate_content", {}, Media, None, {"output_type": output_type})


_FETCH = Route("fetch_response", {}, StoredResponse, path_id=True)
_POST = {
    "/chat/completions": Route(
        "chat", parameters.CHAT_COMPLETIONS, ChatCompletion, input_content, {"api_type": "chat_completions"}
    ),
    "/responses": Route("chat", parameters.RESPONSES, Response, input_content, {"api_type": "responses"}),
    "/responses/compact": Route(
        "chat", parameters.RESPONSES, CompactedResponse, input_content, {"api_type": "responses"}
    ),
    "/completions": Route("text_completion", parameters.COMPLETIONS, ChatCompletion, input_content),
    "/decisions": Route("generate_content", {}, Decision, input_content),
    "/embeddings": Route("embeddings", parameters.EMBEDDINGS, Embeddings),
    "/images/generations": _media("image"),
    "/images/edits": _media("image"),
    "/images/variations": _media("image"),
    "/audio/speech": _media("speech"),
    "/audio/transcriptions": _media("text"),
    "/audio/translations": _media("text"),
    "/videos": _media("video"),
    "/videos/edits": _media("video"),
    "/videos/extensions": _media("video"),
}
_ENDINGS = sorted(_POST, key=len, reverse=True)

NOT_OBSERVED: Mapping[str, str] = {
    "/assistants": "the Assistants API is deprecated in favour of the Responses API",
    "/threads": "the Assistants API is deprecated in favour of the Responses API; its runs report usage when polled",
    "/agents": "agents that the provider runs report usage for a session, not for a call",
    "/batches": "a batch is answered within a day; its results are no calls of the program",
    "get /chat/completions": "a stored completion was counted when it was made",
    "/chat/completions/{completion_id}": "a stored completion was counted when it was made",
    "/chatkit": "sessions of ChatKit run between the browser and the provider",
    "/conversations": "items of conversations were counted with the response that made them",
    "/evals": "runs of evaluations report usage for the run",
    "/fine_tuning": "training is priced by the job",
    "/live": "sessions over WebSocket or WebRTC",
    "/moderations": "moderation is free of charge and reports no usage",
    "/organization": "administration; its reports of usage are about calls, and are none",
    "/realtime": "sessions over WebSocket or WebRTC",
    "/responses/{response_id}/input_items": "items of a response were counted with it",
    "/responses/input_tokens": "counts tokens and runs no model",
    "/vector_stores": "searches of vector stores report no usage",
}
"""Paths that run a model or report usage and are no calls here, by how they begin, each with the reason.

An entry with an HTTP method before its path is for that one only. The reference of libraries is made from it.
"""


def route_of(method: str, path: str) -> Route | None:
    """The route of a request, `None` for one that asks no model (`/models`, `/files`, `/batches`, ...).

    Absolute URLs and deployment paths count too: what matters is how the path ends.
    """
    parent, _, last = path.rpartition("/")
    if method == "post":
        for ending in _ENDINGS:
            if path.endswith(ending):
                return _POST[ending]
        if last == "remix" and parent.rpartition("/")[0].endswith("/videos"):
            return _POST["/videos"]
        return _FETCH if last == "cancel" and parent.rpartition("/")[0].endswith("/responses") else None
    return _FETCH if method == "get" and parent.endswith("/responses") and last else None


# --- servers ----------------------------------------------------------------------------------------------------------
def provider_of(client: Any) -> str | None:
    """Who serves a client as far as its class and its `provider=` say; `None` where its host decides."""
    if any(base.__name__ == "BaseAzureClient" for base in type(client).__mro__):
        return "azure.ai.openai"
    runtime = getattr(getattr(client, "_provider_runtime", None), "name", None)
    return _RUNTIMES.get(runtime) if isinstance(runtime, str) else None


# --- streams without usage --------------------------------------------------------------------------------------------
_told: weakref.WeakSet[Any] = weakref.WeakSet()


def _streaming(client: Any, body: Mapping[str, Any], answer: Answer) -> None:
    """A stream of completions brings usage only to those who ask for it."""
    if isinstance(answer, ChatCompletion) and pick(body.get("stream_options"), "include_usage") is not True:
        answer.no_usage = _NoUsage(client, answer.request.provider)


class _NoUsage:
    """Tells once for each client that its streams bring no usage, and what helps."""

    __slots__ = ("_asking", "_provider")

    def __init__(self, client: Any, provider: str) -> None:
        self._asking = weakref.ref(client)
        self._provider = provider

    def __call__(self) -> None:
        client = self._asking()
        if client is None or client in _told:
            return
        _told.add(client)
        guard.log.warning(
            "agentobs: streams of %s bring no usage unless the request asks for it, so they have no tokens and no cost "
            'and are counted as unpriced; pass stream_options={"include_usage": True}',
            self._provider,
        )


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch the base clients of `openai._base_client`."""
    return Installed(BaseClient("openai", observer, route_of, provider_of, _streaming).patches(module))
