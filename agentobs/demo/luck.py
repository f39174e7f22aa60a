"""Chance that depends on nothing but a seed and a name, so that threads and timing cannot change what happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Luck:
    """The draws of one call or task: the same seed, name and purpose always give the same result."""

    seed: int
    name: str

    def token(self, purpose: str, length: int = 24) -> str:
        """A hexadecimal id of at most 64 characters."""
        return blake2b(f"{self.seed}/{self.name}/{purpose}".encode(), digest_size=32).hexdigest()[:length]

    def draw(self, purpose: str) -> float:
        """A number from 0 to 1, 1 excluded."""
        return int(self.token(purpose, 13), 16) / 16**13

    def within(self, purpose: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.draw(purpose) * (high - low + 1))

    def pick(self, purpose: str, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.within(purpose, 0, len(options) - 1)]
