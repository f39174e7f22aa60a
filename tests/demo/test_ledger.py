"""The ledger's arithmetic: exact prices, retries put to their call, sums that leave out what nobody reported."""

from __future__ import annotations

from decimal import Decimal

import pytest

from agentobs.demo.ledger import Attempt, Call, Ending, Ledger, Totals
from agentobs.demo.tariff import PRICES, Tokens, cost_usd
from tests.support import needs


def opened(ledger: Ledger, key: str, number: int = 0) -> Call:
    return ledger.open(key, number, provider="openai", model="gpt-4.1-mini", operation="chat", streamed=False)[0]


def test_cached_input_is_part_of_the_input_and_cheaper() -> None:
    tokens = Tokens(input=10_000, output=1_000, cache_read=6_000, cache_write=3_000)
    assert cost_usd("claude-haiku-4-5", tokens) == Decimal("0.01035")


def test_reasoning_is_part_of_the_output() -> None:
    assert cost_usd("gpt-5.4-mini", Tokens(0, 1_000, reasoning=900)) == Decimal("0.0045")


def test_a_thousand_small_costs_add_up_exactly() -> None:
    call = Call("k", 0, "openai", "gpt-4.1-mini", "chat", False, [Attempt(0, 200, Ending.COMPLETE, Tokens(1, 1))])
    assert Totals.of([call] * 1000).cost_usd == Decimal("0.002")


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("nobody-knows-1", Tokens(5, 5)), ("gpt-4.1-mini", Tokens()), ("gpt-4.1-mini", Tokens(input=5))],
    ids=["unknown model", "no usage", "no output count"],
)
def test_what_cannot_be_priced_is_not_free(model: str, tokens: Tokens) -> None:
    assert cost_usd(model, tokens) is None


def test_embeddings_are_priced_by_input_alone() -> None:
    assert cost_usd("text-embedding-3-small", Tokens(input=1_000_000)) == Decimal("0.02")


def test_prices_are_the_published_list_prices() -> None:
    prices = needs.module("genai_prices")
    for model in PRICES:
        provider = "anthropic" if model.startswith("claude") else "openai"
        usage = prices.Usage(input_tokens=10_000, output_tokens=1_000, cache_read_tokens=4_000)
        tokens = Tokens(input=10_000, output=1_000, cache_read=4_000)
        if model.startswith("text-embedding"):
            usage, tokens = prices.Usage(input_tokens=10_000), Tokens(input=10_000)
        published = prices.calc_price(usage, model_ref=model, provider_id=provider)
        assert cost_usd(model, tokens) == published.total_price


def test_a_retry_belongs_to_the_oldest_call_that_made_as_many_attempts() -> None:
    ledger = Ledger()
    first, second = opened(ledger, "same"), opened(ledger, "same")
    ledger.record(first, Attempt(0, 429, Ending.ERROR))
    ledger.record(second, Attempt(0, 500, Ending.ERROR))
    assert opened(ledger, "same", 1) is first
    ledger.record(first, Attempt(1, 200, Ending.COMPLETE, Tokens(1, 1)))
    assert opened(ledger, "same", 1) is second
    ledger.record(second, Attempt(1, 200, Ending.COMPLETE, Tokens(1, 1)))
    totals = ledger.totals()
    assert (totals.calls, totals.errors) == (2, 0)
    assert totals.retries_by_status == {"429": 1, "500": 1}


def test_a_call_without_an_answer_yet_is_not_counted() -> None:
    ledger = Ledger()
    opened(ledger, "waiting")
    assert ledger.totals() == Totals()


def test_an_attempt_noted_again_is_corrected() -> None:
    ledger = Ledger()
    call = opened(ledger, "left")
    ledger.record(call, Attempt(0, 200, Ending.COMPLETE, Tokens(1, 1)))
    ledger.record(call, Attempt(0, 200, Ending.ABANDONED, Tokens(1)))
    [noted] = ledger.calls()
    assert [attempt.ending for attempt in noted.attempts] == [Ending.ABANDONED]


def test_a_failed_call_is_an_error_and_not_an_unpriced_one() -> None:
    call = Call("k", 0, "openai", "gpt-4.1-mini", "chat", True, [Attempt(0, 500, Ending.ERROR)])
    totals = Totals.of([call])
    assert (totals.errors, totals.unpriced, totals.streams) == (1, 0, 1)


def test_nobody_knows_what_a_stream_cost_that_was_cut() -> None:
    call = Call("k", 0, "openai", "gpt-4.1-mini", "chat", True, [Attempt(0, 200, Ending.CUT)])
    totals = Totals.of([call])
    assert (totals.errors, totals.unpriced, totals.streams) == (1, 1, 1)
