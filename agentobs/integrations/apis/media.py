"""Images, speech, transcriptions and videos: usage where the provider reports tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...records.calls import CallRequest
from ...records.usage import Usage
from ..reading import fields, text
from .answer import Answer
from .openai_usage import read_usage, svg_usage

_ENDINGS = (".done", ".completed")
_PAGES = ("text/html", "application/xhtml")


class Media(Answer):
    """An answer that may be a text, bytes or an object, or a stream of events whose closing one carries the usage."""

    __slots__ = ("_complete",)

    def __init__(self, request: CallRequest, capture: bool = False) -> None:
        super().__init__(request, capture)
        self._complete = False

    def take(self, answer: Any) -> bool:
        """See `Answer.take`. Sound and plain texts (`srt`, `vtt`) have no fields; a page for people is no answer."""
        if answer is None or self._is_page(answer):
            return False
        body = fields(answer)
        if body and (body.get("error") or not self.holds(body)):
            return False
        self.read(body)
        return True

    def _is_page(self, answer: Any) -> bool:
        kind = text(getattr(self.response, "headers", {}).get("content-type")) or ""
        if kind.startswith(_PAGES):
            return True
        if isinstance(answer, (str, bytes)):
            start = answer[:100] if isinstance(answer, str) else answer[:100].decode("latin-1")
            return start.lstrip().lower().startswith(("<!doctype html", "<html"))
        # Sound that turns out to be a JSON object: an error.
        return kind.startswith("application/json") and hasattr(answer, "iter_bytes")

    def holds(self, body: Mapping[str, Any]) -> bool:
        return any(body.get(name) is not None for name in ("data", "text", "usage", "status", "segments", "response"))

    def read(self, body: Mapping[str, Any]) -> None:
        self.identify(body)
        usage = read_usage(self.request, body.get("usage"))
        others = svg_usage(body)
        if others:
            usage = usage or Usage()
            usage.others = others
        if usage is not None:
            self.result.usage = usage

    def add(self, chunks: Sequence[Any]) -> None:
        for chunk in chunks:
            body = fields(chunk)
            kind = body.get("type")
            if isinstance(kind, str) and kind.endswith(_ENDINGS):
                self._complete = True
            self.read(body)

    def finish(self, marked: bool) -> bool:
        """See `Answer.finish`."""
        return marked or self._complete
