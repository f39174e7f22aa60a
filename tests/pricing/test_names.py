"""Which names find a price, and which must not."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from agentobs.pricing import ContextWindow, PriceBook
from agentobs.records.usage import Cost, Usage
from tests.support.memory import kept_bytes

CALL = Usage(1_000, 500)
UNKNOWN = Cost(None, reason="unknown_model")


@pytest.mark.parametrize(
    ("provider", "model", "catalogue_id"),
    [
        ("openai", "gpt-4.1-2025-04-14", "gpt-4.1"),
        ("openai", "GPT-4.1", "gpt-4.1"),
        ("openai", "openai/gpt-4.1", "gpt-4.1"),
        ("openai", "gpt-4.1-2027-01-31", "gpt-4.1"),
        ("openai", "gpt-6-sol-2026-09-01", "gpt-6-sol"),
        ("openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("openai", "ft:gpt-4.1-2025-04-14:acme:bot:abc", "ft:gpt-4.1-2025-04-14"),
        ("openai", "gpt-4o-mini-2024-07-18.ft-0e208cf33a6a", "ft:gpt-4o-mini"),
        ("anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("anthropic", "claude-opus-5-5-20261231", "claude-opus-5-5"),
        ("anthropic", "claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("azure.ai.openai", "gpt-4o-2024-11-20", "gpt-4o"),
        ("azure", "gpt-6.1-sol", "gpt-6.1-sol"),
        (
            "aws.bedrock",
            "anthropic.claude-sonnet-4-5-20250929-v1:0",
            "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "aws.bedrock",
            "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "aws.bedrock",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("aws.bedrock", "us.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("gcp.vertex_ai", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("gcp.vertex_ai", "publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("gcp.gemini", "models/gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("groq", "openai/gpt-oss-120b", "openai/gpt-oss-120b"),
        ("x_ai", "grok-4-0709", "grok-4-0709"),
        ("openrouter", "anthropic/claude-sonnet-4-5", "claude-sonnet-4-5"),
    ],
)
def test_names_of_one_price_are_one_catalogue_id(book: PriceBook, provider: str, model: str, catalogue_id: str) -> None:
    assert book.canonical(provider, model) == catalogue_id


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("openai", None),
        ("openai", ""),
        ("openai", "gpt-7"),
        ("openai", "gpt-7-2027-01-01"),
        ("openai", "gpt-4.1-foo"),
        ("openai", "gpt-4.1-2025-04-14-foo"),
        ("openai", "gpt-4.1-99999999"),
        ("openai", "gpt-4.10"),
        ("openai", "ft:gpt-7:acme::abc"),
        ("openai", "acme/gpt-4.1"),
        ("openai", "claude-sonnet-4-5"),
        ("anthropic", "claude-sonnet-9"),
        ("nobody", "gpt-4.1"),
        ("aws.bedrock", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abcdefgh"),
        ("aws.bedrock", "us-gov.anthropic.claude-sonnet-9-v1:0"),
        ("aws.bedrock", "global.amazon.nova-pro-v1:0"),
        ("openai", "gpt-4.1\n"[:-1] + "\u200b"),
        ("openai", "ｇｐｔ-4.1"),
        ("openai", "gpt-4.1-２０２５-04-14"),
        ("openai", "\udcff\x00'; drop table"),
        ("openai", "a/" * 120),
        ("openai", "gpt-4.1" * 1_000_000),
    ],
)
def test_other_names_are_unknown_rather_than_nearly_right(book: PriceBook, provider: str, model: str | None) -> None:
    assert book.cost(provider, model, CALL) == UNKNOWN
    assert book.canonical(provider, model) is None
    assert book.windows(provider, model) is None


def test_openrouter_is_priced_by_what_it_reports_and_by_nothing_else(book: PriceBook) -> None:
    assert book.cost("openrouter", "anthropic/claude-sonnet-4-5", CALL) == UNKNOWN


@pytest.mark.parametrize(
    ("provider", "model", "window"),
    [
        ("openai", "gpt-4.1", ContextWindow(1_047_576, 32_768)),
        ("openai", "gpt-6-sol", ContextWindow(922_000, 128_000)),
        ("anthropic", "claude-sonnet-4-5", ContextWindow(200_000, 64_000)),
        ("openrouter", "openai/gpt-4.1", ContextWindow(1_047_576, 32_768)),
    ],
)
def test_the_context_window_is_what_fits_in_and_what_comes_out(
    book: PriceBook, provider: str, model: str, window: ContextWindow
) -> None:
    assert book.windows(provider, model) == window


def asked(names: Iterable[str]) -> PriceBook:
    """A book that was asked for the prices of these models."""
    book = PriceBook.bundled()
    for name in names:
        assert book.cost("openai", name, CALL) == UNKNOWN
    return book


def test_names_a_server_makes_up_do_not_fill_the_memory() -> None:
    asked(["unheard-of"])
    few, many = (kept_bytes(lambda n=n: asked(f"model-{number}" for number in range(n))) for n in (1_500, 6_000))
    assert many < 1.5 * few
    assert asked(["unheard-of"]).cost("openai", "gpt-4.1", CALL).amount_usd == pytest.approx(0.006)


def test_an_absurdly_long_name_is_not_remembered() -> None:
    asked(["unheard-of"])
    assert kept_bytes(lambda: asked(f"{number:010000}" for number in range(50))) < 50 * 10_000 / 2


def test_an_absurdly_long_tier_is_not_remembered() -> None:
    book = asked(["unheard-of"])

    def work() -> None:
        for number in range(50):
            book.cost("openai", "gpt-4.1", Usage(1, 1, service_tier=f"{number:010000}"))

    assert kept_bytes(work) < 50 * 10_000 / 2
