"""How a model call can end, and what each ending says: the one table that the tests and the README share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Ending:
    """One row: `when` in words, then span status, outcome, error type, error class and how a stream was left."""

    when: str
    status: str
    outcome: str
    error_type: str = ""
    error_class: str = ""
    left: str = ""


ANSWERED = Ending("the answer came whole; a stream was read to its end", "UNSET", "success")
REFUSED = Ending(
    "the provider answers with an error status", "ERROR", "error", "what it says, else the status", "by status"
)
UNREACHED = Ending(
    "no answer: connection refused, timed out", "ERROR", "error", "the exception", "`connection`, `timeout`"
)
SAID_ERROR = Ending("an error event in the stream", "ERROR", "error", "what it says", "by type")
NO_ANSWER = Ending(
    "an error, a page or anything else with status 200 that is none of the API's answers",
    "ERROR",
    "error",
    "its code, type or status, else `invalid_output`",
    "by code, type or status, else `invalid_output`",
)
FAILED = Ending("an answer whose status is failed", "ERROR", "error", "its error code", "by code")
UNUSABLE = Ending(
    "a billed answer that the library refuses (`LengthFinishReasonError`)",
    "ERROR",
    "error",
    "the exception",
    "`invalid_output`",
)
CUT = Ending("the connection breaks in the middle of a stream", "ERROR", "error", "the exception", "`connection`")
INCOMPLETE = Ending(
    "a stream ends in good order, but without its last event",
    "ERROR",
    "error",
    "`incomplete_stream`",
    "`incomplete_stream`",
)
CLOSED = Ending("the program closes a stream early, or leaves its `with` block", "UNSET", "abandoned", left="`closed`")
DROPPED = Ending("the program breaks off and drops a stream", "UNSET", "abandoned", left="`dropped`")
USER_ERROR = Ending("an exception of the program inside the `with` block", "UNSET", "abandoned", left="`closed`")
CANCELLED = Ending("the task is cancelled, or Ctrl-C, before or in the answer", "UNSET", "cancelled")

ENDINGS = (
    ANSWERED,
    REFUSED,
    UNREACHED,
    SAID_ERROR,
    NO_ANSWER,
    FAILED,
    UNUSABLE,
    CUT,
    INCOMPLETE,
    CLOSED,
    DROPPED,
    USER_ERROR,
    CANCELLED,
)


def table() -> str:
    """The table as Markdown."""
    lines = [
        "| ending | span status | `agentobs.outcome` | `error.type` | `agentobs.error.class` | `agentobs.stream.ending` |",
        "|---|---|---|---|---|---|",
    ]
    for row in ENDINGS:
        cells = (row.when, row.status, f"`{row.outcome}`", row.error_type, row.error_class, row.left)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
