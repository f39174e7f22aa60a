"""The APIs that the built-in provider speaks: how each asks, answers, streams and fails.

Written from the providers' published API references (OpenAI chat completions, responses, embeddings; Anthropic
messages), as far as the client libraries read them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Protocol

from ..answer import Answer, Json, Question
from ..tariff import UNREPORTED, Tokens


@dataclass(frozen=True, slots=True)
class Frame:
    """One server-sent event, and what a client that has read so far knows about usage."""

    data: bytes
    known: Tokens = UNREPORTED


class Wire(Protocol):
    """One API. `usage=False` makes it keep to itself what it used."""

    provider: str
    operation: str

    def question(self, body: Json) -> Question:
        """Read a request body; raises `KeyError`, `TypeError` or `ValueError` for one that is none."""

    def reply(self, question: Question, answer: Answer, *, usage: bool) -> tuple[Json, Tokens]:
        """The body of a plain answer, and the usage that it reports."""

    def stream(self, question: Question, answer: Answer, *, usage: bool) -> list[Frame]:
        """The events of a streamed answer."""

    def stream_error(self, question: Question, answer: Answer) -> bytes:
        """The event with which a stream fails."""

    def error(self, status: int, message: str) -> Json:
        """The body of an error status."""


def event(data: Json, name: str | None = None) -> bytes:
    """One server-sent event with JSON data."""
    text = json.dumps(data, separators=(",", ":"))
    return (f"event: {name}\ndata: {text}\n\n" if name else f"data: {text}\n\n").encode()


def text_of(content: object) -> str:
    """The text in a message's content: a string, or a list of parts of which some carry text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict) and part.get("text"))


def openai_error(status: int, message: str) -> Json:
    """OpenAI's error body; `type` and `code` are what the real API sends with the status."""
    kind, code = {
        400: ("invalid_request_error", None),
        404: ("invalid_request_error", "unknown_url"),
        429: ("requests", "rate_limit_exceeded"),
        503: ("server_error", "overloaded"),
    }.get(status, ("server_error", None))
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}
