"""What the built-in provider charges: the list prices of the models that the demo calls.

Kept by hand and apart from the bundled price table on purpose: the demo compares the two. Prices in USD per million
tokens, from the published genai-prices data 0.2.3 (OpenAI and Anthropic list prices, November 2026).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a response body reports, normalised as the GenAI conventions want it; `None` means not reported.

    `input` includes what was read from and written to a cache, `output` includes reasoning.
    """

    input: int | None = None
    output: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None


UNREPORTED = Tokens()


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens of one model, and the dated name under which it answers."""

    served_as: str
    input: Decimal
    output: Decimal = Decimal(0)
    cache_read: Decimal = Decimal(0)
    cache_write: Decimal = Decimal(0)


PRICES = {
    "gpt-5.4-mini": Price("gpt-5.4-mini-2026-03-17", Decimal("0.75"), Decimal("4.5"), Decimal("0.075")),
    "gpt-4.1-mini": Price("gpt-4.1-mini-2025-04-14", Decimal("0.4"), Decimal("1.6"), Decimal("0.1")),
    "text-embedding-3-small": Price("text-embedding-3-small", Decimal("0.02")),
    "claude-haiku-4-5": Price("claude-haiku-4-5-20251001", Decimal(1), Decimal(5), Decimal("0.1"), Decimal("1.25")),
    "claude-sonnet-5": Price("claude-sonnet-5", Decimal(2), Decimal(10), Decimal("0.2"), Decimal("2.5")),
}


def served_as(model: str) -> str:
    """The name under which a model answers: dated where the provider dates it, else the name that was asked for."""
    return PRICES[model].served_as if model in PRICES else model


def cost_usd(model: str, tokens: Tokens) -> Decimal | None:
    """The exact cost in USD; `None` for a model without a price or without reported input or output tokens.

    Embeddings have no output, so a missing output count is no obstacle where output is free.
    """
    price = PRICES.get(model)
    if price is None or tokens.input is None or (tokens.output is None and price.output):
        return None
    read, write = tokens.cache_read or 0, tokens.cache_write or 0
    plain = tokens.input - read - write
    return (
        plain * price.input + read * price.cache_read + write * price.cache_write + (tokens.output or 0) * price.output
    ) / _MILLION
