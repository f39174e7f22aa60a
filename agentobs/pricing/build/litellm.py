"""Read litellm's price map: context windows, and prices genai-prices does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from agentobs.pricing.build.catalogue import ProviderPlan, Row, number, without_no_ops

_RATES = {
    "input_cost_per_token": "in",
    "output_cost_per_token": "out",
    "cache_read_input_token_cost": "cr",
    "cache_creation_input_token_cost": "cw",
    "cache_creation_input_token_cost_above_1hr": "cw1h",
    "input_cost_per_audio_token": "ai",
    "output_cost_per_audio_token": "ao",
}
_TIERS = {"_batches": "batch", "_flex": "flex", "_priority": "priority"}
_MODES = {"chat", "completion", "responses", "embedding", "moderation", "realtime", None}
_FIELD = re.compile(r"(?P<rate>.+?)(?:_above_(?P<thousands>\d+)k_tokens)?(?P<tier>_batches|_flex|_priority)?\Z")
_DEAREST_USD = 1_000
_COMMITMENT = ("month-commitment", "provisioned")


def entries(plan: ProviderPlan, price_map: Mapping[str, Any]) -> Iterator[tuple[str, Row]]:
    """(model id, row) of one provider, in the order of ids; the row's price list is empty where litellm has none."""
    rows: dict[str, Row] = {}
    for key in sorted(price_map):
        entry = price_map[key]
        if entry.get("litellm_provider") in plan.litellm and entry.get("mode") in _MODES:
            name = _model_id(plan, key)
            if name and name not in rows:
                rows[name] = _row(name, entry)
    yield from sorted(rows.items())


def peak_days(price_map: Mapping[str, Any], model: str) -> list[int] | None:
    """ISO weekdays on which a model has peak hours, where litellm knows that other days have none."""
    windows = price_map.get(model, {}).get("off_peak_pricing", {}).get("windows", [])
    all_day = {day for window in windows if window["hours_utc"] == "00:00-00:00" for day in window["weekdays"]}
    return [day for day in range(1, 8) if day not in all_day] if all_day else None


def _model_id(plan: ProviderPlan, key: str) -> str | None:
    name = key.lower()
    for prefix in plan.prefixes:
        name = name.removeprefix(prefix)
    return None if (plan.flat and "/" in name) or any(word in name for word in _COMMITMENT) else name


def _row(name: str, entry: Mapping[str, Any]) -> Row:
    window = (_count(entry.get("max_input_tokens")), _count(entry.get("max_output_tokens")))
    row = Row(name, window=window, source="litellm")
    plain, tiers = _rates(entry)
    if "in" in plain and not _billed_by_more(entry) and _plausible(plain):
        row.prices = [plain]
        row.tiers = {tier: [rates] for tier, rates in tiers.items() if "in" in rates}
    return row


def _plausible(rates: Mapping[str, Any]) -> bool:
    """litellm has prices per thousand tokens entered per token; the dearest real model asks 600 USD per million."""
    bases = (rate[0] if isinstance(rate, list) else rate for rate in rates.values())
    return all(base <= _DEAREST_USD for base in bases)


def _billed_by_more(entry: Mapping[str, Any]) -> bool:
    """True where tokens are not all: reasoning at its own rate, images out, a fee per request, off-peak hours."""
    reasoning = entry.get("output_cost_per_reasoning_token")
    return (
        (reasoning is not None and reasoning != entry.get("output_cost_per_token"))
        or any(
            entry.get(key) for key in ("output_cost_per_image_token", "output_cost_per_image", "input_cost_per_request")
        )
        or "off_peak_pricing" in entry
        or (entry.get("litellm_provider") == "perplexity" and "search_context_cost_per_query" in entry)
    )


def _rates(entry: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Plain rates and rates by service tier, per million tokens, `[base, [threshold, rate]]` where a threshold is."""
    plain: dict[str, Any] = {}
    tiers: dict[str, dict[str, Any]] = {}
    steps: list[tuple[dict[str, Any], str, int, Any]] = []
    for key in sorted(entry):
        parts = _FIELD.fullmatch(key)
        if parts is None or parts["rate"] not in _RATES or not isinstance(entry[key], int | float):
            continue
        rates = tiers.setdefault(_TIERS[parts["tier"]], {}) if parts["tier"] else plain
        price = number(entry[key] * 1_000_000)
        if parts["thousands"]:
            steps.append((rates, _RATES[parts["rate"]], int(parts["thousands"]) * 1_000, price))
        elif price or parts["rate"] in ("input_cost_per_token", "output_cost_per_token"):
            rates[_RATES[parts["rate"]]] = price
    for rates, key, threshold, price in sorted(steps, key=lambda step: step[2]):
        if key in rates:
            base = rates[key] if isinstance(rates[key], list) else [rates[key]]
            rates[key] = [*base, [threshold, price]]
    if not plain.get("out") and entry.get("mode") in ("embedding", "moderation"):
        plain.pop("out", None)
    return without_no_ops(plain, [("cw1h", "cw")]), tiers


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None
