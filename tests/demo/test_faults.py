"""The provider misbehaves as planned: what the real clients raise, and what the ledger says about it."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from anthropic import Anthropic, InternalServerError, OverloadedError
from openai import APIConnectionError, APIError, OpenAI, RateLimitError
from openai import InternalServerError as OpenAIServerError

from agentobs.demo.faults import Fault, Faults, Storm
from agentobs.demo.ledger import Ending
from agentobs.demo.provider import KEY_HEADER, Provider
from agentobs.demo.tariff import Tokens

from .conftest import Serve

CHAT: Any = {"model": "gpt-4.1-mini", "messages": [{"role": "user", "content": "Hello"}]}
STREAM: Any = {**CHAT, "stream": True, "stream_options": {"include_usage": True}}
MESSAGE: Any = {"model": "claude-haiku-4-5", "max_tokens": 500, "messages": [{"role": "user", "content": "Hello"}]}


def openai(provider: Provider, **options: Any) -> OpenAI:
    return OpenAI(base_url=provider.base_url + "/v1", api_key="none", **options)


def anthropic(provider: Provider, **options: Any) -> Anthropic:
    return Anthropic(base_url=provider.base_url, api_key="none", **options)


def scripted(*attempts: Fault | None) -> Faults:
    return Faults.none(scripted={"call": attempts})


def until_it_breaks(stream: Iterable[Any]) -> list[Any]:
    """What came before the connection broke; the newer clients wrap the transport's error, the older ones do not."""
    received: list[Any] = []
    with pytest.raises(Exception, match=r"incomplete chunked read|Connection error"):
        received.extend(stream)
    return received


KEYED: Any = {"extra_headers": {KEY_HEADER: "call"}}


def test_a_rate_limit_is_hidden_by_one_retry(serve: Serve) -> None:
    provider = serve(scripted(Fault.RATE_LIMIT))
    with openai(provider) as client:
        client.chat.completions.create(**CHAT, **KEYED)
    [call] = provider.ledger.calls()
    assert [attempt.status for attempt in call.attempts] == [429, 200]
    assert call.ending is Ending.COMPLETE
    assert provider.ledger.totals().retries_by_status == {"429": 1}


def test_attempts_of_one_call_may_fail_differently(serve: Serve) -> None:
    provider = serve(scripted(Fault.SERVER_ERROR, Fault.OVERLOADED))
    with anthropic(provider) as client:
        client.messages.create(**MESSAGE, **KEYED)
    totals = provider.ledger.totals()
    assert totals.retries_by_status == {"500": 1, "529": 1}
    assert (totals.calls, totals.errors) == (1, 0)


def test_a_lasting_rate_limit_reaches_the_program(serve: Serve) -> None:
    provider = serve(Faults.none(rate_limit=1.0, persistence=1.0))
    with openai(provider) as client, pytest.raises(RateLimitError) as caught:
        client.chat.completions.create(**CHAT)
    assert caught.value.code == "rate_limit_exceeded"
    totals = provider.ledger.totals()
    assert (totals.calls, totals.errors, totals.retries) == (1, 1, 2)
    assert totals.unpriced == 0


def test_overloaded_is_529_from_anthropic_and_503_from_openai(serve: Serve) -> None:
    provider = serve(Faults.none(overloaded=1.0, persistence=1.0))
    with anthropic(provider, max_retries=0) as client, pytest.raises(OverloadedError):
        client.messages.create(**MESSAGE)
    with openai(provider, max_retries=0) as client, pytest.raises(OpenAIServerError):
        client.chat.completions.create(**CHAT)
    assert [call.attempts[0].status for call in provider.ledger.calls()] == [529, 503]


def test_a_server_error_of_anthropic(serve: Serve) -> None:
    provider = serve(scripted(Fault.SERVER_ERROR))
    with anthropic(provider, max_retries=0) as client, pytest.raises(InternalServerError):
        client.messages.create(**MESSAGE, **KEYED)


def test_a_dropped_connection_is_retried_as_one(serve: Serve) -> None:
    provider = serve(scripted(Fault.DROP))
    with openai(provider) as client:
        client.chat.completions.create(**CHAT, **KEYED)
    assert provider.ledger.totals().retries_by_status == {"connection": 1}


def test_slow_answers_are_right_answers(serve: Serve) -> None:
    provider = serve(Faults.none(slow=1.0, slow_s=0.01))
    with openai(provider) as client:
        assert client.chat.completions.create(**CHAT).usage
    assert provider.ledger.totals().errors == 0


def test_a_cut_chat_stream_told_nothing_about_usage(serve: Serve) -> None:
    provider = serve(scripted(Fault.CUT))
    with openai(provider) as client:
        received = until_it_breaks(client.chat.completions.create(**STREAM, **KEYED))
    [call] = provider.ledger.calls()
    assert received
    assert call.ending is Ending.CUT
    assert call.tokens == Tokens()
    assert call.cost_usd is None
    assert provider.ledger.totals().errors == 1


def test_a_cut_message_stream_told_its_input(serve: Serve) -> None:
    provider = serve(scripted(Fault.CUT))
    with anthropic(provider) as client:
        [start, *_] = until_it_breaks(client.messages.create(**MESSAGE, stream=True, **KEYED))
    [call] = provider.ledger.calls()
    assert call.tokens.input == start.message.usage.input_tokens
    assert call.tokens.output is None


