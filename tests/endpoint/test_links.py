"""Ratings by a link in a mail: a page asks, its form rates, and a program that follows links rates nothing."""

from __future__ import annotations

import re
from urllib.parse import urlencode, urlsplit

import pytest

from agentobs.endpoint import rating_link
from agentobs.testing import Captured
from tests.support.endpoint.twins import Answer, Twin, token

FORM = "application/x-www-form-urlencoded"


def opened(twin: Twin, link: str, method: str = "GET") -> Answer:
    """What a browser gets that follows the link."""
    parts = urlsplit(link)
    return twin.ask(method, f"{parts.path}?{parts.query}")


def sent(twin: Twin, page: Answer, origin: str = "http://testserver", **typed: str) -> Answer:
    """What the form of the page is answered with."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.body.decode()))
    return twin.post(urlencode({**fields, **typed}).encode(), FORM, "/feedback/rate", origin=origin)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_to_open_a_link_rates_nothing(twin: Twin, seen: Captured, method: str) -> None:
    link = rating_link("https://shop.example/feedback/", token(), "thumbs_down")
    for _ in range(3):
        assert opened(twin, link, method).status == 200
    assert not seen.events


@pytest.mark.parametrize(
    ("label", "name", "value"),
    [("thumbs_up", "user_feedback", 1.0), ("thumbs_down", "user_feedback", 0.0), ("4_stars", "stars", 0.75)],
)
def test_the_form_of_its_page_rates(twin: Twin, seen: Captured, label: str, name: str, value: float) -> None:
    page = opened(twin, rating_link("https://shop.example/feedback", token(), label))
    answer = sent(twin, page, comment="two\r\nlines, bob@example.com")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    (event,) = seen.events
    assert event.attributes["gen_ai.evaluation.name"] == name
    assert event.attributes["gen_ai.evaluation.score.value"] == value
    assert event.attributes["gen_ai.evaluation.explanation"] == "two\r\nlines, [EMAIL]"


def test_the_page_may_do_nothing_but_send_its_form(twin: Twin) -> None:
    page = opened(twin, rating_link("https://shop.example/feedback", token(), "thumbs_up"))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "form-action 'self'" in policy
    assert page.headers["referrer-policy"] == "same-origin"
    assert page.headers["x-robots-tag"] == "noindex"
    assert page.headers["cache-control"] == "no-store"


def test_a_form_of_another_site_is_refused(twin: Twin, seen: Captured) -> None:
    page = opened(twin, rating_link("https://shop.example/feedback", token(), "thumbs_up"))
    answer = sent(twin, page, origin="https://evil.example")
    assert (answer.status, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert not seen.events


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("token=x&label=thumbs_up", 401),
        ("token=x&label=copied", 400),
        ("token=x&label=thumbs_up&label=thumbs_up", 400),
        ("token=x&label=thumbs_up&id=<script>", 400),
        ("token=x&label=<script>alert(1)</script>", 400),
        ("token=%FF&label=thumbs_up", 400),
        ("&".join(f"a{number}=" for number in range(100)), 400),
    ],
)
def test_a_link_that_is_none_is_told_on_a_page(twin: Twin, query: str, status: int) -> None:
    answer = twin.ask("GET", f"/feedback/rate?{query}")
    assert (answer.status, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert b"script" not in answer.body


def test_a_token_for_other_names_is_told_on_the_page(twin: Twin) -> None:
    link = rating_link("https://shop.example/feedback", token(names=["tone"]), "thumbs_up")
    assert opened(twin, link).status == 403
    assert (
        opened(twin, rating_link("https://shop.example/feedback", token(names=["tone"]), "thumbs_up", "tone")).status
        == 200
    )


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS"])
def test_other_methods_are_refused(twin: Twin, method: str) -> None:
    answer = twin.ask(method, "/feedback/rate")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, POST")


def test_a_form_is_sent_as_a_form(twin: Twin) -> None:
    assert twin.post({"token": token(), "label": "thumbs_up"}, path="/feedback/rate").status == 415
    assert twin.post(b"label=\xff", FORM, "/feedback/rate").status == 400


@pytest.mark.parametrize(("endpoint", "label"), [("/feedback", "thumbs_up"), ("https://shop.example", "copied")])
def test_a_link_that_could_not_work_is_an_error(endpoint: str, label: str) -> None:
    with pytest.raises(ValueError, match="is not allowed; allowed"):
        rating_link(endpoint, "token", label)
