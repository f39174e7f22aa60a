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

    def holds(self, said: Mapping[str, Any]) -> bool:
        return isinstance(said.get("data"), (list, tuple)) or (said.get("usage") is not None and not said.get("error"))

    def read(self, said: Mapping[str, Any]) -> None:
        self.identify(said)
        self.result.usage = read_usage(self.request, said.get("usage"))
        for entry in items(said.get("data")):
            vector = pick(entry, "embedding")
            self.result.dimensions = len(vector) if isinstance(vector, list) else None
            break
