"""Why feedback is turned away: RFC 9457 problem details, one row for each reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason: its word (the metric's label too), HTTP status and title."""

    code: str
    status: int
    title: str

    @property
    def type(self) -> str:
        """The URI that names this kind of problem."""
        return f"urn:agentobs:feedback:{self.code}"


PROBLEMS: Mapping[str, Problem] = {
    problem.code: problem
    for problem in (
        Problem("malformed", 400, "The request is not understood"),
        Problem("unstorable", 400, "The feedback cannot be kept as it is"),
        Problem("forged", 401, "The token is not one of ours"),
        Problem("expired", 401, "The token has expired"),
        Problem("clock_skew", 401, "The token is of a later time than the server's"),
        Problem("origin", 403, "Pages of this origin may not post feedback"),
        Problem("scope", 403, "The token does not allow to rate this name"),
        Problem("replayed", 403, "The token has been used for too many ratings"),
        Problem("not_found", 404, "There is nothing at this path"),
        Problem("method", 405, "The method is not allowed here"),
        Problem("timeout", 408, "The body took too long to arrive"),
        Problem("too_large", 413, "The body is too large"),
        Problem("media_type", 415, "The media type is not supported"),
        Problem("rate", 429, "Too many requests"),
        Problem("internal", 500, "The endpoint failed"),
        Problem("storage", 503, "The feedback cannot be kept at the moment"),
    )
}

NOT_COUNTED = frozenset({"not_found", "internal"})
"""Problems that are not feedback turned away: a path that a scanner tries, and an error that is counted as our own."""


class RefusedError(Exception):
    """The request is turned away; `detail` says what is wrong and never repeats what was sent."""

    def __init__(self, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.problem = PROBLEMS[code]
        self.detail = detail
        self.headers = dict(headers or {})

    def body(self) -> bytes:
        """The problem as JSON."""
        problem = self.problem
        members = {"type": problem.type, "title": problem.title, "status": problem.status, "detail": self.detail}
        return json.dumps(members).encode()
