"""Clients of one generator (Stainless): openai and anthropic share these private seams of their base client.

`request` of the base clients is the call as the program sees it, retries inside; `_process_response` shows the HTTP
response behind whatever form the program asked for; `_sleep_for_retry` is every hidden retry. Each seam is optional: if a
release renames one, the call is still measured by what is left, and the report of `instrument()` says so.

The order in a wrapper is always the same: open the call (guarded), make the program's call alone in its `try`, close the
call (guarded), hand on the very value or exception. No value of the program passes through a guarded function.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

from ... import guard
from ...catalogue.values import StreamEnding
from ...context import CALL
from ...records.calls import INCOMPLETE_STREAM, SUCCESS, CallEnding, CallRequest
from ...records.fallbacks import Retry
from ...records.messages import InputContent
from ..apis.answer import Answer
from ..apis.parameters import Rule
from ..deferred import WAITING, drain
from ..errors import INVALID_OUTPUT, cause_of_retry, ending_of, refused
from ..observer import Observer, OpenCall, State
from ..patching import Patch
from ..reading import ServerSentEvents, json_object, text
from .responses import watch_response
from .servers import ProviderOf, Servers
from .streams import watch_stream
from .watch import Watch

_MAX_CACHED = 500
_PARSED_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Route:
    """One path of a provider's API that is a model call."""

    operation: str
    rules: Mapping[str, Rule]
    """By the key of the request body."""
    answer: type[Answer]
    """Reads what comes back."""
    content: Callable[[Any, bool], InputContent] | None = None
    """Reads what is sent, where that is captured: of the body, and whether in all detail."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `CallRequest.parameters` that the path itself decides."""
    path_id: bool = False
    """Whether the path names the response that is asked for."""


class _Kind(NamedTuple):
    """What a result is, worked out once for each class."""

    stream: bool
    raw: bool
    http: bool


def _kind(result: Any) -> _Kind:
    names = {base.__name__ for base in type(result).__mro__}
    raw = bool(names & {"LegacyAPIResponse", "BaseAPIResponse"})
    http = not raw and hasattr(result, "iter_bytes") and hasattr(result, "status_code") and hasattr(result, "is_closed")
    stream = not raw and not http and "response" in getattr(result, "__dict__", ()) and hasattr(result, "_iterator")
    return _Kind(stream, raw, http)


