"""Amazon Bedrock through botocore and boto3: Converse and InvokeModel, whole and streamed, told of by botocore's events.

Nothing is patched: handlers are registered for the events of the service `bedrock-runtime`, by an initializer in every
session that is made from now on, and in the sessions and clients that are there already. Read in botocore 1.44.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from ... import guard
from ...records.calls import CallEnding, CallRequest
from ..apis.converse import Conversation, input_content, parameters
from ..apis.invoke_model import Invocation
from ..errors import cause_of_retry, failure, left_by
from ..observer import Observer, State
from ..patching import Installed
from ..reading import fields, pick, text, whole
from ..seams.answers import Asked
from ..seams.events import EventCalls, watch_events

_SERVICE = "bedrock-runtime"
_CONVERSE = frozenset({"Converse", "ConverseStream"})
_STREAMED = {"ConverseStream": "stream", "InvokeModelWithResponseStream": "body"}
_OPERATIONS = _CONVERSE | {"InvokeModel", "InvokeModelWithResponseStream"}
# Errors in the middle of a stream have no status; these are the statuses that the API's reference gives them.
_STATUSES = {
    "throttlingException": 429,
    "serviceUnavailableException": 503,
    "internalServerException": 500,
    "modelStreamErrorException": 500,
    "modelTimeoutException": 408,
    "validationException": 400,
}


class Botocore:
    """The handlers of botocore's events."""

    def __init__(self, observer: Observer, module: ModuleType) -> None:
        self._module = module
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()
        self._calls = EventCalls(observer, lambda parsed: parsed, _ending)
        self._handlers: list[tuple[str, Callable[..., None]]] = [
            (f"before-parameter-build.{_SERVICE}", self._asked),
            (f"before-call.{_SERVICE}", self._begin),
            (f"request-created.{_SERVICE}", self._attempt),
            (f"needs-retry.{_SERVICE}", self._attempted),
            (f"after-call.{_SERVICE}", self._answered),
            (f"after-call-error.{_SERVICE}", self._failed),
        ]
        self.places = [event for event, _ in self._handlers]

    # --- registration ---
    def register(self, session_or_client: Any) -> None:
        """Listen to the events of a session, and so of its later clients, or of one client."""
        self._known.add(session_or_client)
        for emitter in _emitters(session_or_client):
            for event, handler in self._handlers:
                emitter.register(event, handler, unique_id=f"agentobs-{event}")

    def unregister(self) -> None:
        """Stop listening, everywhere."""
        self._module.botocore.unregister_initializer(self.register)
        for thing in [*self._known, *_living(self._module)]:
            for emitter in _emitters(thing):
                for event, handler in self._handlers:
                    emitter.unregister(event, handler, unique_id=f"agentobs-{event}")

    def start(self) -> None:
        """Listen, everywhere."""
        self._module.botocore.register_initializer(self.register)
        for thing in _living(self._module):
            self.register(thing)

    # --- handlers: botocore lets their exceptions through to the program, and takes what they return for an answer ---
    def _asked(self, params: Any, model: Any, context: Any, **_: Any) -> None:
        if model.name in _OPERATIONS and context is not None:
            self._calls.asked(context, (model.name, params))

    def _begin(self, params: Any, context: Any, **_: Any) -> None:
        self._calls.begin(context, lambda state, asked: _request(state, asked[0], asked[1], params.get("url")))

    def _attempt(self, request: Any, **_: Any) -> None:
        self._calls.attempt(request.context)

    def _attempted(self, response: Any, caught_exception: Any, request_dict: Any, **_: Any) -> None:
        try:
            self._calls.attempted(
                request_dict["context"], cause_of_retry(None if response is None else response[0], caught_exception)
            )
        except Exception as error:  # noqa: BLE001
            guard.failed("call.retry", error)

    def _answered(self, http_response: Any, parsed: Any, model: Any, context: Any, **_: Any) -> None:
        call = self._calls.over(context)
        if call is None:
            return
        try:
            if http_response.status_code >= 300:
                self._calls.failed(call, self._module.botocore.exceptions.ClientError(parsed, model.name))
                return
            stream = parsed.get(_STREAMED.get(model.name))
            if stream is not None:
                watch_events(stream, self._calls, call)
                return
            if model.name == "InvokeModel":
                call.owner.answer.headers(fields(pick(parsed.get("ResponseMetadata"), "HTTPHeaders")))
        except Exception as error:  # noqa: BLE001
            guard.failed("call.read", error)
        self._calls.answered(call, parsed)

    def _failed(self, exception: Any, context: Any, **_: Any) -> None:
        call = self._calls.over(context)
        if call is not None:
            self._calls.failed(call, exception)


def _emitters(session_or_client: Any) -> Iterable[Any]:
    meta = getattr(session_or_client, "meta", None)
    emitter = getattr(session_or_client, "_events", None) if meta is None else getattr(meta, "events", None)
    return () if emitter is None else (emitter,)


def _living(module: ModuleType) -> list[Any]:
    """The sessions and clients that there are, but for those that the program has put away by `gc.freeze()`."""
    classes = [module.Session, module.botocore.client.BaseClient]
    for cls in classes:
        classes.extend(cls.__subclasses__())
    return [thing for thing in gc.get_referrers(*classes) if type(thing) in classes]


def _request(state: State, operation: str, asked: Any, url: Any) -> Asked:
    given = fields(asked)
    parts = urlsplit(text(url) or "")
    converse = operation in _CONVERSE
    model = _model(text(given.get("modelId")))
    request = CallRequest(
        "chat" if converse else _kind(model or ""),
        "aws.bedrock",
        model,
        parts.hostname,
        parts.port or {"https": 443, "http": 80}.get(parts.scheme),
        operation in _STREAMED,
        parameters(given) if converse else {},
    )
    capture = state.capture
    if capture != "none" and converse:
        kept = dict(given)
        kept["messages"] = list(given.get("messages") or ())
        request.content = lambda: input_content(kept, details=capture == "full")
    return Asked(request, Conversation(capture != "none") if converse else Invocation())


def _model(model_id: str | None) -> str | None:
    """The model's or profile's id, without the account and region of an ARN."""
    return model_id.rpartition("/")[2] if model_id is not None and model_id.startswith("arn:") else model_id


def _kind(model: str) -> str:
    """What an invocation does, which its route does not tell."""
    return "embeddings" if "embed" in model else "text_completion" if "titan-text" in model else "chat"


def _ending(error: BaseException) -> CallEnding:
    left = left_by(error)
    if left is not None:
        return left
    response: Mapping[str, Any] = fields(getattr(error, "response", None))
    code = text(pick(response.get("Error"), "Code"))
    status = whole(pick(response.get("ResponseMetadata"), "HTTPStatusCode"))
    if code in _STATUSES:
        status = _STATUSES[code]
    return failure(error, status, (code,), pick(response.get("Error"), "Message"))


def install(module: ModuleType, observer: Observer) -> Installed:
    """Listen to the events of `botocore.session`."""
    listener = Botocore(observer, module)
    listener.start()
    installed = Installed(undo=listener.unregister)
    installed.places = listener.places
    return installed
