"""How keeping feedback fails."""

from __future__ import annotations


class StorageError(Exception):
    """The database cannot be used at the moment.

    `reason` is one of the values of `agentobs.feedback.storage.error`, the label that it is counted under.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class RowRefusedError(Exception):
    """The database works and refuses this very row: sent again, it would be refused again."""


class RateLimitedError(Exception):
    """The limit that all processes share has been reached; `wait_s` is the time until one more is allowed."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"wait {wait_s:.1f} s")
        self.wait_s = wait_s


class TooManyIdsError(Exception):
    """The answer has as many different ratings as it may have."""


def first_line(error: BaseException) -> str:
    """The first line of an error's message: what follows repeats the statement and its values."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
