"""Served against seen: call by call, token by token, cent by cent, retry by retry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from ..catalogue import genai, own
from .desk import Tally
from .ledger import Call, Ending, Ledger, Totals
from .seen import Calls, Metrics, SeenCall, add, totals
from .tasks import conversation_id

_OUTCOME = {
    Ending.COMPLETE: "success",
    Ending.ERROR: "error",
    Ending.CUT: "error",
    Ending.DROPPED: "error",
    Ending.ABANDONED: "abandoned",
}
_DONE = {
    "runs": (own.RUNS, ""),
    "tool_calls": (genai.TOOL_DURATION, "_count"),
    "decisions": (own.DECISIONS, ""),
    "fallbacks": (own.FALLBACKS, ""),
    "feedback": (own.FEEDBACK, ""),
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure on which the two sides do not agree; `None` where a side knows nothing of it."""

    where: str
    what: str
    served: object
    seen: object

    def __str__(self) -> str:
        return f"{self.where}: {self.what} served {_shown(self.served)}, seen {_shown(self.seen)}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides' totals, with what the agents did by their own account, and every difference."""

    served: Mapping[str, Any]
    seen: Mapping[str, Any]
    differences: tuple[Difference, ...]

    @property
    def equal(self) -> bool:
        return not self.differences

    def as_json(self) -> dict[str, Any]:
        """The object of `--json`: costs as numbers, the same keys on both sides."""
        return {
            "served": _plain(self.served),
            "seen": _plain(self.seen),
            "equal": self.equal,
            "differences": [_plain(asdict(difference)) for difference in self.differences],
        }


def compare(ledger: Ledger, tally: Tally, metrics: Metrics, calls: Calls) -> Comparison:
    """Compare the provider's ledger and the agents' tally with the metrics and spans."""
    spans = calls.all()
    served_groups, seen_groups = ledger.groups(), totals(metrics, spans)
    served = {**asdict(ledger.totals()), **{what: tally[what] for what in _DONE}}
    done = {what: metrics.total(metric, suffix) for what, (metric, suffix) in _DONE.items()}
    seen = {**asdict(add(seen_groups.values())), **done}
    differences = list(_between("all calls", served, seen))
    for group in sorted({*served_groups, *seen_groups}):
        one, other = served_groups.get(group, Totals()), seen_groups.get(group, Totals())
        differences.extend(_between(" ".join(group), asdict(one), asdict(other)))
    differences.extend(_by_call(ledger.calls(), spans))
    return Comparison(served, seen, tuple(differences))


def _by_call(served: Iterable[Call], seen: Iterable[SeenCall]) -> Iterator[Difference]:
    """The n-th call of a conversation on one side is the n-th on the other: a conversation makes one after the other."""
    sides: dict[str, tuple[list[Call], list[SeenCall]]] = defaultdict(lambda: ([], []))
    for call in sorted(served, key=lambda call: int(call.key.partition(".")[2])):
        sides[conversation_id(call.key.partition(".")[0])][0].append(call)
    for span in seen:
        sides[span.conversation_id][1].append(span)
    for conversation, (calls, spans) in sides.items():
        if len(calls) != len(spans):
            yield Difference(conversation, "calls", len(calls), len(spans))
        for call, span in zip(calls, spans, strict=False):
            yield from _between(f"call {call.key} to {call.model}", _facts_served(call), _facts_seen(span))


def _facts_served(call: Call) -> dict[str, Any]:
    return {
        "model": call.model,
        "provider": call.provider,
        "operation": call.operation,
        "streamed": call.streamed,
        "outcome": _OUTCOME[call.ending],
        "retries": len(call.retried),
        "cost_usd": call.cost_usd,
        **asdict(call.tokens),
    }


def _facts_seen(span: SeenCall) -> dict[str, Any]:
    facts = {name: getattr(span, name) for name in _FACTS}
    return {**facts, **asdict(span.tokens)}


_FACTS = ("model", "provider", "operation", "streamed", "outcome", "retries", "cost_usd")


def _between(where: str, served: Mapping[str, Any], seen: Mapping[str, Any]) -> Iterator[Difference]:
    for what in served:
        if served[what] != seen[what]:
            yield Difference(where, what, served[what], seen[what])


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in values.items()}
