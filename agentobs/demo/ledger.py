"""The ledger: what the built-in provider really served, attempt by attempt and call by call."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from .tariff import UNREPORTED, Tokens, cost_usd


class Ending(StrEnum):
    """How an attempt ended for the client."""

    COMPLETE = "complete"
    ERROR = "error"
    """An error status, or an error event in a stream."""
    CUT = "cut"
    """The connection broke in the middle of a stream."""
    DROPPED = "dropped"
    """The connection was closed without an answer."""
    ABANDONED = "abandoned"
    """The client left a stream before its end."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One HTTP request and what was sent back. `status` is `None` where nothing was."""

    number: int
    """0 for the first attempt of a call, then 1, 2 and so on."""
    status: int | None
    ending: Ending
    tokens: Tokens = UNREPORTED
    """What the client was told about usage, up to the point where the answer ended."""

    @property
    def cause(self) -> str:
        """What a retry of it is put down to: its status, or `connection` where there was none."""
        return "connection" if self.status is None else str(self.status)


@dataclass(slots=True)
class Call:
    """One logical call: a first attempt and its retries. The last attempt decides how it ended."""

    key: str
    ordinal: int
    """0 for the first call with this key, then 1, 2 and so on."""
    provider: str
    model: str
    operation: str
    streamed: bool
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def ending(self) -> Ending:
        return self.attempts[-1].ending

    @property
    def tokens(self) -> Tokens:
        return self.attempts[-1].tokens

    @property
    def cost_usd(self) -> Decimal | None:
        """Exact cost in USD of what was reported, `None` where that cannot be priced."""
        return cost_usd(self.model, self.tokens)

    @property
    def answered(self) -> bool:
        """Whether there is something to be priced: an answer, if only its beginning, or reported usage."""
        last = self.attempts[-1]
        begun = self.streamed and last.status == 200
        return begun or last.ending in (Ending.COMPLETE, Ending.ABANDONED) or last.tokens != UNREPORTED

    @property
    def retried(self) -> list[str]:
        """The cause of each retry, in order."""
        return [attempt.cause for attempt in self.attempts[:-1]]


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over calls. Tokens that nobody reported are in no sum; unpriced are answered calls without a known cost."""

    calls: int = 0
    errors: int = 0
    abandoned: int = 0
    streams: int = 0
    retries: int = 0
    unpriced: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    retries_by_status: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, calls: Iterable[Call]) -> Totals:
        """Add up calls."""
        listed = list(calls)
        tokens = [call.tokens for call in listed]
        costs = [(call, call.cost_usd) for call in listed]
        causes = Counter(cause for call in listed for cause in call.retried)
        failures = (Ending.ERROR, Ending.CUT, Ending.DROPPED)
        return cls(
            calls=len(listed),
            errors=sum(call.ending in failures for call in listed),
            abandoned=sum(call.ending is Ending.ABANDONED for call in listed),
            streams=sum(call.streamed for call in listed),
            retries=causes.total(),
            unpriced=sum(cost is None and call.answered for call, cost in costs),
            input_tokens=sum(each.input or 0 for each in tokens),
            output_tokens=sum(each.output or 0 for each in tokens),
            cache_read_tokens=sum(each.cache_read or 0 for each in tokens),
            cache_write_tokens=sum(each.cache_write or 0 for each in tokens),
            reasoning_tokens=sum(each.reasoning or 0 for each in tokens),
            cost_usd=sum((cost for _, cost in costs if cost is not None), Decimal(0)),
            retries_by_status=dict(sorted(causes.items())),
        )


class Ledger:
    """All calls in the order in which they came; safe to use from many threads.

    A retry is told by its attempt number (`x-stainless-retry-count`): it belongs to the oldest call of the same key
    that has made just as many attempts before.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []
        self._by_key: dict[str, list[Call]] = {}
        self._by_model: Counter[str] = Counter()

    def open(
        self, key: str, number: int, *, provider: str, model: str, operation: str, streamed: bool
    ) -> tuple[Call, int]:
        """The call to which an attempt belongs, and the place of that call among those to its model (0 first)."""
        with self._lock:
            same = self._by_key.setdefault(key, [])
            waiting = (call for call in same if number and len(call.attempts) == number)
            call = next(waiting, None)
            if call is None:
                call = Call(key, len(same), provider, model, operation, streamed)
                same.append(call)
                self._calls.append(call)
                self._by_model[model] += 1
            return call, self._by_model[model] - 1

    def record(self, call: Call, attempt: Attempt) -> None:
        """Note how an attempt ended, or correct what was noted about it."""
        with self._lock:
            if call.attempts and call.attempts[-1].number == attempt.number:
                call.attempts.pop()
            call.attempts.append(attempt)

    def calls(self) -> list[Call]:
        """Every call that has got an answer so far."""
        with self._lock:
            return [replace(call, attempts=list(call.attempts)) for call in self._calls if call.attempts]

    def totals(self) -> Totals:
        """Sums over everything."""
        return Totals.of(self.calls())

    def groups(self) -> dict[tuple[str, str, str], Totals]:
        """Sums by provider, requested model and operation."""
        grouped: dict[tuple[str, str, str], list[Call]] = {}
        for call in self.calls():
            grouped.setdefault((call.provider, call.model, call.operation), []).append(call)
        return {name: Totals.of(calls) for name, calls in sorted(grouped.items())}
