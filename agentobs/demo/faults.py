"""Which request is answered badly, and how: a plan made of a seed and the request's key, never of time or order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from .luck import Luck


class Fault(StrEnum):
    """One way to misbehave. The last four happen after a 200, so a client library does not retry them."""

    RATE_LIMIT = "rate_limit"
    """429 with `retry-after`."""
    SERVER_ERROR = "server_error"
    """500."""
    OVERLOADED = "overloaded"
    """529 from Anthropic, 503 from OpenAI."""
    DROP = "drop"
    """The connection is closed without an answer."""
    SLOW = "slow"
    """A right answer that takes its time."""
    CUT = "cut"
    """A stream whose connection breaks in the middle."""
    STREAM_ERROR = "stream_error"
    """A stream that ends in an error event."""
    NULL_USAGE = "null_usage"
    """A right answer that does not say what it used."""
    STALL = "stall"
    """A stream that falls silent in the middle until the client leaves."""


_STREAM_ONLY = frozenset({Fault.CUT, Fault.STREAM_ERROR, Fault.STALL})
_RETRIED = frozenset({Fault.RATE_LIMIT, Fault.SERVER_ERROR, Fault.OVERLOADED, Fault.DROP})


@dataclass(frozen=True, slots=True)
class Storm:
    """An outage of one model: every attempt of the calls whose index is from `first` to `last`, both included, fails.

    The index of a call is the number that its key starts with, or else its place among the calls to that model.
    """

    model: str
    first: int
    last: int
    fault: Fault = Fault.OVERLOADED


@dataclass(frozen=True, slots=True)
class Faults:
    """Shares of the calls, from 0 to 1, that meet each fault, and the storms on top of them.

    `persistence` is the share of the faulty calls whose every attempt fails; as many again fail twice, the others once.
    `scripted` names the fault of each attempt of single calls by their key and overrides everything else.
    """

    rate_limit: float = 0.04
    server_error: float = 0.02
    overloaded: float = 0.02
    drop: float = 0.0
    slow: float = 0.04
    cut: float = 0.02
    stream_error: float = 0.01
    null_usage: float = 0.02
    stall: float = 0.0
    persistence: float = 0.15
    retry_after_ms: int = 5
    slow_s: float = 0.15
    stall_s: float = 10.0
    """How long a stalled stream waits for the client to leave before the provider cuts it."""
    storms: tuple[Storm, ...] = ()
    scripted: Mapping[str, tuple[Fault | None, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shares = {name: getattr(self, name) for name in (*Fault, "persistence")}
        for name, share in shares.items():
            if not 0 <= share <= 1:
                raise ValueError(f"fault share {name}={share!r} is not from 0 to 1")
        if (total := sum(shares[fault] for fault in Fault)) > 1:
            raise ValueError(f"the fault shares add up to {total}, more than 1")

    @classmethod
    def none(cls, **changes: object) -> Faults:
        """A provider that behaves, but for what `changes` names."""
        known = {entry.name for entry in fields(cls)}
        if unknown := set(changes) - known:
            raise TypeError(f"unknown option {min(unknown)!r}; known are {sorted(known)}")
        options: dict[str, object] = {**dict.fromkeys(map(str, Fault), 0.0), **changes}
        return cls(**options)  # type: ignore[arg-type]  # checked by name above and by value in __post_init__

    def decide(self, *, luck: Luck, key: str, index: int, model: str, attempt: int, streamed: bool) -> Fault | None:
        """The fault of one attempt (0 is the first), or `None` for a right answer."""
        if key in self.scripted:
            script = self.scripted[key]
            return script[attempt] if attempt < len(script) else None
        for storm in self.storms:
            if storm.model == model and storm.first <= index <= storm.last:
                return storm.fault
        fault = self._drawn(luck.draw("fault"))
        if fault is None or (fault in _STREAM_ONLY and not streamed):
            return None
        if fault in _RETRIED and attempt >= self._lasts(luck.draw("lasts")):
            return None
        return fault

    def _drawn(self, chance: float) -> Fault | None:
        for fault in Fault:
            share: float = getattr(self, fault)
            if chance < share:
                return fault
            chance -= share
        return None

    def _lasts(self, chance: float) -> int:
        """How many attempts in a row fail; a thousand is more than any client makes."""
        if chance < self.persistence:
            return 1000
        return 2 if chance < 2 * self.persistence else 1
