"""What a call costs. Every expected amount is worked out by hand from the vendors' list prices."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest

from agentobs.pricing import PriceBook
from agentobs.records.usage import Cost, Usage

NOON_S = datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()


def at(*moment: int) -> float:
    return datetime(*moment, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("provider", "model", "usage", "usd"),
    [
        pytest.param("openai", "gpt-4.1-2025-04-14", Usage(1_000, 500), 1_000 * 2e-6 + 500 * 8e-6, id="plain"),
        pytest.param(
            "openai", "gpt-4.1", Usage(1_000, 0, cache_read_tokens=400), 600 * 2e-6 + 400 * 0.5e-6, id="cache read"
        ),
        pytest.param(
            "anthropic",
            "claude-sonnet-4-5-20250929",
            Usage(10_000, 100, cache_read_tokens=6_000, cache_write_tokens=3_000, cache_write_1h_tokens=1_000),
            1_000 * 3e-6 + 6_000 * 0.3e-6 + 2_000 * 3.75e-6 + 1_000 * 6e-6 + 100 * 15e-6,
            id="both cache writes",
        ),
        pytest.param(
            "openai",
            "gpt-audio",
            Usage(1_000, 300, audio_input_tokens=400, audio_output_tokens=200),
            600 * 2.5e-6 + 400 * 32e-6 + 100 * 10e-6 + 200 * 64e-6,
            id="audio",
        ),
        pytest.param("openai", "text-embedding-3-small", Usage(2_000), 2_000 * 0.02e-6, id="embedding without output"),
        pytest.param("openai", "gpt-4.1", Usage(100, 50, reasoning_tokens=50), 100 * 2e-6 + 50 * 8e-6, id="reasoning"),
        pytest.param("openai", "gpt-4.1", Usage(0, 0), 0.0, id="nothing used costs nothing"),
        pytest.param("gcp.gemini", "gemini-2.5-flash", Usage(1_000, 10), 1_000 * 0.3e-6 + 10 * 2.5e-6, id="gemini"),
        pytest.param("groq", "openai/gpt-oss-120b", Usage(1_000, 10), 1_000 * 0.15e-6 + 10 * 0.6e-6, id="groq"),
        pytest.param("openai", "omni-moderation-latest", Usage(500), 0.0, id="free is a known price"),
    ],
)
def test_a_call_costs_its_tokens_at_the_list_price(
    book: PriceBook, provider: str, model: str, usage: Usage, usd: float
) -> None:
    assert book.cost(provider, model, usage, at_s=NOON_S) == Cost(pytest.approx(usd, rel=1e-12), "local")


def test_cached_tokens_of_a_model_without_a_cache_rate_are_billed_as_input(book: PriceBook) -> None:
    plain = book.cost("cerebras", "gpt-oss-120b", Usage(1_000, 10))
    cached = book.cost("cerebras", "gpt-oss-120b", Usage(1_000, 10, cache_read_tokens=900, cache_write_tokens=100))
    assert cached.amount_usd == pytest.approx(plain.amount_usd, rel=1e-12)


@pytest.mark.parametrize(("tokens", "input_rate"), [(200_000, 1.25e-6), (200_001, 2.5e-6)])
def test_one_token_over_the_threshold_bills_the_whole_request_at_the_higher_rate(
    book: PriceBook, tokens: int, input_rate: float
) -> None:
    cost = book.cost("gcp.vertex_ai", "gemini-2.5-pro", Usage(tokens, 0), at_s=NOON_S)
    assert cost.amount_usd == pytest.approx(tokens * input_rate, rel=1e-12)


@pytest.mark.parametrize(("tokens", "input_rate"), [(199_999, 2e-6), (200_000, 4e-6)])
def test_xai_bills_the_higher_rate_from_the_threshold_itself(book: PriceBook, tokens: int, input_rate: float) -> None:
    cost = book.cost("x_ai", "grok-4.7", Usage(tokens, 0), at_s=NOON_S)
    assert cost.amount_usd == pytest.approx(tokens * input_rate, rel=1e-12)


@pytest.mark.parametrize(
    ("tier", "input_rate"),
    [(None, 2e-6), ("default", 2e-6), ("flex", 1e-6), ("priority", 4e-6), ("fast", 4e-6), ("batch", 1e-6)],
)
def test_the_service_tier_that_served_the_call_sets_the_rate(
    book: PriceBook, tier: str | None, input_rate: float
) -> None:
    cost = book.cost("openai", "gpt-6-sol", Usage(1_000, 0, service_tier=tier), at_s=NOON_S)
    assert cost.amount_usd == pytest.approx(1_000 * input_rate, rel=1e-12)


@pytest.mark.parametrize(("provider", "model"), [("openai", "gpt-6-sol"), ("cerebras", "gpt-oss-120b")])
def test_a_tier_nobody_lists_a_rate_for_is_not_billed_at_the_plain_one(
    book: PriceBook, provider: str, model: str
) -> None:
    cost = book.cost(provider, model, Usage(1_000, 0, service_tier="platinum"), at_s=NOON_S)
    assert cost == Cost(None, reason="unsupported_usage")


@pytest.mark.parametrize(
    ("usage", "reason"),
    [
        pytest.param(None, "no_usage", id="none"),
        pytest.param(Usage(), "no_usage", id="empty"),
        pytest.param(Usage(input_tokens=5), "no_usage", id="output unknown"),
        pytest.param(Usage(output_tokens=5), "no_usage", id="input unknown"),
        pytest.param(Usage(-1, 5), "bad_usage", id="negative input"),
        pytest.param(Usage(1, -5), "bad_usage", id="negative output"),
        pytest.param(Usage(9, 5, cache_read_tokens=-1), "bad_usage", id="negative cache"),
        pytest.param(Usage(9, 5, cache_read_tokens=6, cache_write_tokens=4), "bad_usage", id="more cache than input"),
        pytest.param(
            Usage(9, 5, cache_write_tokens=1, cache_write_1h_tokens=2), "bad_usage", id="more 1h writes than writes"
        ),
        pytest.param(Usage(9, 5, reasoning_tokens=6), "bad_usage", id="more reasoning than output"),
        pytest.param(Usage(9, 5, audio_input_tokens=10), "bad_usage", id="more audio than input"),
        pytest.param(Usage(9, 5, audio_output_tokens=6), "bad_usage", id="more audio than output"),
        pytest.param(Usage(9, 5, audio_input_tokens=1), "unsupported_usage", id="audio without a rate"),
        pytest.param(Usage(9, 5, reported_cost_usd=-1.0), "bad_usage", id="negative reported cost"),
        pytest.param(Usage(9, 5, reported_cost_usd=math.nan), "bad_usage", id="reported cost is no number"),
    ],
)
def test_what_cannot_be_known_is_unknown_and_says_why(book: PriceBook, usage: Usage | None, reason: str) -> None:
    assert book.cost("openai", "gpt-4.1", usage) == Cost(None, reason=reason)


def test_output_of_a_model_without_an_output_price_is_unsupported(book: PriceBook) -> None:
    assert book.cost("openai", "text-embedding-3-small", Usage(5, 5)) == Cost(None, reason="unsupported_usage")


def test_audio_that_may_have_come_from_the_cache_is_unsupported(book: PriceBook) -> None:
    usage = Usage(1_000, 10, cache_read_tokens=800, audio_input_tokens=500)
    assert book.cost("openai", "gpt-realtime", usage) == Cost(None, reason="unsupported_usage")


def test_a_model_billed_by_images_has_no_token_price(book: PriceBook) -> None:
    assert book.cost("openai", "gpt-image-1", Usage(5, 5)) == Cost(None, reason="unsupported_usage")


@pytest.mark.parametrize("reported", [0.0, 0.0123])
def test_what_the_provider_says_wins_even_for_a_model_nobody_listed(book: PriceBook, reported: float) -> None:
    usage = Usage(1_000, 500, reported_cost_usd=reported)
    assert book.cost("openrouter", "some/model", usage) == Cost(reported, "provider")


@pytest.mark.parametrize(
    ("moment", "input_rate"),
    [
        pytest.param(at(2026, 11, 30, 23, 59, 59), 2e-6, id="before"),
        pytest.param(at(2026, 12, 1), 4e-6, id="from midnight UTC on"),
        pytest.param(at(2026, 11, 30, 23, 59, 59), 2e-6, id="and back"),
    ],
)
def test_an_announced_price_holds_from_its_day_on_whatever_was_asked_before(
    book: PriceBook, moment: float, input_rate: float
) -> None:
    cost = book.cost("gcp.gemini", "gemini-4-argon", Usage(1_000, 0), at_s=moment)
    assert cost.amount_usd == pytest.approx(1_000 * input_rate, rel=1e-12)


@pytest.mark.parametrize(
    ("moment", "input_rate"),
    [
        pytest.param(at(2026, 11, 20, 0, 59, 59), 0.15e-6, id="Friday before the peak"),
        pytest.param(at(2026, 11, 20, 1), 0.3e-6, id="Friday peak"),
        pytest.param(at(2026, 11, 20, 4), 0.15e-6, id="Friday between the peaks"),
        pytest.param(at(2026, 11, 20, 9, 59, 59), 0.3e-6, id="Friday second peak"),
        pytest.param(at(2026, 11, 20, 10), 0.15e-6, id="Friday after"),
        pytest.param(at(2026, 11, 21, 2), 0.15e-6, id="Saturday has no peak"),
        pytest.param(at(2026, 11, 22, 7), 0.15e-6, id="Sunday has none either"),
        pytest.param(at(2026, 11, 23, 2), 0.3e-6, id="Monday peak"),
    ],
)
def test_deepseek_peak_hours_hold_on_weekdays(book: PriceBook, moment: float, input_rate: float) -> None:
    cost = book.cost("deepseek", "deepseek-v4-flash", Usage(1_000, 0), at_s=moment)
    assert cost.amount_usd == pytest.approx(1_000 * input_rate, rel=1e-12)


@pytest.mark.parametrize(
    ("provider", "model", "usd"),
    [
        ("deepseek", "deepseek-chat", 0.28),
        ("mistral_ai", "mistral-large-latest", 0.5),
        ("openai", "ft:gpt-4.1-2025-04-14:acme::abc123", 3.0),
    ],
)
def test_litellm_has_what_genai_prices_lacks_or_has_stale(
    book: PriceBook, provider: str, model: str, usd: float
) -> None:
    cost = book.cost(provider, model, Usage(1_000_000, 0), at_s=NOON_S)
    assert cost.amount_usd == pytest.approx(usd, rel=1e-12)