class BaseClient:
    """The patches of one client library."""

    def __init__(
        self,
        library: str,
        observer: Observer,
        route_of: Callable[[str, str], Route | None],
        provider_of: ProviderOf,
        streaming: Callable[[Any, Mapping[str, Any], Answer], None] | None = None,
    ) -> None:
        """Prepare to patch `library`.

        Args:
            library: its name, which is also the provider that its clients ask by default.
            observer: where calls are told of.
            route_of: what a request is, by its method and path; `None` for one that asks no model.
            provider_of: who serves a client, as far as its class says.
            streaming: is told of each stream that is asked for: its client, the request's body, and what will read it.
        """
        self._library = library
        self._observer = observer
        self._servers = Servers(library, provider_of)
        self._route_of = route_of
        self._streaming = streaming
        self._routes: dict[tuple[str, str], Route | None] = {}
        self._kinds: dict[type, _Kind] = {}

    def patches(self, module: ModuleType) -> Iterable[Patch]:
        """The patches for the library's `_base_client` module, in the order in which they are applied."""
        for base, request in (("SyncAPIClient", self._request), ("AsyncAPIClient", self._request_async)):
            owner = getattr(module, base, None)
            if owner is not None:
                yield Patch.wrap(owner, "request", request)
                yield Patch.wrap(owner, "_process_response", self._process_response)
                yield Patch.wrap(owner, "_sleep_for_retry", self._sleep_for_retry)

    # --- wrappers ---
    def _request(self, wrapped: Any, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = self._open(client, args, kwargs)
        if call is None:
            return wrapped(*args, **kwargs)
        entered = self._observer.enter(call)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            self._observer.leave(entered)
            self._failed(call, error)
            raise
        self._observer.leave(entered)
        self._answered(call, result)
        return result

    async def _request_async(self, wrapped: Any, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = self._open(client, args, kwargs)
        if call is None:
            return await wrapped(*args, **kwargs)
        entered = self._observer.enter(call)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            self._observer.leave(entered)
            self._failed(call, error)
            raise
        self._observer.leave(entered)
        self._answered(call, result)
        return result

    def _process_response(self, wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # Plain for synchronous and asynchronous clients: it only notes the response and hands on what it is given.
        call = CALL.get()
        if call is not None and isinstance(call.owner, Answer):
            call.owner.response = kwargs.get("response")
        return wrapped(*args, **kwargs)

    def _sleep_for_retry(self, wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call = self._observer.current_call()
        if call is not None:
            try:
                retry = Retry(cause_of_retry(kwargs.get("response"), sys.exception()))
                self._observer.attempt_failed(call, retry)
            except Exception as error:  # noqa: BLE001
                guard.failed("call.retry", error)
        return wrapped(*args, **kwargs)

    # --- opening ---
    def _open(self, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> OpenCall | None:
        try:
            if WAITING:
                drain()
            state = self._observer.ready()
            if state is None:
                return None
            options = kwargs["options"] if "options" in kwargs else args[1]
            route = self._route(options)
            if route is None:
                return None
            body = _body(options)
            request = self._asked(state, client, route, options, body)
            request.stream = bool(kwargs.get("stream")) or body.get("stream") is True
            answer = route.answer(request, request.content is not None)
            if request.stream and self._streaming is not None:
                self._streaming(client, body, answer)
            return self._observer.open_call(request, owner=answer)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.open", error)
            return None

    def _route(self, options: Any) -> Route | None:
        key = (options.method, options.url)
        try:
            return self._routes[key]
        except KeyError:
            route = self._route_of(options.method.lower(), options.url.partition("?")[0])
            if len(self._routes) >= _MAX_CACHED:
                self._routes.clear()
            self._routes[key] = route
            return route

    def _asked(self, state: State, client: Any, route: Route, options: Any, body: Mapping[str, Any]) -> CallRequest:
        server = self._servers.of(client, state.provider_hosts)
        parameters = dict(route.constants)
        rules = route.rules
        for key in body.keys() & rules.keys():
            field, convert = rules[key]
            value = convert(body[key])
            if value is not None:
                parameters[field] = value
        request = CallRequest(
            route.operation,
            server.provider,
            text(body.get("model")),
            server.address,
            server.port,
            parameters=parameters,
        )
        content = route.content
        if state.capture != "none" and content is not None:
            request.content = lambda: content(body, state.capture == "full")
        if route.path_id:
            parameters["response_id"] = options.url.partition("/responses/")[2].partition("?")[0].partition("/")[0]
        return request

    # --- closing ---
    def _failed(self, call: OpenCall, error: BaseException) -> None:
        answer: Answer = call.owner
        ending = ending_of(error)
        try:
            response, answer.response = answer.response, None
            if response is not None:
                # A billed answer that the library refuses after reading it (`LengthFinishReasonError`), or none at all.
                sent = _read_body(response)
                body = json_object(sent)
                if sent and (body is None or not answer.take(body)) and ending.outcome == "error":
                    ending = refused(body, ending)
        except Exception as fault:  # noqa: BLE001
            guard.failed("call.failed", fault)
        self._observer.end_call(call, answer.result, ending)

    def _answered(self, call: OpenCall, result: Any) -> None:
        answer: Answer = call.owner
        try:
            if self._read(call, answer, result):
                return
        except Exception as error:  # noqa: BLE001
            guard.failed("call.read", error)
        self._observer.end_call(call, answer.result, answer.ending or SUCCESS)

    def _read(self, call: OpenCall, answer: Answer, result: Any) -> bool:
        """Read the answer; `True` where it is still to come and somebody watches it."""
        # A stream may live long, and its state must keep the program's context alive no longer than its request.
        call.outer_context = None
        kind = self._kinds.get(type(result))
        if kind is None:
            if len(self._kinds) >= _MAX_CACHED:
                self._kinds.clear()
            kind = self._kinds[type(result)] = _kind(result)
        try:
            if kind.stream:
                watch_stream(result, Watch(call, self._finish_stream, answer.add))
                return True
            if not kind.raw and not kind.http:
                if not answer.take(result):
                    self._reject(answer, result)
                return False
            response = answer.response = result.http_response if kind.raw else result
            if not response.is_closed:
                streamed = call.request.stream or bool(getattr(result, "_is_sse_stream", False))
                watch_response(response, Watch(call, self._finish_events if streamed else self._finish_body, None))
                return True
            body = _read_body(response)
            parsed = json_object(body)
            if body is not None and not answer.take(body if parsed is None else parsed):
                answer.reject(parsed)
            return False
        finally:
            answer.response = None

    def _reject(self, answer: Answer, result: Any) -> None:
        """The result has no field of the API's: look at what was sent, as the program may have its own class for it."""
        body = _read_body(answer.response)
        parsed = json_object(body)
        if parsed is None or not answer.take(parsed):
            answer.reject(parsed or result)

    def _finish_stream(
        self, watch: Watch, left: StreamEnding | None, error: BaseException | None, ended_s: float
    ) -> None:
        answer: Answer = watch.call.owner
        complete = False
        try:
            complete = answer.finish(watch.marked)
            if complete and answer.no_usage is not None and answer.result.usage is None:
                answer.no_usage()
            if not watch.chunks and watch.body is not None and left is None and error is None:
                # No event stream at all: an error, a page, or a whole answer of which the program got nothing.
                parsed = json_object(watch.body.read())
                if parsed is None or not answer.take(parsed):
                    answer.reject(parsed)
                answer.ending = answer.ending or INVALID_OUTPUT
        except Exception as fault:  # noqa: BLE001
            guard.failed("stream.read", fault)
        self._observer.end_call(watch.call, answer.result, _stream_ending(answer, complete, left, error), ended_s)

    def _finish_events(
        self, watch: Watch, left: StreamEnding | None, error: BaseException | None, ended_s: float
    ) -> None:
        answer: Answer = watch.call.owner
        body, complete = watch.body, False
        try:
            if body is None or not body.whole:
                complete = left is None
            else:
                sent = body.read()
                stream = ServerSentEvents(sent)
                answer.add(stream.events)
                complete = answer.finish(stream.marked)
                if not stream.events and not stream.marked and sent and left is None and error is None:
                    watch.call.chunks = 0
                    parsed = json_object(sent)
                    complete = parsed is not None and answer.take(parsed)
                    if not complete:
                        answer.reject(parsed)
        except Exception as fault:  # noqa: BLE001
            guard.failed("stream.read", fault)
        self._observer.end_call(watch.call, answer.result, _stream_ending(answer, complete, left, error), ended_s)

    def _finish_body(
        self, watch: Watch, left: StreamEnding | None, error: BaseException | None, ended_s: float
    ) -> None:
        answer: Answer = watch.call.owner
        body, complete = watch.body, False
        try:
            if body is None or not body.whole:
                complete = left is None
            else:
                sent = body.read()
                parsed = json_object(sent)
                complete = bool(sent) and answer.take(sent if parsed is None else parsed)
                if not complete and left is None and error is None:
                    answer.reject(parsed)
                watch.call.chunks = 0
        except Exception as fault:  # noqa: BLE001
            guard.failed("stream.read", fault)
        self._observer.end_call(watch.call, answer.result, _stream_ending(answer, complete, left, error), ended_s)


def _body(options: Any) -> Mapping[str, Any]:
    """The body as it is sent: what the program gives as `extra_body` wins over the fields of the method."""
    body, extra = options.json_data, options.extra_json
    if type(body) is not dict and not isinstance(body, Mapping):
        body = {}
    return body if extra is None else {**body, **extra}


def _read_body(response: Any) -> bytes | None:
    """The body of a response that was read; `None` where it was not, or is too large to be parsed a second time."""
    body = getattr(response, "_content", None)
    return body if isinstance(body, bytes) and len(body) <= _PARSED_BYTES else None


def _stream_ending(
    answer: Answer, complete: bool, left: StreamEnding | None, error: BaseException | None
) -> CallEnding:
    """How a stream ended: by an exception, by what it says itself, whole, left by the program, or without its end."""
    if error is not None:
        return ending_of(error)
    if answer.ending is not None:
        return answer.ending
    if complete:
        return SUCCESS
    return INCOMPLETE_STREAM if left is None else CallEnding("abandoned", left)
