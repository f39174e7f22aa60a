"""Every model of the table against genai-prices itself, in exact decimals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import agentobs.pricing
from agentobs.pricing import PriceBook
from agentobs.pricing.table import TABLE
from agentobs.records.usage import Usage
from tests.support import needs

genai_prices = needs.module("genai_prices")

HEADER, *PROVIDERS = (
    json.loads(line) for line in Path(agentobs.pricing.__file__).with_name(TABLE).read_text("utf-8").splitlines()
)

if genai_prices.__version__ != HEADER["genai-prices"]:
    needs.lack("genai-prices is another version here than the table is made from", "bash tests/run")

GENAI_IDS = {
    "azure.ai.openai": "azure",
    "aws.bedrock": "aws",
    "gcp.gemini": "google",
    "mistral_ai": "mistral",
    "x_ai": "x-ai",
    "moonshot_ai": "moonshotai",
}
WEEKDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
PEAK = datetime(2026, 11, 20, 2, tzinfo=UTC)
NEXT_YEAR = datetime(2027, 2, 5, 12, tzinfo=UTC)
LAST_YEAR = datetime(2025, 1, 15, 12, tzinfo=UTC)
CALLS = [
    pytest.param(Usage(1_234, 567), None, id="short"),
    pytest.param(Usage(987_654, 3_210), None, id="long"),
    pytest.param(Usage(20_000, 30, cache_read_tokens=12_000, cache_write_tokens=5_000), None, id="cached"),
    pytest.param(Usage(1_234, 567, service_tier="priority"), {"service_tier": "priority"}, id="priority"),
    pytest.param(Usage(1_234, 567, service_tier="flex"), {"service_tier": "flex"}, id="flex"),
    pytest.param(Usage(987_654, 567, service_tier="batch"), {"processing": "batch"}, id="batch"),
]


def models(provider: str, body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Models whose price is from genai-prices."""
    return (row for row in body["models"] if row.get("by") != "litellm" and row.get("prices"))


@pytest.mark.parametrize("moment", [WEEKDAY, PEAK, NEXT_YEAR, LAST_YEAR], ids=lambda moment: f"{moment:%Y-%m-%dT%H}")
@pytest.mark.parametrize(("usage", "context"), CALLS)
def test_every_price_is_that_of_genai_prices(usage: Usage, context: dict[str, str] | None, moment: datetime) -> None:
    book = PriceBook.bundled()
    compared, different = 0, []
    for provider, body in PROVIDERS:
        for row in models(provider, body):
            tier = usage.service_tier
            known = genai_model(provider, row["id"])
            if known is None or not comparable(row, known, usage, tier):
                continue
            ours = book.cost(provider, row["id"], without_output(row, usage), at_s=moment.timestamp())
            if ours.reason == "unsupported_usage" and tier is not None:
                continue  # genai-prices silently takes the plain price before the day a tier's price was verified
            exact = genai_prices.calc_price(
                genai_usage(without_output(row, usage)),
                row["id"],
                provider_id=GENAI_IDS.get(provider, provider),
                genai_request_timestamp=moment,
                price_context=context,
            ).total_price
            compared += 1
            if ours.amount_usd is None or abs(Decimal(ours.amount_usd) - exact) > exact * Decimal("1e-12"):
                different.append((provider, row["id"], ours, exact))
    assert different == []
    assert compared > (10 if usage.service_tier else 500) or moment is LAST_YEAR


def genai_model(provider: str, model: str) -> Any:
    from genai_prices.data import providers

    source = next((item for item in providers if item.id == GENAI_IDS.get(provider, provider)), None)
    found = source.find_model(model) if source else None
    return found if found is not None and found.id == model else None


def comparable(row: dict[str, Any], known: Any, usage: Usage, tier: str | None) -> bool:
    """Leave out what litellm adds: tiers, and cache rates where genai-prices has none."""
    if tier is not None and not any(tier in variant.when.values() for variant in known.price_variants or ()):
        return False
    prices = known.prices if isinstance(known.prices, list) else [item_of(known.prices)]
    rates = {key for price in prices for key in price.prices.__dict__}
    pairs = (("cr", "cache_read_mtok"), ("cw", "cache_write_mtok"))
    added = any(key in price and name not in rates for price in row["prices"] for key, name in pairs)
    return not (usage.cache_read_tokens and added)


class item_of:  # noqa: N801
    def __init__(self, prices: Any) -> None:
        self.prices = prices


def without_output(row: dict[str, Any], usage: Usage) -> Usage:
    """A call to a model without an output price has no output."""
    if all("out" in price for price in row["prices"]):
        return usage
    return Usage(
        usage.input_tokens,
        0,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
        service_tier=usage.service_tier,
    )


def genai_usage(usage: Usage) -> Any:
    return genai_prices.Usage(
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cache_read_tokens=usage.cache_read_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
