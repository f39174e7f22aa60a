"""Read genai-prices: base prices, history, time windows, service tiers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from agentobs.pricing.build.catalogue import Row, number

_RATES = {
    "input_mtok": "in",
    "output_mtok": "out",
    "cache_read_mtok": "cr",
    "cache_write_mtok": "cw",
    "cache_write_1h_mtok": "cw1h",
    "input_audio_mtok": "ai",
    "output_audio_mtok": "ao",
}
_INVISIBLE = {
    "output_image_mtok",
    "output_video_mtok",
    "output_citation_mtok",
    "output_reasoning_mtok",
    "requests_kcount",
}
"""Billed by something a usage record does not hold: such a model's price would be wrong, so it has none."""


def rows(provider: Any, *, total_window: bool) -> dict[str, Row]:
    """Rows of one genai-prices provider by model id."""
    return {model.id: _row(provider, model, total_window=total_window) for model in provider.models}


def match(provider: Any, name: str) -> str | None:
    """The id genai-prices itself finds for a name, without asking other providers."""
    model = provider.find_model(name)
    return None if model is None else str(model.id)


def _row(provider: Any, model: Any, *, total_window: bool) -> Row:
    """A literal is a name only where the library's own search, which takes the first match, leads back to the model."""
    literals = {literal.lower().rstrip("-@").removesuffix("-v1") for literal in _literals(model.match)}
    if provider.id == "anthropic":  # documents `-latest` aliases; elsewhere they would be invented names
        literals |= {f"{name}-latest" for name in literals if not name.endswith("-latest")}
    names = {name for name in literals if name and match(provider, name) == model.id}
    window = (None if total_window else model.context_window, None)
    listed = model.prices if isinstance(model.prices, list) else [model.prices]
    prices = [_price(price) for price in listed]
    if model.id.startswith(("gpt-image", "chatgpt-image")) or not all("in" in price for price in prices):
        return Row(model.id, names, window=window)
    return Row(model.id, names, prices, _tiers(model), window)


def _tiers(model: Any) -> dict[str, list[dict[str, Any]]]:
    """Variants by service tier. genai-prices takes the first that holds, the table the last: hence reversed."""
    tiers: dict[str, list[dict[str, Any]]] = {}
    for variant in reversed(model.price_variants or ()):
        tier = next((variant.when[key] for key in ("service_tier", "processing", "speed") if key in variant.when), None)
        if tier not in (None, "default") and len(variant.when) == 1:
            tiers.setdefault(tier, []).append(_price(variant))
    return tiers


def _price(item: Any) -> dict[str, Any]:
    """`item` is a price, or a price under a condition."""
    listed = getattr(item, "prices", item).__dict__
    if not _INVISIBLE.isdisjoint(listed):
        return {}
    rates = {_RATES[key]: _rate(value) for key, value in listed.items() if key in _RATES and value is not None}
    return {**_condition(getattr(item, "constraint", None)), **rates}


def _condition(constraint: Any) -> dict[str, Any]:
    if constraint is None:
        return {}
    if hasattr(constraint, "start_date"):
        return {"from": constraint.start_date.isoformat()}
    return {"hours": [t.hour * 60 + t.minute for t in (constraint.start_time, constraint.end_time)]}


def _rate(value: Any) -> Any:
    if not hasattr(value, "tiers"):
        return number(value)
    return [number(value.base), *([tier.start, number(tier.price)] for tier in value.tiers)]


def _literals(clause: Any) -> Iterator[str]:
    for attribute in ("or_", "and_"):
        for part in getattr(clause, attribute, ()):
            yield from _literals(part)
    for attribute in ("equals", "starts_with", "contains"):
        if text := getattr(clause, attribute, None):
            yield text
