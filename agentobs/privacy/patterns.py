"""The forms of secrets and personal data: one table, for redaction in the process and for the collector's config.

Pure data. Every form is written in what Python's `re` and RE2 (Go, the collector) have in common: no look-around, no
back-reference, ASCII classes. What only code can judge (check digits, what stands around a number) is checked by the
process besides, so the collector masks a little more than the process does, never less of what the table knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SECRET: Final = "[SECRET]"  # noqa: S105  what stands in a secret's place
EMAIL: Final = "[EMAIL]"
CARD: Final = "[CARD]"
IBAN: Final = "[IBAN]"
SSN: Final = "[SSN]"
PHONE: Final = "[PHONE]"

LETTERS: Final = r"\p{L}\p{N}_"
"""Letters, digits and underscore of every script, inside a class of RE2; Python's `re` writes `\\w` for it."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One form of a secret.

    `form` is what is replaced by `mark`; `before` and `after` must stand around it and are kept. `needs` are texts of
    which one is in everything that `before` and `form` match, for a quick search. `start` is what must hold where the
    match begins: `\\b` where a word begins, `\\B` where none ends.
    """

    name: str
    form: str
    needs: tuple[str, ...]
    mark: str = SECRET
    before: str = ""
    after: str = ""
    start: str = ""
    ignore_case: bool = False


def _key(name: str, form: str, *needs: str) -> Pattern:
    return Pattern(name, form, needs, start=r"\b")


SERVICE_KEYS: Final = (
    _key("model provider key", r"sk-[\w-]{16,}", "sk-"),
    _key("Stripe key", r"[sr]k_(?:live|test)_\w{10,}|pk_live_\w{10,}", "sk_", "rk_", "pk_live_"),
    _key("webhook secret", r"whsec_[\w+/=]{16,}", "whsec_"),
    _key("GitHub token", r"gh[pousr]_\w{20,}|github_pat_\w{20,}", *(f"gh{c}_" for c in "pousr"), "github_pat_"),
    _key("GitLab token", r"glpat-[\w-]{16,}", "glpat-"),
    _key("AWS key id", r"(?:AKIA|ASIA)[A-Z0-9]{16}\b", "AKIA", "ASIA"),
    _key("Google key", r"AIza[\w-]{30,}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}", "AIza", "ya29.", "GOCSPX-"),
    _key("Slack token", r"xox[a-z]-[\w-]{10,}|xapp-[\w-]{10,}", "xox", "xapp-"),
    _key("Hugging Face token", r"hf_\w{20,}", "hf_"),
    _key("Groq key", r"gsk_\w{20,}", "gsk_"),
    _key("xAI key", r"xai-\w{20,}", "xai-"),
    _key("npm token", r"npm_\w{30,}", "npm_"),
    _key("PyPI token", r"pypi-[\w-]{20,}", "pypi-"),
    _key("Replicate token", r"r8_\w{20,}", "r8_"),
    _key("Perplexity key", r"pplx-\w{20,}", "pplx-"),
    _key("Tavily key", r"tvly-[\w-]{16,}", "tvly-"),
    _key("LangSmith key", r"lsv2_\w{20,}", "lsv2_"),
    _key("DigitalOcean token", r"dop_v1_\w{20,}", "dop_v1_"),
    _key("SendGrid key", r"SG\.[\w-]{16,}\.[\w-]{16,}", "SG."),
    # A JSON web token, also without its signature.
    _key("JSON web token", r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}(?:\.[\w-]*){0,3}", "eyJ"),
)
"""Keys that are known by their first letters."""

SLACK_HOOK: Final = Pattern("Slack webhook", r"[\w/]{8,}", ("slack.com/services/",), before=r"slack\.com/services/")

BEARER: Final = Pattern(
    "bearer token",
    r"[\w.~+/=-]{8,}",
    ("bearer",),
    before=r"bearer[ \t]{1,8}",
    start=r"\b",
    ignore_case=True,
)

_USER = r"""[^\s/?#"'<>`:]"""
USERINFO: Final = Pattern(
    "password in a URL",
    # `git@` and the like names nobody; a long name in place of user and password is a token. The colon is looked for
    # up to the last @, because passwords hold some.
    rf"""{_USER}*:[^\s/?#"'<>`]+|{_USER}{{20,}}""",
    ("://",),
    before="://",
    after="@",
)

PEM_BEGIN: Final = r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
PEM_END: Final = r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
PEM_BODY: Final = r"[A-Za-z0-9+/=\s\\]*"
"""What of a private key is left where its end was cut off."""
PRIVATE_KEY: Final = Pattern("private key", rf"{PEM_BEGIN}(?:[\s\S]*?{PEM_END}|{PEM_BODY})", ("-----BEGIN ",))

EMAIL_NAME: Final = rf"[{LETTERS}.%+-]"
EMAIL_HOST: Final = rf"[{LETTERS}-]"
ADDRESS: Final = Pattern(
    "e-mail address",
    # `package@1.2.3` is a version.
    rf"{EMAIL_NAME}+@{EMAIL_HOST}+(?:\.{EMAIL_HOST}+)*\.[\p{{L}}_-]{EMAIL_HOST}+",
    ("@",),
    mark=EMAIL,
)

CARD_NUMBER: Final = (
    r"4[0-9]{12}(?:[0-9]{3}){0,2}|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"
    r"|3[47][0-9]{13}|3[0689][0-9]{12}|35[0-9]{14,17}|6(?:011|5[0-9]{2}|4[4-9][0-9]|[237][0-9]{2})[0-9]{12,15}"
)
"""The numbers that card issuers use, with their lengths; the check digit is checked apart."""
PAYMENT_CARD: Final = Pattern(
    "payment card",
    rf"(?:{CARD_NUMBER}"
    # Three more digits after a card in groups are its check value.
    r"|(?:4[0-9]{3}|5[1-5][0-9]{2}|2[2-7][0-9]{2}|35[0-9]{2}|6[0-9]{3})(?:[ -][0-9]{4}){3}(?:[ -][0-9]{1,3})?"
    r"|3[0-9]{3}[ -][0-9]{6}[ -][0-9]{4,5})\b",
    (),
    mark=CARD,
    start=r"\b",
)

IBAN_LENGTHS: Final = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU",
        31: "MT SC",
        32: "LC",
    }.items()
    for country in countries.split()
}
"""Characters of an IBAN by country; source: the IBAN registry of ISO 13616."""


