"""What customers ask, and how they behave: fixed by the seed and the number of the task."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from .luck import Luck

SUPPORT_KINDS = ("order", "order", "question", "question", "small talk")
BILLING_KINDS = ("refund", "refund", "invoice", "complaint")

_TEXTS = {
    "order": "Where is my order {number}? It should have been here days ago.",
    "question": "How do I send something back that I bought {number} days ago?",
    "small talk": "Hello, is anybody there?",
    "refund": "Please give me the money of invoice {number} back, the lamp was broken.",
    "invoice": "Why is there a delivery fee on invoice {number}?",
    "complaint": "This is the third time that I write about {number}. I want to talk to somebody who can decide.",
}


@dataclass(frozen=True, slots=True)
class Task:
    """One conversation with a customer."""

    index: int
    kind: str
    text: str
    luck: Luck
    leaves_early: bool
    """The customer closes the window while the answer is still being written."""

    @property
    def conversation_id(self) -> str:
        return conversation_id(str(self.index))

    def keys(self) -> Iterator[str]:
        """Keys of the model calls of this task, in the order in which they are made: `17.0`, `17.1` and so on."""
        return (f"{self.index}.{number}" for number in count())


def task(seed: int, index: int, kinds: tuple[str, ...]) -> Task:
    """The task with this number, of one of `kinds`."""
    luck = Luck(seed, f"task {index}")
    kind = luck.pick("kind", kinds)
    text = _TEXTS[kind].format(number=luck.within("number", 1000, 9999))
    return Task(index, kind, text, luck, kind == "small talk" and luck.draw("leaves early") < 0.3)


def conversation_id(index: str) -> str:
    """The conversation of the task with this number."""
    return f"conversation-{index}"
