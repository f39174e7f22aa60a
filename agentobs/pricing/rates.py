"""Rates of one model at one moment, compiled to floats."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from ..catalogue.values import CostSource

_DAY_S = 86_400
_CONDITIONS = ("from", "hours", "days")
STANDARD_TIERS = frozenset({None, "", "default", "standard", "standard_only", "auto", "on_demand"})
"""Service tiers billed at the plain rates. `scale` (OpenAI) and `priority` at Anthropic are contracts: not here."""


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per million tokens. What a provider does not price apart is billed as the whole it is part of."""

    input: float
    output: float | None
    cache_read: float
    cache_write: float
    cache_write_1h: float
    audio_input: float | None
    audio_output: float | None


@dataclass(frozen=True, slots=True)
class Quote:
    """What a call costs between two moments, or why that is not known.

    `over` holds (threshold, rates), highest threshold first: a call with more input tokens than the threshold is billed
    at these rates from its first token on. `from_s` and `until_s` are Unix seconds; -inf and inf mean no limit.
    """

    base: Rates | None
    over: tuple[tuple[int, Rates], ...] = ()
    source: CostSource = "local"
    reason: str | None = None
    timed: bool = False
    from_s: float = -math.inf
    until_s: float = math.inf
    divisor: float = 1e6
    """Tokens x rate per USD: a million, divided by the negotiated discount."""


def quote(
    prices: Sequence[Mapping[str, Any]], tiers: Mapping[str, Sequence[Mapping[str, Any]]], tier: str | None, at_s: float
) -> Quote:
    """Compile the prices that hold at a moment.

    `prices` are alternatives, the last one that holds wins and the first one is the fallback (genai-prices' rule);
    those of a service tier replace single rates of the plain price. An unlisted tier is `unsupported_usage`, never the
    plain price. Nothing to compile is `unsupported_usage` as well: the model is billed by something other than tokens.
    """
    plain = _holding(prices, at_s) or (prices[0] if prices else None)
    if plain is None:
        return Quote(None, reason="unsupported_usage")
    alternatives = list(prices)
    rates = _rates(plain)
    if tier not in STANDARD_TIERS:
        variants = tiers.get(tier or "", ())
        alternatives += variants
        special = _holding(variants, at_s)
        rates = {**rates, **_rates(special)} if special is not None else {}
    from_s, until_s = _validity(alternatives, at_s)
    timed = (from_s, until_s) != (-math.inf, math.inf)
    if "in" not in rates:
        return Quote(None, (), "local", "unsupported_usage", timed, from_s, until_s)
    thresholds = sorted({step[0] for rate in rates.values() for step in _steps(rate)}, reverse=True)
    over = tuple((threshold, _compile(rates, threshold)) for threshold in thresholds)
    return Quote(_compile(rates, None), over, timed=timed, from_s=from_s, until_s=until_s)


def _rates(price: Mapping[str, Any]) -> dict[str, Any]:
    return {key: rate for key, rate in price.items() if key not in _CONDITIONS}


def _compile(rates: Mapping[str, Any], threshold: int | None) -> Rates:
    at = {key: _at(rate, threshold) for key, rate in rates.items()}
    base = at["in"]
    write = at.get("cw", base)
    return Rates(base, at.get("out"), at.get("cr", base), write, at.get("cw1h", write), at.get("ai"), at.get("ao"))


def _steps(rate: Any) -> list[Any]:
    return rate[1:] if isinstance(rate, list) else []


def _at(rate: Any, threshold: int | None) -> float:
    """The rate above a threshold; a rate is a number or `[base, [threshold, rate], ...]` in ascending order."""
    if not isinstance(rate, list):
        return float(rate)
    value = rate[0]
    for start, above in rate[1:]:
        if threshold is not None and start <= threshold:
            value = above
    return float(value)


def _holding(prices: Sequence[Mapping[str, Any]], at_s: float) -> Mapping[str, Any] | None:
    return next((price for price in reversed(prices) if _applies(price, at_s)), None)


def _applies(price: Mapping[str, Any], at_s: float) -> bool:
    if "from" in price and at_s < _epoch_s(price["from"]):
        return False
    if "hours" not in price:
        return True
    moment = datetime.fromtimestamp(at_s, UTC)
    if "days" in price and moment.isoweekday() not in price["days"]:
        return False
    start, end = map(int, price["hours"])
    minute = moment.hour * 60 + moment.minute
    return start <= minute < end if start <= end else minute >= start or minute < end


def _validity(prices: Sequence[Mapping[str, Any]], at_s: float) -> tuple[float, float]:
    edges = list(_edges(prices, at_s))
    earlier = (edge for edge in edges if edge <= at_s)
    later = (edge for edge in edges if edge > at_s)
    return max(earlier, default=-math.inf), min(later, default=math.inf)


def _edges(prices: Sequence[Mapping[str, Any]], at_s: float) -> Iterator[float]:
    midnight = at_s - at_s % _DAY_S
    for price in prices:
        if "from" in price:
            yield _epoch_s(price["from"])
        if "hours" in price:
            yield midnight
            yield midnight + _DAY_S
            yield from (midnight + minute * 60 for minute in price["hours"])


def _epoch_s(day: str) -> float:
    return datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC).timestamp()
