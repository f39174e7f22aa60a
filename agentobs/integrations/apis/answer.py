"""What comes back of one call: read whole, or chunk by chunk in the order in which it came.

There is one class for each API. It reads usage, finish reasons and, where content is captured, messages in one pass, so
a chunk is looked at once. Seams feed it a complete answer (`take`) or runs of chunks (`add`, then `finish`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...records.calls import CallEnding, CallRequest, CallResult
from ..errors import INVALID_OUTPUT, no_answer
from ..reading import fields, text


class Answer:
    """The state of one call from its request to its end.

    Attributes:
        request: what was asked.
        result: what came back so far.
        ending: how the call ended, if the answer itself has an ending of its own.
        capture: whether messages are to be kept.
        no_usage: to be told where a stream ended whole without usage.
        response: the HTTP response behind the answer, between its arrival and the end of the client's own call.
    """

    __slots__ = ("capture", "ending", "no_usage", "request", "response", "result")

    def __init__(self, request: CallRequest, capture: bool = False) -> None:
        self.request = request
        self.capture = capture
        self.result = CallResult()
        self.ending: CallEnding | None = None
        self.no_usage: Callable[[], None] | None = None
        self.response: Any = None

    # --- for seams ---
    def take(self, answer: Any) -> bool:
        """Read a complete answer, a result object or parsed JSON; `False` where it is none of this API's."""
        data = fields(answer)
        if not self.holds(data):
            return False
        self.read(data)
        return True

    def reject(self, body: Any) -> None:
        """Note that what came is no answer, by what its body says of itself."""
        self.ending = no_answer(body) if fields(body) else INVALID_OUTPUT

    def finish(self, marked: bool) -> bool:
        """No more chunks come; `True` where the provider said that the answer is whole.

        `marked` says that the stream's own end marker came (`[DONE]`).
        """
        return marked

    # --- for APIs ---
    def holds(self, data: Mapping[str, Any]) -> bool:
        """Whether these fields are an answer of this API."""
        raise NotImplementedError

    def read(self, data: Mapping[str, Any]) -> None:
        """Read the fields of a complete answer."""
        raise NotImplementedError

    def add(self, chunks: Sequence[Any]) -> None:
        """Read further chunks of a stream. Each is looked at once."""

    def identify(self, data: Mapping[str, Any]) -> None:
        """Read who answered; what is not said leaves what is known."""
        result = self.result
        answer_id, model = data.get("id"), data.get("model")
        if answer_id is not None:
            result.id = text(answer_id) or result.id
        if model is not None:
            result.model = text(model) or result.model


def reason(value: Any) -> str | None:
    """A finish reason; some servers write the text "null" until they have one."""
    known = text(value)
    return None if known in ("null", "None") else known
