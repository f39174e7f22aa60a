"""One call of a model as the program sees it: what was asked, what came back, how it ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..catalogue.values import ErrorClass, Outcome, StreamEnding
from .messages import InputContent, Message
from .usage import Usage


@dataclass(slots=True)
class CallRequest:
    """What was asked.

    Attributes:
        operation: an operation of the conventions: chat, text_completion, embeddings, generate_content, fetch_response.
        provider: who serves the model, told from client and base URL.
        model: the model that was asked for, `None` where the request names none.
        server_address, server_port: where the request goes, `None` where the client does not say.
        stream: whether the answer comes in chunks.
        parameters: request parameters that were given, by the names of the emitter's table (`max_tokens`, ...).
        content: what was sent, made when it is read; `None` unless content capture is on.
    """

    operation: str
    provider: str
    model: str | None
    server_address: str | None = None
    server_port: int | None = None
    stream: bool = False
    parameters: dict[str, Any] = field(default_factory=dict)
    content: Callable[[], InputContent] | None = None


@dataclass(slots=True)
class CallResult:
    """What came back, as far as it came; `None` and empty mean that the provider did not say.

    Attributes:
        model: the model that answered.
        id: the provider's id of the answer.
        finish_reasons: why each choice ended, as the provider says.
        status: state of a stored response that was fetched (`completed`, `in_progress`).
        pending: whether the answer is still being made (in the background), so that its usage comes with a later fetch.
        dimensions: length of the vectors of an embeddings call.
        system_fingerprint: fingerprint of the backend (OpenAI).
        usage: what was consumed.
        messages: makes the messages that came back; `None` unless content capture is on.
    """

    model: str | None = None
    id: str | None = None
    finish_reasons: tuple[str, ...] = ()
    status: str | None = None
    pending: bool = False
    dimensions: int | None = None
    system_fingerprint: str | None = None
    usage: Usage | None = None
    messages: Callable[[], Sequence[Message]] | None = None


@dataclass(frozen=True, slots=True)
class CallEnding:
    """How a call ended.

    Attributes:
        outcome: success, error, cancelled, or abandoned (the program left a stream early).
        stream_ending: how the program left a stream: closed or dropped.
        error_type: what the provider says, else the HTTP status or the exception's class.
        error_class: the class of the error, the same for all providers.
        exception: what the program gets to see, where it is an exception.
    """

    outcome: Outcome
    stream_ending: StreamEnding | None = None
    error_type: str | None = None
    error_class: ErrorClass | None = None
    exception: BaseException | None = None


SUCCESS = CallEnding("success")
CANCELLED = CallEnding("cancelled")
ABANDONED = CallEnding("abandoned")
INCOMPLETE_STREAM = CallEnding("error", None, "incomplete_stream", "incomplete_stream")
"""The connection was closed in good order, but the provider never said that the answer was whole."""
