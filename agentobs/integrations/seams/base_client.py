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
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple

from ... import guard
from ...catalogue.values import StreamEnding
from ...context import CALL
from ...records.calls import INCOMPLETE_STREAM, SUCCESS, CallEnding, CallRequest, CallResult
from ...records.fallbacks import Retry
from ..apis.messages import input_content, result_messages
from ..deferred import WAITING, drain
from ..errors import cause_of_retry, ending_of
from ..observer import Observer, OpenCall, State
from ..patching import Patch
from ..reading import json_object, sse_events, text
from .servers import Servers
from .streams import Body, Watch, watch_response, watch_stream

_MAX_CACHED = 500
_PARSED_BYTES = 4 * 1024 * 1024


Rule = tuple[str, Callable[[Any], Any]]
"""Field of `CallRequest.parameters`, and what makes its value of the body's; `None` means that it is left out."""


@dataclass(frozen=True, slots=True)
class Route:
    """One path of a provider's API that is a model call."""

    operation: str
    rules: Mapping[str, Rule]
    """By the key of the request body."""
    read: Callable[[Reading, Any], None]
    """Reads a complete answer, as a result object or as parsed JSON."""
    read_chunks: Callable[[Reading, list[Any]], bool]
    """Reads the first and last chunks of a stream; `True` where the provider said that it was complete."""
    constants: Mapping[str, Any]
    """Fields of `CallRequest.parameters` that the path itself decides."""


