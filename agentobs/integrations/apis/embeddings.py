"""The Embeddings API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..reading import items, pick
from .answer import Answer
from .openai_usage import read_usage


class Embeddings(Answer):
    """Vectors: usage, and the length of the first one, where it is a list of numbers."""

    __slots__ = ()

    def holds(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("data"), (list, tuple)) or (body.get("usage") is not None and not body.get("error"))

    def read(self, body: Mapping[str, Any]) -> None:
        self.identify(body)
        self.result.usage = read_usage(self.request, body.get("usage"))
        for entry in items(body.get("data")):
            vector = pick(entry, "embedding")
            self.result.dimensions = len(vector) if isinstance(vector, list) else None
            break