def _ibans(length: int) -> str:
    countries = "|".join(country for country, other in IBAN_LENGTHS.items() if other == length)
    return rf"(?:{countries})[0-9]{{2}}(?: ?[A-Z0-9]){{{length - 4}}}"


BANK_ACCOUNT: Final = Pattern(
    "IBAN",
    rf"(?:{'|'.join(_ibans(length) for length in dict.fromkeys(IBAN_LENGTHS.values()))})\b",
    (),
    mark=IBAN,
    start=r"\b",
)
SOCIAL_SECURITY: Final = Pattern(
    "US social security number",
    # None of the three parts is all zeros; the first is neither 666 nor 9xx.
    r"(?:00[1-9]|0[1-9][0-9]|[1-57-8][0-9]{2}|6(?:[0-57-9][0-9]|6[0-57-9]))-(?:0[1-9]|[1-9][0-9])"
    r"-(?:000[1-9]|00[1-9][0-9]|0[1-9][0-9]{2}|[1-9][0-9]{3})\b",
    ("-",),
    mark=SSN,
    start=r"\b",
)
TELEPHONE: Final = Pattern(
    "international phone number", r"\+[1-9](?:[ .()/-]{0,2}[0-9]){7,14}", ("+",), mark=PHONE, start=r"\B"
)

SECRET_WORDS: Final = (
    *("password", "passwords", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets", "credential"),
    *("credentials", "authorization", "apikey", "cookie", "cookies", "jwt", "cvv", "cvc", "ssn", "privatekey"),
    *("secretkey", "accesskey"),
)
"""Words in the name of a field whose value is a secret, whatever it looks like."""
KEY_WORDS: Final = (
    *("api", "access", "private", "secret", "signing", "encryption", "account", "master", "auth", "subscription"),
    *("service", "session", "client"),
)
"""Words that make the word `key` behind them the name of a secret."""
TOKEN_WORDS: Final = ("access", "refresh", "auth", "id", "session", "bearer")
"""Words that make the word `token` behind them the name of a secret; token stands before counts as often."""

_WORDS = "|".join(SECRET_WORDS)
_NAME = rf"(?:{'|'.join(KEY_WORDS)})[._-]?key|(?:{'|'.join(TOKEN_WORDS)})[._-]?token"
SECRET_NAME: Final = rf"(?i)^(?:.*[._-])?(?:{_WORDS}|{_NAME})$"
"""An attribute whose name says that the value is a secret.

Anchored at both ends: an open `.*token.*` would mask every token count.
"""
MEMBER: Final = Pattern(
    "member of JSON named like a secret",
    # Also of JSON within JSON, where quotes have backslashes in front of them.
    r"""(?:[^"\\]|\\[^"])+""",
    (),
    before=rf"""\\*"(?:[\w.-]*[._-])?(?:{_WORDS}|{_NAME})\\*"\s*:\s*\\*["]""",
    ignore_case=True,
)
AUTHORIZATION: Final = Pattern(
    "authorization header",
    r"(?:(?:bearer|basic|digest|token)[ \t]{1,8})?[\w.~+/=-]{6,}",
    (),
    before=r"authorization\s{0,8}[:=]\s{0,8}",
    ignore_case=True,
)
_VALUE = r"""[^\s"'`,;&<>\\]"""
ASSIGNED: Final = Pattern(
    "value given to a name",
    # In free text only what looks like a secret: `password: str` is code. The process knows more of such texts.
    rf"{_VALUE}*[0-9]{_VALUE}{{3,}}|{_VALUE}{{3,}}[0-9]{_VALUE}*",
    (),
    before=rf"(?:passwords?|passwd|pwd|passphrase|secrets?|credentials?|secret[_-]?access[_-]?key|{_NAME})"
    r"\s{0,8}(?::|=>|={1,2})\s{0,8}",
    ignore_case=True,
)

PATTERNS: Final = (
    *SERVICE_KEYS,
    SLACK_HOOK,
    BEARER,
    USERINFO,
    PRIVATE_KEY,
    ADDRESS,
    PAYMENT_CARD,
    BANK_ACCOUNT,
    SOCIAL_SECURITY,
    TELEPHONE,
    MEMBER,
    AUTHORIZATION,
    ASSIGNED,
)
"""The whole table."""
