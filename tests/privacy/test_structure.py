"""What `redact` makes of structures: names count, and so does JSON inside of text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentobs.privacy import bounded, redact, render


@pytest.mark.parametrize(
    "name",
    [
        *("password", "db_password", "Password", "userPassword", "secret", "client_secret", "clientSecret", "api_key"),
        *("apiKey", "API-KEY", "x-api-key", "Authorization", "access_token", "accessToken", "token", "private_key"),
        *("aws_secret_access_key", "credentials", "Cookie", "Set-Cookie", "connection_string", "PASSWORD_HASH"),
    ],
)
def test_what_stands_under_a_secret_name_is_replaced(name: str) -> None:
    assert redact({"a": [{name: "x y"}]}) == {"a": [{name: "[SECRET]"}]}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, 4096) for name in ("max_tokens", "input_tokens", "maxTokens", "token_limit", "tokens", "token")),
        *((name, "abc") for name in ("token_type", "next_page_token", "pageToken", "secret_name", "password_policy")),
        *((name, "abc") for name in ("author", "secretary", "monkey", "key", "primary_key", "keyboard", "tokenizer")),
        *(("password_required", True), ("password", None), ("has_secret", False), ("reset_password_url", "/reset")),
    ],
)
def test_counts_kinds_and_other_names_stay(name: str, value: Any) -> None:
    assert redact({name: value}) == {name: value}


def test_everything_below_a_secret_name_is_replaced() -> None:
    found = redact({"credentials": {"user": "jane", "pins": [1234, "5678"], "active": True}})
    assert found == {"credentials": {"user": "[SECRET]", "pins": ["[SECRET]", "[SECRET]"], "active": True}}


def test_the_schema_of_a_tool_keeps_its_parameters() -> None:
    schema = {"type": "object", "properties": {"password": {"type": "string", "description": "at least 8 letters"}}}
    assert redact(schema) == schema


def test_text_that_is_json_is_redacted_as_a_structure() -> None:
    arguments = json.dumps({"user": "jane@example.com", "pwd": "a b c", "nested": json.dumps({"token": "zzz"})})
    found = json.loads(redact({"arguments": arguments})["arguments"])
    assert found == {"user": "[EMAIL]", "pwd": "[SECRET]", "nested": '{"token":"[SECRET]"}'}


def test_json_text_without_findings_keeps_its_form() -> None:
    text = '{ "b" : 1.50,\n "a": [1, 2] }'
    assert redact(text) == text


def test_broken_and_hostile_json_text_is_redacted_as_text() -> None:
    assert redact('{"password": "x y", "a": }') == '{"password": "[SECRET]", "a": }'
    assert redact("[" * 50_000 + "]") == "[" * 50_000 + "]"
    assert redact("[" + "9" * 50_000 + "]") == "[" + "9" * 50_000 + "]"


def test_names_that_are_personal_data_are_replaced_and_stay_apart() -> None:
    found = redact({"a@example.com": 1, "b@example.com": 2})
    assert found == {"[EMAIL]": 1, "[EMAIL] (2)": 2}


def test_redacting_a_structure_twice_changes_nothing_more() -> None:
    value = {"password": ["a"], "x": '{"api_key": "b", "m": "c@example.com"}', "y": "password=z12 c@example.com"}
    once = redact(value)
    assert redact(once) == once
    assert "c@example.com" not in render(once)


@pytest.mark.parametrize("position", range(1_960, 2_160, 7))
def test_a_secret_across_the_cut_of_a_long_text_does_not_show(position: int) -> None:
    secret = "sk-proj-abcDEF123456789abcDEF1234567890"
    text = ("word " * 1_000)[:position] + " " + secret + " " + "tail " * 20_000
    found = bounded(text, limit_bytes=64, redacted=True)
    assert len(found) < 3_000
    assert "sk-proj" not in found


def test_a_long_data_url_keeps_its_type_and_length_only() -> None:
    found = bounded({"url": "data:image/png;base64," + "A" * 4_000}, limit_bytes=16_384, redacted=False)
    assert found == {"url": "data:image/png;base64,[3000 bytes]"}


def test_long_base64_text_keeps_its_length_only() -> None:
    assert bounded({"data": "A" * 3_998 + "=="}, limit_bytes=16_384, redacted=False) == {"data": "[base64, 2998 bytes]"}
    words = "word " * 1_000
    assert bounded(words, limit_bytes=16_384, redacted=False) == words
