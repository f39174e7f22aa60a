"""Tokens: what they carry, who believes them, and for how long."""

from __future__ import annotations

import hashlib
import time

import pytest

import agentobs
from agentobs.config import ConfigError
from agentobs.endpoint import tokens
from agentobs.testing import Captured
from tests.support.endpoint.twins import ASGI, SECRET, Twin, token

OTHER = "another secret that is long enough too"


NOW = time.time


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(time, "time", lambda: NOW() + seconds)


def test_a_token_fits_into_a_header_and_carries_what_the_event_needs(seen: Captured) -> None:
    with agentobs.agent("support", conversation_id="c-1") as scope:
        scope.run.request_model = "gpt-4.1-mini"
        with agentobs.fallback("answer", kind="static", reason="quota"):
            pass
        made = agentobs.feedback_token(secret=SECRET, names=["tone", "facts"])
    assert made is not None
    assert made.isascii()
    assert " " not in made
    assert len(made) < 400
    claims = tokens.signer_of((SECRET,)).read(made)
    span = seen.span("invoke_agent support")
    assert claims.names == ("tone", "facts")
    assert (claims.rated.trace_id, claims.rated.span_id) == (span.trace_id, span.span_id)
    assert (claims.rated.agent, claims.rated.model, claims.rated.level) == ("support", "gpt-4.1-mini", "static")
    assert (claims.rated.conversation_id, claims.rated.sampled) == ("c-1", True)


def test_there_is_no_token_where_there_is_nothing_to_rate(seen: Captured) -> None:
    assert agentobs.feedback_token(secret=SECRET) is None


def test_there_is_no_token_without_instrument() -> None:
    with agentobs.agent("support"):
        assert agentobs.feedback_token(secret=SECRET) is None


@pytest.mark.parametrize(
    "change", [lambda t: t + "x", lambda t: t[:-1], lambda t: t[1:], lambda t: "x", lambda t: "ä" + t]
)
def test_a_forged_token_is_401(twin: Twin, change) -> None:  # type: ignore[no-untyped-def]
    answer = twin.post({"token": change(token()), "label": "thumbs_up"})
    assert (answer.status, answer.problem) == (401, "forged")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_of_another_secret_is_401(twin: Twin) -> None:
    assert twin.post({"token": token(secret=OTHER), "label": "thumbs_up"}).problem == "forged"


def test_a_signed_word_of_another_kind_is_401(twin: Twin) -> None:
    from itsdangerous import URLSafeTimedSerializer

    for payload in ("text", [1, 2], None, {"a": 1}):
        other = URLSafeTimedSerializer(SECRET, salt="something else").dumps(payload)
        assert twin.post({"token": other, "label": "thumbs_up"}).problem == "forged"


WHOLE = ["1" * 32, "2" * 16, 1, None, None, None, None, ["user_feedback"], 3600]


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (0, None),
        (0, "not a trace"),
        (1, "not a span"),
        (1, 7),
        (2, "yes"),
        (3, "a\x00b"),
        (4, 3),
        (5, "x" * 5000),
        (7, "user_feedback"),
        (7, []),
        (7, [3]),
        (8, "a week"),
        (8, None),
        (8, True),
        (8, -1),
        (None, "text"),
        (None, None),
        (None, {"a": 1}),
        (None, []),
    ],
)
def test_what_is_signed_and_is_no_token_is_400(twin: Twin, member: int | None, value: object) -> None:
    from itsdangerous import URLSafeTimedSerializer

    payload: object = value
    if member is not None:
        payload = [*WHOLE[:member], value, *WHOLE[member + 1 :]]
    sign = URLSafeTimedSerializer(
        SECRET, salt="agentobs.feedback", signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
    )
    assert twin.post({"token": sign.dumps(WHOLE), "label": "thumbs_up"}).status == 202
    answer = twin.post({"token": sign.dumps(payload), "label": "thumbs_up"})
    assert (answer.status, answer.problem) == (400, "malformed")


