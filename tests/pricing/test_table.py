"""The bundled table itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import agentobs.pricing
from agentobs.pricing import PriceBook
from agentobs.pricing.names import PROVIDERS
from agentobs.pricing.table import TABLE, Table

PATH = Path(agentobs.pricing.__file__).with_name(TABLE)
LINES = [json.loads(line) for line in PATH.read_text("utf-8").splitlines()]
PROVIDER_LINES = [pytest.param(body, id=name) for name, body in LINES[1:]]


def test_the_table_is_small_and_says_what_it_is_made_of() -> None:
    assert PATH.stat().st_size < 250_000
    assert LINES[0].keys() == {"catalog_date", "genai-prices", "litellm"}


def test_the_book_knows_how_old_it_is() -> None:
    book = PriceBook.bundled()
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", book.as_of)
    table = Table('{"catalog_date":"2026-11-10"}\n')
    assert not table.providers
    assert book.age_days(1_794_268_800 + 86_400) - book.age_days(1_794_268_800) == 1


def test_every_provider_the_wrappers_meet_is_listed() -> None:
    expected = {"openai", "azure.ai.openai", "anthropic", "aws.bedrock", "gcp.gemini", "mistral_ai", "groq"}
    expected |= {"deepseek", "x_ai", "cohere", "perplexity", "together", "fireworks", "cerebras", "moonshot_ai"}
    names = {name for name, _ in LINES[1:]}
    assert expected <= names
    assert set(PROVIDERS.values()) <= names


@pytest.mark.parametrize("body", PROVIDER_LINES)
def test_no_name_means_two_models(body: dict[str, list[dict[str, list[str]]]]) -> None:
    names = [name for row in body["models"] for name in (str(row["id"]).lower(), *row.get("names", []))]
    assert sorted({name for name in names if names.count(name) > 1}) == []
    assert names == [name.lower() for name in names]


@pytest.mark.parametrize("body", PROVIDER_LINES)
def test_rates_are_prices_of_a_million_tokens(body: dict[str, list[dict[str, object]]]) -> None:
    for row in body["models"]:
        tiers = row.get("tiers", {})
        assert isinstance(tiers, dict)
        for price in [*row.get("prices", []), *(item for tier in tiers.values() for item in tier)]:
            rates = [price[key] for key in ("in", "out", "cr", "cw", "cw1h", "ai", "ao") if key in price]
            flat = [
                n
                for rate in rates
                for n in ([rate[0], *(p for _, p in rate[1:])] if isinstance(rate, list) else [rate])
            ]
            assert all(0 <= rate <= 2_000 for rate in flat), row["id"]
