"""What google-genai sends and gets: its model routes and errors.

Below models, chats, embeddings and automatic function calling, synchronous or not, the client makes every request through
`BaseApiClient.request`, `request_streamed` and their asynchronous twins; `_request_once` is one attempt of it. Read in
google-genai 2.34 and 3.6.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from ...records.calls import CallEnding, CallRequest
from ..apis.generate_content import Embedded, GeneratedContent, input_content, parameters
from ..errors import class_of, failure, left_by
from ..observer import Observer, State
from ..patching import Installed, Patch
from ..reading import fields, items, json_object, pick, text, whole
from ..seams.answers import Asked
from ..seams.generators import Generators
from ..seams.servers import Server

_LARGEST_BYTES = 16 * 1024 * 1024
"""An answer that is larger, which only pictures and sounds can make it, is not parsed a second time."""
_ACTIONS = {
    "generateContent": "generate_content",
    "streamGenerateContent": "generate_content",
    "embedContent": "embeddings",
    "batchEmbedContents": "embeddings",
}


def _parsed(response: Any) -> Any:
    body = getattr(response, "body", None)
    return json_object(body.encode()) if isinstance(body, str) and len(body) <= _LARGEST_BYTES else None


class GoogleGenai:
    """The patches of google-genai."""

    def __init__(self, observer: Observer) -> None:
        self._seam = Generators(observer, self._ask, _parsed, _ending, _cause)

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """The patches for the `google.genai._api_client` module."""
        owner = module.BaseApiClient
        yield Patch.wrap(owner, "request", self._seam.whole)
        yield Patch.wrap(owner, "async_request", self._seam.whole_async)
        yield Patch.wrap(owner, "request_streamed", self._seam.stream)
        yield Patch.wrap(owner, "async_request_streamed", self._seam.stream_async)
        yield Patch.wrap(owner, "_request_once", self._seam.attempt)
        yield Patch.wrap(owner, "_async_request_once", self._seam.attempt_async)

    def _ask(self, state: State, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Asked | None:
        given = dict(zip(("http_method", "path", "request_dict", "http_options"), args, strict=False)) | kwargs
        path = given["path"].partition("?")[0]
        name, _, action = path.rpartition(":")
        model = name.rpartition("/")[2] or None
        operation = _ACTIONS.get(action) or _predicts(action, model or "")
        if operation is None or given["http_method"].lower() != "post":
            return None
        body = fields(given["request_dict"])
        server = _server(client, state.provider_hosts)
        request = CallRequest(
            operation,
            server.provider,
            model,
            server.address,
            server.port,
            action == "streamGenerateContent",
            {} if operation == "embeddings" else parameters(body),
        )
        capture = state.capture
        if capture != "none":
            request.content = lambda: input_content(body, details=capture == "full")
        return Asked(request, Embedded() if operation == "embeddings" else GeneratedContent(capture != "none"))


@functools.lru_cache(maxsize=100)
def _address(url: str) -> tuple[str | None, int | None]:
    parts = urlsplit(url)
    return parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _server(client: Any, hosts: Mapping[str, str]) -> Server:
    host, port = _address(str(client._http_options.base_url or ""))
    return Server(hosts.get(host or "", "gcp.vertex_ai" if client.vertexai else "gcp.gemini"), host, port)


def _predicts(action: str, model: str) -> str | None:
    """Vertex AI has one route for all of its other models: those that embed, and those that draw."""
    if action != "predict":
        return None
    return "embeddings" if "embedding" in model else "generate_content" if model.startswith("imagen") else None


def _ending(error: BaseException) -> CallEnding:
    """How a call ended that raised this: Google's status (`RESOURCE_EXHAUSTED`) says more than its HTTP status."""
    left = left_by(error)
    if left is not None:
        return left
    details = getattr(error, "details", None)
    reported = fields(pick(details, "error")) or fields(details)
    reasons = [text(pick(entry, "reason")) for entry in items(reported.get("details"))]
    codes = (getattr(error, "status", None), *reasons[:1])
    return failure(error, _status(error), codes, getattr(error, "message", None))


def _status(error: BaseException) -> int | None:
    return whole(getattr(error, "code", None))


def _cause(error: BaseException) -> str:
    status = _status(error)
    if status is not None:
        return str(status)
    return "timeout" if class_of(None, (), error, "") == "timeout" else "connection"


def install(module: ModuleType, observer: Observer) -> Installed:
    """Patch the client of `google.genai`."""
    return Installed(GoogleGenai(observer).patches(module._api_client))
