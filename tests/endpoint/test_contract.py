"""What may be posted, and what the answer is. Each test is made with both twins."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentobs.testing import Captured
from tests.support.endpoint.twins import Twin, token


def rating(seen: Captured) -> dict[str, Any]:
    """What the one event says of name, value, label, comment and source."""
    (event,) = seen.events
    names = {
        "gen_ai.evaluation.name": "name",
        "gen_ai.evaluation.score.value": "value",
        "gen_ai.evaluation.score.label": "label",
        "gen_ai.evaluation.explanation": "comment",
        "agentobs.feedback.source": "source",
    }
    return {names[key]: value for key, value in event.attributes.items() if key in names}


@pytest.mark.parametrize(
    ("posted", "meant"),
    [
        ({"label": "thumbs_up"}, {"name": "user_feedback", "value": 1.0, "label": "thumbs_up"}),
        ({"label": "thumbs_down"}, {"name": "user_feedback", "value": 0.0, "label": "thumbs_down"}),
        ({"value": 0.25}, {"name": "user_feedback", "value": 0.25}),
        ({"label": "wordy", "value": 0.5}, {"name": "user_feedback", "value": 0.5, "label": "wordy"}),
        ({"label": "wrong"}, {"name": "user_feedback", "label": "wrong"}),
        ({"name": "stars", "value": 1}, {"name": "stars", "value": 0.0, "label": "1_star"}),
        ({"name": "stars", "value": 4}, {"name": "stars", "value": 0.75, "label": "4_stars"}),
        ({"name": "stars", "label": "5_stars"}, {"name": "stars", "value": 1.0, "label": "5_stars"}),
        ({"value": 1, "comment": "so\tgood\r\n"}, {"name": "user_feedback", "value": 1.0, "comment": "so\tgood\r\n"}),
        ({"label": "thumbs_down", "value": 0}, {"name": "user_feedback", "value": 0.0, "label": "thumbs_down"}),
        ({"label": "thumbs_up", "value": 0.9}, {"name": "user_feedback", "value": 0.9, "label": "thumbs_up"}),
        ({"name": "stars", "label": "4_stars", "value": 4}, {"name": "stars", "value": 0.75, "label": "4_stars"}),
    ],
)
def test_a_rating_is_thumbs_or_stars_or_a_score_or_a_word(
    twin: Twin, seen: Captured, posted: dict[str, Any], meant: dict[str, Any]
) -> None:
    assert twin.post({"token": token(), **posted}).status == 202
    assert rating(seen) == {**meant, "source": "end_user"}


@pytest.mark.parametrize("label", ["copied", "regenerated", "edited", "abandoned"])
def test_what_users_do_is_feedback_without_a_score_and_of_its_own_source(
    twin: Twin, seen: Captured, label: str
) -> None:
    assert twin.post({"token": token(), "label": label}).status == 202
    assert rating(seen) == {"name": "implicit", "label": label, "source": "implicit"}
    assert seen.value("agentobs.feedback.received", agentobs_feedback_source="implicit") == 1
    assert seen.value("agentobs.feedback.score") == 0


@pytest.mark.parametrize("path", ["/feedback", "/feedback/"])
@pytest.mark.parametrize("media_type", ["application/json", "text/plain;charset=UTF-8", 'Text/Plain; charset="utf-8"'])
def test_path_with_or_without_slash_and_both_media_types(twin: Twin, path: str, media_type: str) -> None:
    answer = twin.post({"token": token(), "label": "thumbs_up"}, media_type, path)
    assert (answer.status, answer.json["id"]) == (202, "user_feedback")


def test_the_id_that_was_given_comes_back(twin: Twin) -> None:
    assert twin.post({"token": token(), "label": "thumbs_up", "id": "page-3"}).json["id"] == "page-3"


@pytest.mark.parametrize(
    ("posted", "detail"),
    [
        ({}, "value and label are both missing"),
        ({"label": "thumbs_up", "value": 5}, "from 0 to 1"),
        ({"name": "stars", "label": "5_stars", "value": 0.5}, "1, 2, 3, 4 or 5"),
        ({"label": "a\x00b"}, "label has a control character"),
        ({"value": 1, "comment": "a\x00b"}, "comment has a control character"),
        ({"value": 1, "comment": "a\x1bb"}, "comment has a control character"),
        ({"value": 1, "correction": "a\x7f"}, "correction has a control character"),
        ({"value": 1, "correction": "x" * 2001}, "0 to 2000 characters"),
        ({"withdraw": False}, "allowed is true"),
        ({"withdraw": True, "value": 1}, "does not go together"),
        ({"withdraw": True, "comment": ""}, "does not go together"),
        ({"value": 1.5}, "from 0 to 1"),
        ({"value": -0.1}, "from 0 to 1"),
        ({"value": True}, "a number"),
        ({"value": "1"}, "a number"),
        ({"value": None}, "a number"),
        ({"label": ""}, "1 to 64 characters"),
        ({"label": "x" * 65}, "1 to 64 characters"),
        ({"label": 3}, "1 to 64 characters"),
        ({"value": 1, "comment": "x" * 1001}, "0 to 1000 characters"),
        ({"value": 1, "id": "a b"}, "id is not allowed"),
        ({"value": 1, "id": "a\n"}, "id is not allowed"),
        ({"value": 1, "name": "a b"}, "name is not allowed"),
        ({"value": 1, "name": "user_feedback\n"}, "name is not allowed"),
        ({"name": "stars", "value": 6}, "1, 2, 3, 4 or 5"),
        ({"name": "stars", "value": 2.5}, "1, 2, 3, 4 or 5"),
        ({"name": "stars", "label": "thumbs_up"}, "1_star"),
        ({"label": "4_stars"}, "go with the name stars only"),
        ({"name": "implicit", "label": "thumbs_up"}, "go together only"),
        ({"name": "user_feedback", "label": "copied"}, "go together only"),
        ({"value": 1, "colour": "red"}, "a member that is not known"),
    ],
)
def test_what_is_not_a_rating_is_400_and_says_what_is_allowed(twin: Twin, posted: dict[str, Any], detail: str) -> None:
    answer = twin.post({"token": token(), **posted})
    assert (answer.status, answer.problem) == (400, "malformed")
    assert detail in answer.json["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"value": NaN}',
        b'{"value": 1e999}',
        b"[" * 9000,
        b"9" * 5000,
    ],
)
def test_what_is_not_json_is_400(twin: Twin, body: bytes) -> None:
    answer = twin.post(body)
    assert (answer.status, answer.problem) == (400, "malformed")


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "BREW"])
@pytest.mark.parametrize("query", ["", "?label=thumbs_up&token=x"])
def test_nothing_is_written_by_another_method_than_post(twin: Twin, seen: Captured, method: str, query: str) -> None:
    answer = twin.ask(method, f"/feedback{query}")
    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
    assert not seen.events


@pytest.mark.parametrize(
    "media_type", ["application/x-www-form-urlencoded", "text/html", "", "application/json; charset=latin-1"]
)
def test_other_media_types_are_415(twin: Twin, media_type: str) -> None:
    answer = twin.post({"token": token(), "label": "thumbs_up"}, media_type)
    assert (answer.status, answer.problem) == (415, "media_type")
    assert answer.headers["accept-post"] == "application/json, text/plain"


def test_an_encoded_body_is_415(twin: Twin) -> None:
    assert twin.post({"token": token(), "label": "thumbs_up"}, content_encoding="gzip").problem == "media_type"


def test_a_large_body_is_413(twin: Twin) -> None:
    answer = twin.post({"token": token(), "label": "thumbs_up", "comment": "x" * 20_000})
    assert (answer.status, answer.problem) == (413, "too_large")


def test_another_path_is_404(twin: Twin, seen: Captured) -> None:
    assert twin.post({}, path="/feedback/other").problem == "not_found"
    assert seen.value("agentobs.feedback.rejected") == 0


def test_nothing_that_was_sent_is_echoed(twin: Twin) -> None:
    bad = "<script>alert(1)</script>"
    for posted in ({"value": bad}, {"name": bad, "value": 1}, {"id": bad, "value": 1}, {bad: bad}):
        answer = twin.post({"token": token(), **posted})
        assert b"script" not in answer.body
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert b"script" not in twin.ask("POST", f"/feedback/{bad}").body


def test_answers_set_no_cookie_and_are_not_stored(twin: Twin) -> None:
    for answer in (twin.post({"token": token(), "label": "thumbs_up"}), twin.post(b"{"), twin.ask("GET")):
        assert "set-cookie" not in answer.headers
        assert answer.headers["cache-control"] == "no-store"


def test_secrets_and_personal_data_in_comments_and_free_labels_are_replaced(twin: Twin, seen: Captured) -> None:
    posted = {"token": token(), "label": "ask bob@example.com", "comment": "my key is sk-abcdefghijklmnopqrstuvwx"}
    assert twin.post(posted).status == 202
    assert rating(seen)["label"] == "ask [EMAIL]"
    assert rating(seen)["comment"].startswith("my key is [SECRET]")
    assert "abcdefgh" not in json.dumps(seen.events[0].attributes)


def test_a_corrected_answer_is_feedback_and_redacted(twin: Twin, seen: Captured) -> None:
    rating = {"token": token(), "label": "thumbs_down", "correction": "Write to bob@example.com instead."}
    assert twin.post(rating).status == 202
    assert seen.events[0].attributes["agentobs.feedback.correction"] == "Write to [EMAIL] instead."


def test_lone_surrogates_do_no_harm(twin: Twin, seen: Captured) -> None:
    assert twin.post({"token": token(), "label": "\ud800", "comment": "a\udfffb"}).status == 202
    assert rating(seen)["comment"].encode()
