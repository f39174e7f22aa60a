"""Amazon Bedrock's InvokeModel API: bodies are the vendors' own, and the counts that all have in common are Amazon's.

Source: the API's reference and recorded exchanges. The counts stand in headers, and in the last chunk of a stream, where
the answer itself does not have them; like Converse's, they leave cached tokens out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...records.calls import CallEnding, CallResult
from ...records.usage import Usage
from ..reading import fields, json_object, pick, text, whole

_HEADERS = {
    "x-amzn-bedrock-input-token-count": "input",
    "x-amzn-bedrock-output-token-count": "output",
    "x-amzn-bedrock-cache-read-input-token-count": "read",
    "x-amzn-bedrock-cache-write-input-token-count": "write",
}
_METRICS = {
    "inputTokenCount": "input",
    "outputTokenCount": "output",
    "cacheReadInputTokenCount": "read",
    "cacheWriteInputTokenCount": "write",
}
_REASONS = ("stop_reason", "completionReason", "stopReason")


class Invocation:
    """What an answer says: the headers of a whole one, or the chunks of a stream."""

    ending: CallEnding | None = None

    def __init__(self) -> None:
        self.complete = False
        self._counts: dict[str, int] = {}
        self._result = CallResult()

    def headers(self, headers: Mapping[str, Any]) -> None:
        """Take up the headers of an answer whose body is the program's to read."""
        for name, value in headers.items():
            known = _HEADERS.get(name.lower())
            if known is not None and str(value).isdecimal():
                self._counts[known] = int(value)

    def add(self, event: Any) -> None:
        """Take up one event of a stream: a chunk with JSON of the vendor in it."""
        data = pick(pick(event, "chunk"), "bytes")
        payload = fields(json_object(data) if isinstance(data, bytes) else None)
        for name, value in fields(payload.get("amazon-bedrock-invocationMetrics")).items():
            known, count = _METRICS.get(name), whole(value)
            if known is not None and count is not None:
                self._counts[known] = count
                self.complete = True
        message = payload.get("message")
        self._result.id = text(pick(message, "id")) or self._result.id
        self._result.model = text(pick(message, "model")) or self._result.model
        for place in (payload, payload.get("delta")):
            for name in _REASONS:
                reason = text(pick(place, name))
                if reason is not None:
                    self._result.finish_reasons = (reason,)

    def result(self) -> CallResult:
        """What is known."""
        counts = self._counts
        fresh, read, write = counts.get("input"), counts.get("read"), counts.get("write")
        if fresh is not None or "output" in counts:
            spent = None if fresh is None else fresh + (read or 0) + (write or 0)
            self._result.usage = Usage(spent, counts.get("output"), read, write)
        return self._result
