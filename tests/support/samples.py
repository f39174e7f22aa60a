"""A sample of every form in the table of patterns, made of pieces so that no scanner takes this file for a leak."""

from __future__ import annotations

from dataclasses import dataclass

_LONG = "abcDEF123ghiJKL456mnoPQR789stuVWX012"
_BEGIN, _END = "-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----"

_SAMPLES: dict[str, tuple[tuple[str, ...], ...]] = {
    "model provider key": (("", "sk-", f"ant-api03-{_LONG}"), ("", "sk-", f"proj-{_LONG}")),
    "Stripe key": (("", "sk_live_", _LONG), ("", "rk_test_", _LONG), ("", "pk_live_", _LONG)),
    "webhook secret": (("", "whsec_", f"{_LONG}+/="),),
    "GitHub token": (("", "ghp_", _LONG), ("", "github_pat_", _LONG)),
    "GitLab token": (("", "glpat-", _LONG),),
    "AWS key id": (("", "AKIA", "IOSFODNN7EXAMPLE"),),
    "Google key": (("", "AIza", _LONG), ("", "ya29.", _LONG), ("", "GOCSPX-", _LONG)),
    "Slack token": (("", "xoxb-", "123456789012-abcdefABCDEF"), ("", "xapp-", _LONG)),
    "Hugging Face token": (("", "hf_", _LONG),),
    "Groq key": (("", "gsk_", _LONG),),
    "xAI key": (("", "xai-", _LONG),),
    "npm token": (("", "npm_", _LONG),),
    "PyPI token": (("", "pypi-", _LONG),),
    "Replicate token": (("", "r8_", _LONG),),
    "Perplexity key": (("", "pplx-", _LONG),),
    "Tavily key": (("", "tvly-", _LONG),),
    "LangSmith key": (("", "lsv2_", _LONG),),
    "DigitalOcean token": (("", "dop_v1_", _LONG),),
    "SendGrid key": (("", "SG.", f"{_LONG}.{_LONG}"),),
    "JSON web token": (("", "eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmN-H4"),),
    "Slack webhook": (("https://hooks.slack.com/services/", "T0000/B0000", "/abcdefXYZ"),),
    "bearer token": (("Bearer ", "abc123", "def456"), ("bearer ", "x" * 10, "x" * 10)),
    "password in a URL": (
        ("postgres://", "ada:", "p@ss-w0rd", "@db:5432/x"),
        ("https://", "", _LONG, "@example.com/repository"),
    ),
    "private key": (("", _BEGIN, f"\nMIIEvAIBADAN\n{_END}"), ("", _BEGIN, "\nMIIEvAIBADAN")),
    "e-mail address": (("", "ada.lovelace", "@example.co.uk"), ("", "müller", "@exämple.de")),
    "payment card": (("", "4111", " 1111 1111 1111"), ("", "5555", "555555554444"), ("", "3782", "-822463-10005")),
    "IBAN": (("", "DE89", " 3704 0044 0532 0130 00"), ("", "GB29", "NWBK60161331926819")),
    "US social security number": (("", "078", "-05-1120"),),
    "international phone number": (
        ("", "+44", " 20 7946 0958"),
        ("", "+1", " (415) 555-2671"),
        ("", "+14155", "552671"),
    ),
    "member of JSON named like a secret": (
        ('{"db_password": "', "correct", " horse", '"}'),
        (r"{\"api_key\": \"", "a", " b", r"\"}"),
    ),
    "value given to a name": (
        ("password=", "hunter2", ""),
        ("AWS_SECRET_ACCESS_KEY: ", "wJalrXUtnFEMI", "/K7MD"),
    ),
    "authorization header": (("Authorization: Basic ", "dXNlcjpw", "YXNz"), ("authorization=", "abcdef", "ghi")),
}


@dataclass(frozen=True)
class Sample:
    """A secret between what stays around it."""

    pattern: str
    before: str
    secret: str
    after: str = ""

    @property
    def text(self) -> str:
        return self.before + self.secret + self.after


SAMPLES = [
    Sample(name, before, first + second, "".join(after))
    for name, rows in _SAMPLES.items()
    for before, first, second, *after in rows
]

HARMLESS = (
    "chatcmpl-D7mVx3s1dI2SICWePwHVeWCDct2QG",
    "resp_68cdba511c7081a389e67b16621",
    "msg_01C8QmrbcFeawb toolu_01ABCdef call_abc12345678",
    "550e8400-e29b-41d4-a716-446655440000",
    "41111111-1111-1111-1111-111111111111",
    "max_tokens: 1000, total_tokens=123456789, token: 5",
    "2026-11-23T12:30:45.123456+02:00 and 1732379445123 and 1732379445123456789",
    "npm install react@18.2.0",
    "def login(password: str, api_key: Optional = None) -> None",
    "monkey: banana, keyboard=qwerty, primary key: id",
    "a + 1000000 = b",
    "İstanbul 🙂 漢字",
    "Order 4711 of 2026-11-23 cost 12.50 USD, ticket ABC-123, see https://example.com:8443/a@b",
)
"""What neither side takes for a secret."""

JUDGED = (
    "$0.0000025 per token, 1,234,567.89 in all, 0.4111111111111111",
    "the token type is bearer authentication",
    "4111 1111 1111 1112 has a wrong check digit",
    "DE89 3704 0044 0532 0130 01 has wrong check digits",
    "task-specific-instructions-for-you and sk-learn-compatible-estimators",
)
"""What the process leaves alone, because code can judge it, and the collector masks."""
