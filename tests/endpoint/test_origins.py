"""Which pages may post, and what browsers are told."""

from __future__ import annotations

import pytest

import agentobs
from agentobs.config import ConfigError
from tests.support.endpoint.twins import Twin, token

SHOP = "https://shop.example"


@pytest.fixture
def shop(kind, seen) -> Twin:  # type: ignore[no-untyped-def]
    return kind(origins=[SHOP, "http://localhost:8000"])  # type: ignore[no-any-return]


@pytest.mark.parametrize("origin", [SHOP, "http://localhost:8000", "http://testserver", "https://testserver"])
def test_listed_pages_and_those_of_the_same_host_may_post(shop: Twin, origin: str) -> None:
    answer = shop.post({"token": token(), "label": "thumbs_up"}, origin=origin)
    assert answer.status == 202
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example:444",
        "https://shop.example.evil.example",
        "null",
        "x",
    ],
)
def test_other_pages_are_403(shop: Twin, origin: str) -> None:
    answer = shop.post({"token": token(), "label": "thumbs_up"}, origin=origin)
    assert (answer.status, answer.problem) == (403, "origin")
    assert "access-control-allow-origin" not in answer.headers


def test_programs_that_are_no_pages_may_post(shop: Twin) -> None:
    assert shop.post({"token": token(), "label": "thumbs_up"}).status == 202


def test_a_preflight_tells_what_is_allowed(shop: Twin) -> None:
    answer = shop.ask("OPTIONS", headers={"origin": SHOP, "access-control-request-method": "POST"})
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == SHOP
    assert answer.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-headers"] == "content-type"
    assert shop.ask("OPTIONS", headers={"origin": "https://evil.example"}).problem == "origin"


def test_pages_can_read_why_they_were_turned_away(shop: Twin) -> None:
    assert shop.post(b"{", origin=SHOP).headers["access-control-allow-origin"] == SHOP


def test_every_page_may_post_where_that_is_said(kind, seen) -> None:  # type: ignore[no-untyped-def]
    answer = kind(origins=["*"]).post({"token": token(), "label": "thumbs_up"}, origin="null")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (202, "*")


def test_an_origin_is_compared_as_browsers_write_it(kind, seen) -> None:  # type: ignore[no-untyped-def]
    twin = kind(origins=["HTTPS://Shop.Example:443"])
    assert twin.post({"token": token(), "label": "thumbs_up"}, origin=SHOP).status == 202


@pytest.mark.parametrize(
    "origins",
    [
        ["shop.example"],
        ["https://shop.example/"],
        ["https://shop.example/path"],
        ["https://*.example"],
        ["https://user@shop.example"],
        ["ftp://shop.example"],
        ["https://shop.example:99999"],
        ["https://"],
        ["null"],
        [""],
        [None],
        [SHOP, "https://b.example?"],
        SHOP,
    ],
)
@pytest.mark.parametrize("make", [agentobs.feedback_app, agentobs.feedback_wsgi])
def test_a_malformed_allow_list_is_an_error_when_the_app_is_made(make, origins) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match="origins"):
        make(secret="x" * 40, origins=origins)


def test_a_proxy_that_rewrites_host_is_explained(kind, seen, caplog: pytest.LogCaptureFixture) -> None:  # type: ignore[no-untyped-def]
    twin = kind()
    for _ in range(2):
        answer = twin.post({"token": token(), "label": "thumbs_up"}, origin=SHOP, host="10.0.0.7:8000")
        assert answer.problem == "origin"
        assert "behind a proxy that rewrites Host, put the page's origin into origins=" in answer.json["detail"]
    (line,) = [record.getMessage() for record in caplog.records if "is not in origins=" in record.getMessage()]
    assert SHOP in line
    assert "10.0.0.7:8000" in line
    assert (
        kind(origins=[SHOP]).post({"token": token(), "label": "thumbs_up"}, origin=SHOP, host="10.0.0.7").status == 202
    )