def test_an_error_inside_a_stream(serve: Serve) -> None:
    provider = serve(Faults.none(stream_error=1.0))
    with openai(provider) as client:
        with pytest.raises(APIError, match="had an error"):
            list(client.chat.completions.create(**STREAM))
        last = list(client.responses.create(model="gpt-5.4-mini", input="Hello", stream=True))[-1]
        assert last.type == "response.failed"
    with anthropic(provider) as client, pytest.raises(Exception, match="Overloaded"):
        list(client.messages.create(**MESSAGE, stream=True))
    assert [call.ending for call in provider.ledger.calls()] == [Ending.ERROR] * 3
    assert provider.ledger.totals().retries == 0


def test_stream_faults_leave_plain_calls_alone(serve: Serve) -> None:
    provider = serve(Faults.none(cut=0.5, stream_error=0.5))
    with openai(provider) as client:
        client.chat.completions.create(**CHAT)
    assert provider.ledger.totals().errors == 0


def test_null_usage_is_unreported_and_not_zero(serve: Serve) -> None:
    provider = serve(Faults.none(null_usage=1.0))
    with openai(provider) as client, anthropic(provider) as other:
        assert client.chat.completions.create(**CHAT).usage is None
        assert all(chunk.usage is None for chunk in client.chat.completions.create(**STREAM))
        assert client.responses.create(model="gpt-5.4-mini", input="Hello").usage is None
        assert client.embeddings.create(model="text-embedding-3-small", input="Hello").usage is None
        assert other.messages.create(**MESSAGE).usage is None
        with other.messages.stream(**MESSAGE) as stream:
            assert stream.get_final_message().usage.output_tokens is None
    assert {call.tokens for call in provider.ledger.calls()} == {Tokens()}
    totals = provider.ledger.totals()
    assert (totals.calls, totals.errors, totals.unpriced) == (6, 0, 6)


def test_a_stalled_stream_waits_for_the_client_to_leave(serve: Serve) -> None:
    provider = serve(scripted(Fault.STALL))
    with anthropic(provider) as client, client.messages.create(**MESSAGE, stream=True, **KEYED) as stream:
        assert next(stream).type == "message_start"
    assert [call.ending for call in provider.ledger.calls()] == [Ending.ABANDONED]
    totals = provider.ledger.totals()
    assert (totals.errors, totals.abandoned) == (0, 1)


def test_a_stalled_stream_is_cut_where_the_client_stays(serve: Serve) -> None:
    provider = serve(Faults.none(stall=1.0, stall_s=0.01))
    with openai(provider) as client:
        until_it_breaks(client.chat.completions.create(**STREAM))
    assert [call.ending for call in provider.ledger.calls()] == [Ending.CUT]


def test_a_storm_hits_one_model_in_its_window_only(serve: Serve) -> None:
    provider = serve(Faults.none(storms=(Storm("gpt-4.1-mini", first=2, last=3),)))
    with openai(provider, max_retries=1) as client, anthropic(provider) as other:
        failed = []
        for task in range(6):
            headers = {KEY_HEADER: f"{task}.0"}
            other.messages.create(**MESSAGE, extra_headers=headers | {KEY_HEADER: f"{task}.1"})
            try:
                client.chat.completions.create(**CHAT, extra_headers=headers)
            except OpenAIServerError:
                failed.append(task)
    assert failed == [2, 3]


def test_a_storm_counts_calls_that_carry_no_index(serve: Serve) -> None:
    provider = serve(Faults.none(storms=(Storm("gpt-4.1-mini", first=1, last=1, fault=Fault.DROP),)))
    with openai(provider, max_retries=0) as client:
        client.chat.completions.create(**CHAT)
        with pytest.raises(APIConnectionError):
            client.chat.completions.create(**CHAT)
        client.chat.completions.create(**CHAT)


def test_same_seed_same_counts_whatever_the_threads_do(serve: Serve) -> None:
    def served(seed: int, threads: int) -> dict[Any, Any]:
        provider = serve(Faults(), seed=seed)
        with openai(provider) as client, anthropic(provider) as other, ThreadPoolExecutor(threads) as pool:

            def task(number: int) -> None:
                headers = {KEY_HEADER: f"{number}.0"}
                try:
                    if number % 2:
                        list(client.chat.completions.create(**STREAM, extra_headers=headers))
                    else:
                        other.messages.create(**MESSAGE, extra_headers=headers)
                except Exception:  # the faults are the point; the ledger tells them apart
                    return

            list(pool.map(task, range(80)))
        return provider.ledger.groups()

    alone = served(seed=3, threads=1)
    assert served(seed=3, threads=8) == alone
    assert served(seed=4, threads=8) != alone


def test_requests_that_are_none_are_refused_and_not_served(provider: Provider) -> None:
    with openai(provider) as client:
        with pytest.raises(APIError, match="Unknown request URL"):
            client.models.list()
        with pytest.raises(APIError, match="Unknown request URL"):
            client.images.generate(prompt="a house")
        with pytest.raises(APIError, match="Invalid request"):
            client.chat.completions.create(model=None, messages=None)  # type: ignore[call-overload]
    assert provider.ledger.calls() == []


@pytest.mark.parametrize("share", [-0.1, 1.1])
def test_a_share_outside_0_to_1_is_refused_by_name(share: float) -> None:
    with pytest.raises(ValueError, match="rate_limit"):
        Faults(rate_limit=share)


def test_shares_that_add_up_to_more_than_1_are_refused() -> None:
    with pytest.raises(ValueError, match="add up"):
        Faults(rate_limit=0.6, slow=0.6)


def test_an_unknown_fault_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="'tantrum'"):
        Faults.none(tantrum=0.1)
