"""What an exception of a client library tells: the provider's error type, a class that is the same for all, the status."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

from ..catalogue.values import ErrorClass
from ..records.calls import ABANDONED, CANCELLED, CallEnding
from .reading import fields, integer, pick, text, whole

_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_BY_STATUS: dict[int, ErrorClass] = {
    400: "invalid_request",
    401: "auth",
    402: "quota",
    403: "auth",
    404: "not_found",
    408: "timeout",
    409: "server_error",
    413: "invalid_request",
    422: "invalid_request",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
# Codes that say more than the status they come with. OpenAI, Azure, Anthropic, Mistral and Google document them.
_BY_CODE: dict[str, ErrorClass] = {
    "insufficient_quota": "quota",
    "billing_error": "quota",
    "context_length_exceeded": "context_window",
    "model_context_window_exceeded": "context_window",
    "content_filter": "content_filter",
    "content_policy_violation": "content_filter",
    "overloaded_error": "overloaded",
    "rate_limit_error": "rate_limit",
    "rate_limit_exceeded": "rate_limit",
    "authentication_error": "auth",
    "API_KEY_INVALID": "auth",
    "permission_error": "auth",
    "timeout_error": "timeout",
    "api_error": "server_error",
    "server_error": "server_error",
}
_BY_EXCEPTION: dict[str, ErrorClass] = {
    "APITimeoutError": "timeout",
    "TimeoutException": "timeout",
    "TimeoutError": "timeout",
    "APIConnectionError": "connection",
    "TransportError": "connection",
    "ConnectionError": "connection",
    "ClientConnectionError": "connection",
    "ClientPayloadError": "connection",
    "ProtocolError": "connection",
    "APIResponseValidationError": "invalid_output",
    "JSONDecodeError": "invalid_output",
    "ValidationError": "invalid_output",
    "LengthFinishReasonError": "invalid_output",
    "ContentFilterFinishReasonError": "content_filter",
}
# Anthropic has no code for it: only the sentence tells a prompt that is too long from any other bad request.
_TOO_LONG = re.compile(
    r"prompt is too long|input is too long|exceed context limit|maximum context length", re.IGNORECASE
)


def _error_object(error: BaseException) -> Any:
    body = getattr(error, "body", None)
    return pick(body, "error") if type(body) is dict and type(body.get("error")) is dict else body


def _short(value: Any) -> str | None:
    known = integer(value)
    name = text(value) if known is None else str(known)
    return name if name is not None and _TYPE.fullmatch(name) else None


def class_of(  # noqa: PLR0911  one return for each kind of fact
    status: int | None, codes: tuple[str | None, ...], error: BaseException | None, message: str
) -> ErrorClass:
    """The class of an error, from the most telling fact to the least."""
    for code in codes:
        if code in _BY_CODE and not (code == "rate_limit_exceeded" and status == 400):
            by_code = _BY_CODE[code]
            # `api_error` and `server_error` come with statuses that may say more (529, 504).
            return _BY_STATUS.get(status, by_code) if by_code == "server_error" and status else by_code
    if status is not None:
        if status in (400, 413) and _TOO_LONG.search(message):
            return "context_window"
        if status in _BY_STATUS:
            return _BY_STATUS[status]
        if status >= 500:
            return "server_error"
        if status >= 400:
            return "invalid_request"
    if error is not None:
        for base in type(error).__mro__:
            if base.__name__ in _BY_EXCEPTION:
                return _BY_EXCEPTION[base.__name__]
    return "other"


def ending_of(error: BaseException) -> CallEnding:
    """How a call ended that raised `error`: outcome, error type and class."""
    left = left_by(error)
    if left is not None:
        return left
    reported = _error_object(error)
    status = whole(getattr(error, "status_code", None))
    return failure(error, status, (pick(reported, "type"), pick(reported, "code")), pick(reported, "message"))


def left_by(error: BaseException) -> CallEnding | None:
    """How a call ended that the program left by raising `error` in it; `None` where it is the call that failed."""
    if isinstance(error, Exception) and not isinstance(error, asyncio.CancelledError):
        return None
    return ABANDONED if isinstance(error, GeneratorExit) else CANCELLED


def failure(error: BaseException, status: int | None, codes: tuple[Any, ...], message: Any) -> CallEnding:
    """How a call ended that failed with `error`.

    `status` is the HTTP status, `codes` what the provider calls the error, from the general word, which becomes the error
    type, to the particular, which tells its class best; `message` is its sentence.
    """
    known = tuple([_short(code) for code in codes])
    by_status = str(status) if status is not None and status >= 400 else type(error).__qualname__
    error_class = class_of(status, known[::-1], error, str(message or ""))
    return CallEnding("error", None, next((code for code in known if code), None) or by_status, error_class, error)


INVALID_OUTPUT = CallEnding("error", None, "invalid_output", "invalid_output")
"""What came is no answer of the API, and does not say why."""


def reported_failure(reported: Any, unnamed: CallEnding | None = None) -> CallEnding:
    """How a call ended that the provider itself reports as failed, in an answer that is no HTTP error.

    `reported` is the error object, or whatever stands in its place. Its code, type or status says what it was; without
    any of them it is `unnamed`, by default an error of class `other`.
    """
    kind, code = _short(pick(reported, "type")), _short(pick(reported, "code"))
    word = _short(pick(reported, "status")) or _short(pick(reported, "statusCode"))
    status = next((number for number in map(_status, (code, word)) if number is not None), None)
    error_type = code or (None if kind == "error" else kind) or word
    error_class = class_of(status, (code, kind), None, str(pick(reported, "message") or ""))
    if error_type is None or (unnamed is not None and error_class == "other"):
        return unnamed or CallEnding("error", None, "failed", error_class)
    return CallEnding("error", None, error_type, error_class)


def no_answer(body: Any) -> CallEnding:
    """How a call ended whose answer came with status 200 and is none: by what its body says, else `invalid_output`.

    Gateways answer `{"error": {"code": 502, ...}}`, `{"type": "error", "error": {"type": "overloaded_error"}}`,
    `{"status": 503, "error": "Service Unavailable"}`, `{"statusCode": 429, "message": "..."}`.
    """
    error = fields(body).get("error")
    if fields(error):
        return reported_failure(error, INVALID_OUTPUT)
    return reported_failure(body, INVALID_OUTPUT)


def refused(body: Any, ending: CallEnding) -> CallEnding:
    """How a call ended whose answer is none, so that the library raised: by what the body says, else by the exception."""
    told = no_answer(body)
    return replace(
        told, error_type=ending.error_type if told is INVALID_OUTPUT else told.error_type, exception=ending.exception
    )


def _status(name: str | None) -> int | None:
    """The HTTP status that a code is, where it is one of an error."""
    return int(name) if name is not None and name.isascii() and name.isdigit() and 400 <= int(name) < 600 else None


def cause_of_retry(response: Any, error: BaseException | None) -> str:
    """What the failed attempt got: its HTTP status, else timeout or connection."""
    status = whole(getattr(response, "status_code", None))
    if status is not None:
        return str(status)
    return "timeout" if error is not None and class_of(None, (), error, "") == "timeout" else "connection"


def cause_of_error(error: BaseException) -> str:
    """What an attempt got that failed with `error`: its HTTP status, else the class of the error."""
    status = whole(getattr(error, "status_code", None))
    return str(status) if status is not None else class_of(None, (), error, "")
