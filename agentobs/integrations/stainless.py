"""The one low patch for clients of the Stainless generator: openai and anthropic share these private seams.

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
from typing import Any, NamedTuple, Protocol

from .. import guard
from ..context import CALL
from ..record import Call
from .errors import cause_of_retry, describe
from .patching import Patch, Wrapper
from .reading import json_object, sse_events, text
from .servers import Servers
from .streams import Body, Watch, drain, watch_response, watch_stream
from .streams import _deferred as deferred

_HELD = 500
_PARSED_BYTES = 4 * 1024 * 1024


class Calls(Protocol):
    """What an integration needs of the emitter."""

    captures: bool

    def begin(self, call: Call) -> None: ...
    def enter(self, call: Call) -> Any: ...
    def leave(self, token: Any) -> None: ...
    def retry(self, call: Call, status: str) -> None: ...
    def end(self, call: Call) -> None: ...
    def suppressed(self) -> bool: ...
    def adopt(self, tracer: Any, call: Call, given: Any) -> Any: ...


class Hooks:
    """Where the wrappers find the emitter in force; `None` makes them pass everything through."""

    def __init__(self) -> None:
        self.calls: Calls | None = None


Rule = tuple[str, Callable[[Any], Any]]
"""Field of `Call.request`, and what makes its value of the body's; `None` means that it is left out."""


@dataclass(frozen=True, slots=True)
class Route:
    """One path of a provider's API that is a model call."""

    operation: str
    rules: Mapping[str, Rule]
    """By the key of the request body."""
    read: Callable[[Call, Any], None]
    """Reads a complete answer, as a result object or as parsed JSON."""
    read_chunks: Callable[[Call, list[Any]], bool]
    """Reads the first and last chunks of a stream; `True` where the provider said that it was complete."""
    constants: Mapping[str, Any]
    """Fields of `Call.request` that the path itself decides."""


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