class Reading:
    """An answer that is being read.

    Attributes:
        request: what was asked.
        route: how the answer is read.
        result: what came back so far.
        ending: how the call ended, if the answer itself has an ending of its own.
        response: the HTTP response behind the answer, between its arrival and the end of the client's own call.
    """

    __slots__ = ("ending", "request", "response", "result", "route")

    def __init__(self, request: CallRequest, route: Route) -> None:
        self.request = request
        self.route = route
        self.result = CallResult()
        self.ending: CallEnding | None = None
        self.response: Any = None


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

    def __init__(self, library: str, observer: Observer, route_of: Callable[[str, str, str], Route | None]) -> None:
        self._library = library
        self._observer = observer
        self._servers = Servers(library)
        self._route_of = route_of
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
        if call is not None and type(call.owner) is Reading:
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
            request = self._asked(state, client, route, options, bool(kwargs.get("stream")))
            return self._observer.open_call(request, owner=Reading(request, route))
        except Exception as error:  # noqa: BLE001
            guard.failed("call.open", error)
            return None

    def _route(self, options: Any) -> Route | None:
        key = (options.method, options.url)
        try:
            return self._routes[key]
        except KeyError:
            route = self._route_of(options.method.lower(), options.url.partition("?")[0], self._library)
            if len(self._routes) >= _MAX_CACHED:
                self._routes.clear()
            self._routes[key] = route
            return route

    def _asked(self, state: State, client: Any, route: Route, options: Any, stream: bool) -> CallRequest:
        server = self._servers.of(client, state.provider_hosts)
        body = options.json_data
        if not isinstance(body, dict):
            body = {}
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
            stream or body.get("stream") is True,
            parameters,
        )
        if state.capture != "none":
            request.content = lambda: input_content(body, details=state.capture == "full")
        if route.operation == "fetch_response":
            parameters["response_id"] = options.url.partition("?")[0].rsplit("/", 1)[-1]
        return request

    # --- closing ---
    def _failed(self, call: OpenCall, error: BaseException) -> None:
        reading: Reading = call.owner
        try:
            response, reading.response = reading.response, None
            ending = ending_of(error)
            if response is not None:
                # A billed answer that the library refuses after reading it (`LengthFinishReasonError`).
                reading.route.read(reading, json_object(_read_body(response)))
            reading.ending = ending
        except Exception as fault:  # noqa: BLE001
            guard.failed("call.failed", fault)
            reading.ending = ending_of(error)
        self._observer.end_call(call, reading.result, reading.ending)

    def _answered(self, call: OpenCall, result: Any) -> None:
        reading: Reading = call.owner
        try:
            if self._read(call, reading, result):
                return
        except Exception as error:  # noqa: BLE001
            guard.failed("call.read", error)
        self._observer.end_call(call, reading.result, reading.ending or SUCCESS)

    def _read(self, call: OpenCall, reading: Reading, result: Any) -> bool:
        """Read the answer; `True` where it is still to come and somebody watches it."""
        # A stream may live long, and its state must keep neither the response nor the program's context alive.
        response, reading.response, call.outer_context = reading.response, None, None
        kind = self._kinds.get(type(result))
        if kind is None:
            if len(self._kinds) >= _MAX_CACHED:
                self._kinds.clear()
            kind = self._kinds[type(result)] = _kind(result)
        if kind.stream:
            watch_stream(result, self._typed_watch(call))
            return True
        if kind.raw or kind.http:
            response = result.http_response if kind.raw else result
            if not response.is_closed:
                streamed = bool(getattr(result, "_is_sse_stream", call.request.stream))
                watch_response(response, *self._raw_watch(call, streamed))
                return True
            result = json_object(_read_body(response))
        reading.route.read(reading, result)
        if call.request.content is not None:
            _capture(reading, result)
        return False

    def _typed_watch(self, call: OpenCall) -> Watch:
        def finish(
            call: OpenCall, chunks: list[Any], left: StreamEnding | None, error: BaseException | None, ended_s: float
        ) -> None:
            reading: Reading = call.owner
            complete = False
            try:
                complete = reading.route.read_chunks(reading, chunks)
                if call.request.content is not None:
                    _capture(reading, chunks)
            except Exception as fault:  # noqa: BLE001
                guard.failed("stream.read", fault)
            self._observer.end_call(call, reading.result, _stream_ending(reading, complete, left, error), ended_s)

        return Watch(call, finish, call.request.content is not None)

    def _raw_watch(self, call: OpenCall, streamed: bool) -> tuple[Watch, Body]:
        body = Body()

        def read(call: OpenCall, reading: Reading, left: StreamEnding | None) -> bool:
            if not body.whole:
                return left is None
            if streamed:
                events = list(sse_events(body.read()))
                if call.request.content is not None:
                    _capture(reading, events)
                return reading.route.read_chunks(reading, events)
            parsed = json_object(body.read())
            if parsed is not None:
                reading.route.read(reading, parsed)
            if call.request.content is not None:
                _capture(reading, parsed)
            call.chunks = 0
            return parsed is not None or left is None

        def finish(
            call: OpenCall, _: list[Any], left: StreamEnding | None, error: BaseException | None, ended_s: float
        ) -> None:
            reading: Reading = call.owner
            complete = False
            try:
                complete = read(call, reading, left)
            except Exception as fault:  # noqa: BLE001
                guard.failed("stream.read", fault)
            self._observer.end_call(call, reading.result, _stream_ending(reading, complete, left, error), ended_s)

        return Watch(call, finish, False), body


def _capture(reading: Reading, output: Any) -> None:
    reading.result.messages = lambda: result_messages(output)


def _read_body(response: Any) -> bytes | None:
    """The body of a response that was read; `None` where it was not, or is too large to be parsed a second time."""
    body = getattr(response, "_content", None)
    return body if isinstance(body, bytes) and len(body) <= _PARSED_BYTES else None


def _stream_ending(
    reading: Reading, complete: bool, left: StreamEnding | None, error: BaseException | None
) -> CallEnding:
    """How a stream ended: by an exception, by what it says itself, whole, left by the program, or without its end."""
    if error is not None:
        return ending_of(error)
    if reading.ending is not None:
        return reading.ending
    if complete:
        return SUCCESS
    return INCOMPLETE_STREAM if left is None else CallEnding("abandoned", left)
