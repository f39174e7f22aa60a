"""Everything that a program can notice of a model call, as plain data that can be compared."""

from __future__ import annotations

import asyncio
import gc
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.context import get_current
from pydantic import BaseModel

from tests.support.loopback import Loopback, Request

See = Callable[[str, Any], None]
"""Notes a value under a name, as it is at this moment."""

_PER_RUN = re.compile(rb"boundary=\S+|--[0-9a-f]{32}|Signature=[0-9a-f]{64}")
_PER_RUN_HEADERS = frozenset(
    {"date", "idempotency-key", "traceparent", "x-amz-date", "amz-sdk-invocation-id", "amz-sdk-request"}
)


@dataclass
class Observation:
    """One run of a scenario. The order of everything counts."""

    seen: list[tuple[str, Any, Any]] = field(default_factory=list)
    """What the scenario noted, each with the OpenTelemetry context in which the program stood."""
    raised: Any = None
    wire: list[Any] = field(default_factory=list)
    warned: list[str] = field(default_factory=list)
    unraisable: list[str] = field(default_factory=list)


def observe(loopback: Loopback, scenario: Callable[[See], Any]) -> Observation:
    """Run a scenario (a coroutine is run to its end) and note what there is to notice."""
    noticed = Observation()
    # What there is now is no garbage of this scenario: the collector need not look through it.
    gc.freeze()

    def see(name: str, value: Any) -> None:
        noticed.seen.append((name, plain(value), dict(get_current())))

    hook = sys.unraisablehook
    sys.unraisablehook = lambda hooked: noticed.unraisable.append(f"{hooked.exc_value!r} in {hooked.object!r}")
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                result = scenario(see)
                if asyncio.iscoroutine(result):
                    asyncio.run(result)
            except BaseException as error:
                noticed.raised = plain(error)
            del scenario
            gc.collect()
    finally:
        sys.unraisablehook = hook
    noticed.warned = sorted(f"{type(each.message).__name__}: {each.message}" for each in warned)
    noticed.wire = [_request(request) for request in loopback.requests]
    return noticed


def _request(request: Request) -> Any:
    headers = [
        (name, "*" if name.lower() in _PER_RUN_HEADERS else _PER_RUN.sub(b"*", value.encode()).decode())
        for name, value in request.headers
    ]
    return request.method, request.path, headers, _PER_RUN.sub(b"*", request.body), request.connection


def plain(value: Any) -> Any:  # noqa: PLR0911  one return for each kind of value
    """`value` as comparable data: what it is, what it says, and what state it is in."""
    if value is None or isinstance(value, (str, bytes, int, float, bool)):
        return value
    if isinstance(value, BaseException):
        return _exception(value)
    if isinstance(value, BaseModel):
        return (
            _kind(value),
            value.model_dump(warnings=False),
            sorted(value.model_fields_set),
            getattr(value, "_request_id", None),
        )
    if isinstance(value, Mapping):
        return {plain(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if hasattr(value, "is_stream_consumed"):
        return _response(value)
    response = getattr(value, "http_response", None) or getattr(value, "response", None)
    told = {
        name: plain(getattr(value, name, None)) for name in ("status_code", "request_id", "retries_taken", "is_closed")
    }
    return _kind(value), _public(value), told, plain(response)


def _kind(value: Any) -> Any:
    return type(value).__module__, type(value).__qualname__, [base.__qualname__ for base in type(value).__mro__]


def _public(value: Any) -> list[str]:
    return [name for name in dir(value) if not name.startswith("_")]


def _response(response: Any) -> Any:
    headers = [pair for pair in response.headers.multi_items() if pair[0].lower() not in _PER_RUN_HEADERS]
    return (
        _kind(response),
        _public(response),
        response.status_code,
        headers,
        response.is_closed,
        response.is_stream_consumed,
        hasattr(response, "_content"),
        response.num_bytes_downloaded,
    )


def _exception(error: BaseException) -> Any:
    told = {
        name: plain(getattr(error, name))
        for name in (
            "args",
            "status_code",
            "body",
            "code",
            "param",
            "type",
            "request_id",
            "message",
            "response",
            "completion",
        )
        if hasattr(error, name)
    }
    chain = [type(error.__cause__), type(error.__context__), error.__suppress_context__]
    return _kind(error), str(error), told, chain, getattr(error, "__notes__", None)
