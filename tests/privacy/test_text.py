"""What `redact_text` replaces, what it leaves alone, and that it stays linear."""

from __future__ import annotations

import random
import time

import pytest

from agentobs.privacy import redact_text
from tests.support.samples import HARMLESS, JUDGED

TOKEN = "abcDEF123ghiJKL456mnoPQR789stuVWX012"


@pytest.mark.parametrize("secret", [f"sk-{TOKEN}", f"sk-or-v1-{TOKEN}", "sk-ant-api03-aBcD_1234-efgh5678"])
def test_a_key_of_a_known_service_is_a_secret(secret: str) -> None:
    assert redact_text(f"use {secret}, please") == "use [SECRET], please"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("password=hunter2", "password=[SECRET]"),
        ("DB_PASSWORD: hunter2", "DB_PASSWORD: [SECRET]"),
        ('{"password": "correct horse"}', '{"password": "[SECRET]"}'),
        (r"{\"api_key\": \"abc def\"}", r"{\"api_key\": \"[SECRET]\"}"),
        ("api-key: 'it\"s one'", "api-key: '[SECRET]'"),
        ("client_secret => s3cr3t", "client_secret => [SECRET]"),
        ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "AWS_SECRET_ACCESS_KEY=[SECRET]"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: [SECRET]"),
        ("curl -H 'bearer abc123def'", "curl -H 'bearer [SECRET]'"),
        ("access_token=abcd1234efgh&x=1", "access_token=[SECRET]&x=1"),
        ("my password is hunter2", "my password is [SECRET]"),
        ("postgres://user:p@ss@db:5432/x", "postgres://[SECRET]@db:5432/x"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nok", "[SECRET]\nok"),
        ("password=" + "x" * 5_000 + " end", "password=[SECRET] end"),
    ],
)
def test_a_value_given_to_a_secret_name_is_a_secret(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("write to jane.doe+x@mail.example.co.uk.", "write to [EMAIL]."),
        ("müller@exämple.de", "[EMAIL]"),
        ("pay with 4111 1111 1111 1111 123 now", "pay with [CARD] 123 now"),
        ("5500-0000-0000-0004", "[CARD]"),
        ("amex 378282246310005.", "amex [CARD]."),
        ("IBAN DE89 3704 0044 0532 0130 00 AND GB29NWBK60161331926819", "IBAN [IBAN] AND [IBAN]"),
        ("ssn 123-45-6789", "ssn [SSN]"),
        ("call +49 151 1234-5678 or +1 (415) 555-2671", "call [PHONE] or [PHONE]"),
        ("+14155552671", "[PHONE]"),
    ],
)
def test_personal_data_is_replaced_by_its_kind(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted


@pytest.mark.parametrize("text", ["", *HARMLESS, *JUDGED])
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact_text(text) == text


PIECES = [
    *("password=", "password: ", '"', "'", "\\", " ", "\n", "[SECRET]", "[EMAIL]", "token=", "bearer ", "api_key:"),
    *("a@b.co", "@", ".", "://", "u:p@", "sk-", TOKEN, "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "+"),
    *("1", "12", "-", "eyJabcdefghij.", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "is ", "İ", "key"),
]


def test_redacting_twice_changes_nothing_more() -> None:
    draw = random.Random(20261123)
    for _ in range(5_000):
        once = redact_text("".join(draw.choices(PIECES, k=draw.randint(1, 12))))
        assert redact_text(once) == once


def best_cpu_s(text: str) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        redact_text(text)
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.parametrize(
    "unit",
    [
        *(
            "a",
            "1",
            "1 ",
            "a@",
            "@",
            "x@a.",
            "://a:",
            "://",
            "sk-",
            "password=",
            'password="',
            "token=",
            "token='",
            "key=",
        ),
        *(
            "eyJaaaaaaaaa.",
            "-----BEGIN PRIVATE KEY-----",
            "-----BEGIN PRIVATE KEY-----\n-----END ",
            "bearer ",
            "+1 ",
            "+",
        ),
        *("DE89 ", "DE8937 ", "123-", "4111 ", 'password: "\\', "password is a", "secret  ", " \n", "\\"),
    ],
)
def test_hostile_text_takes_time_in_proportion_to_its_length(unit: str) -> None:
    # Eightfold text: linear work is 8 times as long, quadratic 64 times. The bound leaves room for a busy machine.
    short, long = ((unit * size)[:size] + "@ bearer :// password" for size in (12_500, 100_000))
    assert best_cpu_s(long) < 30 * best_cpu_s(short) + 0.1
