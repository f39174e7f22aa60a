"""How often somebody may post."""

from __future__ import annotations

import pytest

from agentobs.config import ConfigError
from agentobs.endpoint.http import sender
from agentobs.endpoint.limits import RateLimit, network_of
from tests.support.endpoint.twins import ASGI, token
from tests.support.memory import kept_bytes


def test_a_token_may_post_so_often_a_minute(kind, seen) -> None:  # type: ignore[no-untyped-def]
    twin, made = kind(per_token=3), token()
    answers = [twin.post({"token": made, "label": "thumbs_up"}) for _ in range(4)]
    assert [answer.status for answer in answers] == [202, 202, 202, 429]
    assert answers[-1].problem == "rate"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20
    assert twin.post({"token": token(), "label": "thumbs_up"}).status == 202


def test_an_address_may_post_so_often_a_minute_whatever_it_posts(kind, seen) -> None:  # type: ignore[no-untyped-def]
    twin = kind(per_address=3)
    assert [twin.post(b"{").status for _ in range(4)] == [400, 400, 400, 429]


def test_the_address_is_the_one_that_the_own_proxy_saw(kind, seen) -> None:  # type: ignore[no-untyped-def]
    twin = kind(per_address=1, trusted_proxies=1)
    for number in range(3):
        assert twin.post(b"{", x_forwarded_for=f"10.0.0.{number}").status == 400
    # What the sender writes itself stands further left.
    assert twin.post(b"{", x_forwarded_for="1.1.1.1, 10.0.0.2").status == 429


def test_nobody_is_believed_where_there_is_no_proxy() -> None:
    assert sender({"x-forwarded-for": "1.1.1.1"}, "10.0.0.1", 0) == "10.0.0.1"
    assert sender({"x-forwarded-for": "1.1.1.1, 2.2.2.2, 3.3.3.3"}, "10.0.0.1", 2) == "2.2.2.2"
    assert sender({}, "10.0.0.1", 1) == "10.0.0.1"


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("192.0.2.1:51234", "192.0.2.1"),
        ("[2001:db8::1]:51234", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("unknown", "unknown"),
    ],
)
def test_a_port_in_the_header_of_a_proxy_is_no_part_of_the_address(hop: str, address: str) -> None:
    assert sender({"x-forwarded-for": f"1.1.1.1, {hop}"}, "10.0.0.1", 1) == address


def test_ports_of_one_sender_are_one_sender(kind, seen) -> None:  # type: ignore[no-untyped-def]
    twin = kind(per_address=2, trusted_proxies=1)
    hops = ("192.0.2.1:1", "192.0.2.1:2", "192.0.2.1:3")
    assert [twin.post(b"{", x_forwarded_for=hop).status for hop in hops] == [400, 400, 429]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:1", "2001:db8::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("not:an:address", "not:an:address"),
        ("", ""),
    ],
)
def test_a_host_cannot_choose_among_many_addresses(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_bucket_fills_up_again() -> None:
    now = [100.0]
    limit = RateLimit(2, 60.0, clock=lambda: now[0])
    assert [limit.wait_s("a") for _ in range(3)] == [0, 0, 30]
    now[0] += 29
    assert limit.wait_s("a") == pytest.approx(1)
    now[0] += 1
    assert [limit.wait_s("a"), limit.wait_s("b")] == [0, 0]


def test_many_senders_do_not_fill_the_memory() -> None:
    def asked(senders: int) -> RateLimit:
        limit = RateLimit(1, 60.0)
        for number in range(senders):
            limit.wait_s(f"{number:08}")
        return limit

    few, many = (kept_bytes(lambda n=n: asked(n)) for n in (21_000, 42_000))  # type: ignore[misc]
    assert many < 1.5 * few


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("per_token", 0),
        ("per_address", -1),
        ("per_address", "many"),
        ("trusted_proxies", -1),
        ("body_limit_bytes", 1),
        ("body_timeout_s", 0),
        ("late_after_s", float("nan")),
        ("labels", "thumbs"),
        ("labels", [""]),
    ],
)
def test_a_number_that_is_not_allowed_is_an_error_when_the_app_is_made(option: str, value: object) -> None:
    with pytest.raises(ConfigError, match=option):
        ASGI(**{option: value})