def test_an_expired_token_is_401(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    short, long = token(ttl_s=60), token(ttl_s=7200)
    later(monkeypatch, 3600)
    answer = twin.post({"token": short, "label": "thumbs_up"})
    assert (answer.status, answer.problem) == (401, "expired")
    assert twin.post({"token": long, "label": "thumbs_up"}).status == 202


def test_a_token_lives_for_a_week_unless_told_otherwise(twin: Twin, monkeypatch: pytest.MonkeyPatch) -> None:
    made = token()
    later(monkeypatch, 7 * 86_400 - 60)
    assert twin.post({"token": made, "label": "thumbs_up"}).status == 202
    later(monkeypatch, 7 * 86_400 + 60)
    assert twin.post({"token": made, "label": "thumbs_up"}).problem == "expired"


def test_a_clock_that_is_a_little_ahead_is_forgiven_and_one_that_is_far_ahead_is_not(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = token()
    later(monkeypatch, -30)
    assert twin.post({"token": made, "label": "thumbs_up"}).status == 202
    for ahead_s in (61, 3600):
        later(monkeypatch, -ahead_s)
        answer = twin.post({"token": made, "label": "thumbs_up"})
        assert (answer.status, answer.problem) == (401, "clock_skew")
        assert "set the clocks" in answer.json["detail"]


def test_a_name_that_the_token_does_not_allow_is_403(twin: Twin) -> None:
    answer = twin.post({"token": token(names=["tone"]), "label": "thumbs_up"})
    assert (answer.status, answer.problem) == (403, "scope")
    assert twin.post({"token": token(names=["tone"]), "name": "tone", "value": 1}).status == 202


def test_keys_rotate(seen: Captured) -> None:
    old, new = token(secret=OTHER), token(secret=[SECRET, OTHER])
    rotated, finished = ASGI(secret=[SECRET, OTHER]), ASGI(secret=SECRET)
    for made in (old, new):
        assert rotated.post({"token": made, "label": "thumbs_up"}).status == 202
    assert finished.post({"token": new, "label": "thumbs_up"}).status == 202
    assert finished.post({"token": old, "label": "thumbs_up"}).problem == "forged"


def test_the_variable_may_hold_several_secrets(seen: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = "a" * 40, "b" * 40
    monkeypatch.setenv("AGENTOBS_FEEDBACK_SECRET", f"{first}, {second}")
    twin = ASGI(secret=None)
    for made in (token(secret=None), token(secret=second)):
        assert twin.post({"token": made, "label": "thumbs_up"}).status == 202


def test_the_secret_of_the_endpoint_signs_where_none_is_given(seen: Captured) -> None:
    twin = ASGI(secret=OTHER)
    assert twin.post({"token": token(secret=None), "label": "thumbs_up"}).status == 202


@pytest.mark.parametrize("make", [agentobs.feedback_app, agentobs.feedback_wsgi])
@pytest.mark.parametrize("secret", [None, "", "short", "x" * 31, ["x" * 40, "short"], [], [None]])
def test_a_missing_or_short_secret_is_an_error_when_the_app_is_made(make, secret) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=r"secret") as caught:
        make(secret=secret)
    assert "token_urlsafe(32)" in str(caught.value) or "allowed is a text" in str(caught.value)


def test_a_short_secret_of_the_variable_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOBS_FEEDBACK_SECRET", "hunter2")
    with pytest.raises(ConfigError, match="AGENTOBS_FEEDBACK_SECRET is 7 bytes long") as caught:
        agentobs.feedback_app()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        agentobs.feedback_app,
        agentobs.feedback_wsgi,
        lambda **options: agentobs.FeedbackTokenMiddleware(None, **options),  # type: ignore[arg-type]
        lambda **options: agentobs.FeedbackTokenWSGI(None, **options),  # type: ignore[arg-type]
    ],
)
def test_a_variable_and_an_option_that_differ_are_an_error_when_the_app_is_made(make, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("AGENTOBS_FEEDBACK_SECRET", OTHER)
    with pytest.raises(ConfigError, match="is another one than AGENTOBS_FEEDBACK_SECRET") as caught:
        make(secret=SECRET)
    assert SECRET not in str(caught.value)
    make(secret=[SECRET, OTHER])
    make(secret=OTHER)


def test_a_token_needs_a_secret(seen: Captured) -> None:
    with agentobs.agent("support"), pytest.raises(ConfigError, match="there is no default"):
        agentobs.feedback_token()


@pytest.mark.parametrize("names", [[], ["a b"], [""], [3], [f"n{i}" for i in range(21)]])
def test_names_that_are_not_allowed_are_an_error(names) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="names"):
        agentobs.feedback_token(secret=SECRET, names=names)


@pytest.mark.parametrize("ttl_s", [0, -1, float("nan"), True, "7 d"])
def test_lifetimes_that_are_not_allowed_are_an_error(ttl_s) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match="ttl_s"):
        agentobs.feedback_token(secret=SECRET, ttl_s=ttl_s)