class Client:
    """The patches of one client library."""

    def __init__(
        self,
        name: str,
        hooks: Hooks,
        servers: Servers,
        route_of: Callable[[str, str, str], Route | None],
    ) -> None:
        self.name = name
        self._hooks = hooks
        self._servers = servers
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
        calls = self._hooks.calls
        call = self._open(calls, client, args, kwargs) if calls is not None else None
        if calls is None or call is None:
            return wrapped(*args, **kwargs)
        tokens = _enter(calls, call)
        try:
            result = wrapped(*args, **kwargs)
        except BaseException as error:
            _leave(calls, tokens)
            self._failed(calls, call, error)
            raise
        _leave(calls, tokens)
        self._answered(calls, call, result)
        return result

    async def _request_async(self, wrapped: Any, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        calls = self._hooks.calls
        call = self._open(calls, client, args, kwargs) if calls is not None else None
        if calls is None or call is None:
            return await wrapped(*args, **kwargs)
        tokens = _enter(calls, call)
        try:
            result = await wrapped(*args, **kwargs)
        except BaseException as error:
            _leave(calls, tokens)
            self._failed(calls, call, error)
            raise
        _leave(calls, tokens)
        self._answered(calls, call, result)
        return result

    def _process_response(self, wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        # Plain for synchronous and asynchronous clients: it only notes the response and hands on what it is given.
        call = CALL.get()
        if call is not None:
            call.http_response = kwargs.get("response")
        return wrapped(*args, **kwargs)

    def _sleep_for_retry(self, wrapped: Any, _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call, calls = CALL.get(), self._hooks.calls
        if call is not None and calls is not None:
            try:
                calls.retry(call, cause_of_retry(kwargs.get("response"), sys.exception()))
            except Exception as error:  # noqa: BLE001
                guard.failed("call.retry", error)
        return wrapped(*args, **kwargs)

    # --- opening ---
    def _open(self, calls: Calls | None, client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call | None:
        try:
            if deferred:
                drain()
            options = kwargs["options"] if "options" in kwargs else args[1]
            route = self._route(options)
            if route is None or calls is None or calls.suppressed():
                return None
            return self._call(calls, client, route, options, bool(kwargs.get("stream")))
        except Exception as error:  # noqa: BLE001
            guard.failed("call.open", error)
            return None

    def _route(self, options: Any) -> Route | None:
        key = (options.method, options.url)
        try:
            return self._routes[key]
        except KeyError:
            route = self._route_of(options.method.lower(), options.url.partition("?")[0], self.name)
            if len(self._routes) >= _HELD:
                self._routes.clear()
            self._routes[key] = route
            return route

    def _call(self, calls: Calls, client: Any, route: Route, options: Any, stream: bool) -> Call:
        server = self._servers.of(client)
        body = options.json_data
        if not isinstance(body, dict):
            body = {}
        request = dict(route.constants)
        rules = route.rules
        for key in body.keys() & rules.keys():
            field, convert = rules[key]
            value = convert(body[key])
            if value is not None:
                request[field] = value
        call = Call(
            route.operation,
            server.provider,
            text(body.get("model")),
            server.address,
            server.port,
            stream or body.get("stream") is True,
            request,
        )
        if calls.captures:
            call.content = body
        if route.operation == "fetch_response":
            request["response_id"] = options.url.partition("?")[0].rsplit("/", 1)[-1]
        call.route = route
        return call

    # --- closing ---
    def _failed(self, calls: Calls, call: Call, error: BaseException) -> None:
        try:
            response, call.http_response = call.http_response, None
            describe(call, error)
            if response is not None:
                # A billed answer that the library refuses after reading it (`LengthFinishReasonError`).
                call.route.read(call, json_object(_read_body(response)))
        except Exception as fault:  # noqa: BLE001
            guard.failed("call.failed", fault)
        _end(calls, call)

    def _answered(self, calls: Calls, call: Call, result: Any) -> None:
        try:
            if self._read(calls, call, result):
                return
        except Exception as error:  # noqa: BLE001
            guard.failed("call.read", error)
            call.outcome = call.outcome or "success"
        _end(calls, call)

    def _read(self, calls: Calls, call: Call, result: Any) -> bool:
        """Read the answer; `True` where it is still to come and somebody watches it."""
        # A stream may live long, and its state must keep neither the response nor the program's context alive.
        response, call.http_response, call.outer_context = call.http_response, None, None
        kind = self._kinds.get(type(result))
        if kind is None:
            if len(self._kinds) >= _HELD:
                self._kinds.clear()
            kind = self._kinds[type(result)] = _kind(result)
        if kind.stream:
            watch_stream(result, _typed_watch(calls, call))
            return True
        if kind.raw or kind.http:
            response = result.http_response if kind.raw else result
            if not response.is_closed:
                watch_response(response, *_raw_watch(calls, call, bool(getattr(result, "_is_sse_stream", call.stream))))
                return True
            result = json_object(_read_body(response))
        call.outcome = "success"
        call.route.read(call, result)
        if calls.captures:
            call.output = result
        return False


def _end(calls: Calls, call: Call) -> None:
    try:
        calls.end(call)
    except Exception as error:  # noqa: BLE001
        guard.failed("call.end", error)


def _enter(calls: Calls, call: Call) -> tuple[Any, Any]:
    token = CALL.set(call)
    try:
        try:
            calls.begin(call)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.begin", error)
        try:
            return token, calls.enter(call)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.enter", error)
            return token, None
    except BaseException as interruption:
        # Ctrl-C in the middle of our own work: it is the program's, and the call must not stay under way.
        CALL.reset(token)
        if call.started_s:
            describe(call, interruption)
            _end(calls, call)
        raise


def _leave(calls: Calls, tokens: tuple[Any, Any]) -> None:
    try:
        if tokens[1] is not None:
            calls.leave(tokens[1])
    except Exception as error:  # noqa: BLE001
        guard.failed("call.leave", error)
    try:  # noqa: SIM105  a call of `suppress` costs more than all else here
        CALL.reset(tokens[0])
    except (ValueError, RuntimeError):
        # A coroutine that was driven on in another context than it began in: the variable was never set in this one.
        pass


def _read_body(response: Any) -> bytes | None:
    """The body of a response that was read; `None` where it was not, or is too large to be parsed a second time."""
    body = getattr(response, "_content", None)
    return body if isinstance(body, bytes) and len(body) <= _PARSED_BYTES else None


def _conclude(call: Call, complete: bool) -> None:
    """Set the outcome of a stream that ended without an exception."""
    if call.outcome:
        return
    if complete:
        call.outcome, call.ending = "success", None
    elif call.ending is not None:
        call.outcome = "abandoned"
    else:
        # The connection was closed in good order, but the provider never said that the answer was whole.
        call.outcome, call.error_type, call.error_class = "error", "incomplete_stream", "incomplete_stream"


def _typed_watch(calls: Calls, call: Call) -> Watch:
    route: Route = call.route

    def finish(call: Call, chunks: list[Any]) -> None:
        complete = route.read_chunks(call, chunks)
        _conclude(call, complete)
        if calls.captures:
            call.output = chunks

    def fail(call: Call, error: BaseException, chunks: list[Any]) -> None:
        describe(call, error)
        route.read_chunks(call, chunks)
        if calls.captures:
            call.output = chunks

    return Watch(call, finish, fail, calls.end, calls.captures)


def _raw_watch(calls: Calls, call: Call, streamed: bool) -> tuple[Watch, Body]:
    route: Route = call.route
    body = Body()

    def read() -> bool:
        if not body.whole:
            return call.ending is None
        if not streamed:
            parsed = json_object(body.read())
            if parsed is not None:
                route.read(call, parsed)
            if calls.captures:
                call.output = parsed
            call.chunks = 0
            return parsed is not None or call.ending is None
        events = list(sse_events(body.read()))
        if calls.captures:
            call.output = events
        return route.read_chunks(call, events)

    def finish(call: Call, _: list[Any]) -> None:
        _conclude(call, read())

    def fail(call: Call, error: BaseException, _: list[Any]) -> None:
        describe(call, error)
        read()

    return Watch(call, finish, fail, calls.end, False), body


__all__ = ["Calls", "Client", "Hooks", "Patch", "Route", "Rule", "Wrapper", "drain"]
