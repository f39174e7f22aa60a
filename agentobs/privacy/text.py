"""Secrets and personal data in free text.

Patterns know the usual forms of what they look for and nothing else: a text without findings is not proven clean. Each
pattern reads the text once (possessive repetition, bounded windows) and runs only where a plain substring search found
the letters it cannot do without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

SECRET: Final = "[SECRET]"  # noqa: S105  what stands in a secret's place
EMAIL: Final = "[EMAIL]"
CARD: Final = "[CARD]"
IBAN: Final = "[IBAN]"
SSN: Final = "[SSN]"
PHONE: Final = "[PHONE]"

_KEY_PREFIXES = (
    *("sk-", "sk_", "rk_", "pk_live_", "whsec_", "AIza", "ya29.", "GOCSPX-", "AKIA", "ASIA", "eyJ", "SG."),
    *("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "xox", "xapp-", "slack.com/services/"),
    *("hf_", "gsk_", "xai-", "npm_", "pypi-", "r8_", "pplx-", "tvly-", "lsv2_", "dop_v1_"),
)
_KEYS = re.compile(
    r"""(?<![A-Za-z0-9])(?:
        sk-[\w-]{16,}+                                      # OpenAI, Anthropic, OpenRouter, DeepSeek
      | [sr]k_(?:live|test)_\w{10,}+ | pk_live_\w{10,}+ | whsec_[\w+/=]{16,}+   # Stripe
      | gh[pousr]_\w{20,}+ | github_pat_\w{20,}+ | glpat-[\w-]{16,}+
      | (?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])            # AWS access key id
      | AIza[\w-]{30,}+ | ya29\.[\w-]{20,}+ | GOCSPX-[\w-]{20,}+                # Google
      | xox[a-z]-[\w-]{10,}+ | xapp-[\w-]{10,}+             # Slack
      | hf_\w{20,}+ | gsk_\w{20,}+ | xai-\w{20,}+ | npm_\w{30,}+ | pypi-[\w-]{20,}+ | r8_\w{20,}+
      | pplx-\w{20,}+ | tvly-[\w-]{16,}+ | lsv2_\w{20,}+ | dop_v1_\w{20,}+ | SG\.[\w-]{16,}+\.[\w-]{16,}+
      | eyJ[\w-]{8,}+\.eyJ[\w-]{8,}+(?:\.[\w-]*+){0,3}      # JSON web token, also without its signature
    )""",
    re.VERBOSE | re.ASCII,
)
_SLACK_HOOK = re.compile(r"(?<=slack\.com/services/)[\w/]{8,}+", re.ASCII)

_PEM_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_PEM_BODY = re.compile(r"[A-Za-z0-9+/=\s\\]*+")

_SHORTEST_KEY_CHARS = 15

_BEARER = re.compile(r"(?i)\b(bearer[ \t]{1,8})([\w.~+/=-]{8,}+)", re.ASCII)
_USERINFO = re.compile(r"""://([^\s/?#"'<>`]{1,512})@""")

_EMAIL_NAME = re.compile(r"(?<![\w.%+-])[\w.%+-]++\Z")
_EMAIL_NAME_CHARS = 64
_EMAIL_HOST = re.compile(r"[\w-]++(?:\.[\w-]++)++")

_NAMES = ("passw", "pwd", "passphrase", "secret", "key", "token", "authorization", "credential")
_KEY_KINDS = ("api", "access", "private", "account", "signing", "encryption", "client", "service", "master", "auth")
_ASSIGNED = re.compile(
    r"""(?ix)
    (?: passwords? | passwd | pwd | passphrase | secrets?(?:[_-]?(?:access)?[_-]?key)? | key | token | authorization
      | credentials? )
    (?: \\?["'`] )? \s{0,8} (?: : | => | ={1,2} ) \s{0,8}
    (?P<quote> \\?["'`] )? (?! \[SECRET\] )
    """
)
_BARE = re.compile(r"""(?:(?i:bearer|basic|digest|token)[ \t]{1,8})?(?!\[SECRET\])[^\s"'`,;&<>]{3,256}+""")
_BARE_REST = re.compile(r"""[^\s"'`,;&<>]*+""")
_QUOTED = {
    **{quote: re.compile(rf"(?:[^{quote}\\\n]|\\.)++") for quote in ('"', "'", "`")},
    **{"\\" + quote: re.compile(rf"(?:[^{quote}\\\n]|\\[^{quote}\n])++") for quote in ('"', "'", "`")},
}
_NO_VALUES = re.compile(
    r"(?i)(?:str|string|text|bytes|int|none|null|nil|true|false|undefined|required|optional|missing|invalid|any)[.)\]}:]*"
)
_TOLD = re.compile(r"(?i)\b((?:password|passcode|passphrase) is )(?=[^\s]{0,63}[0-9])([^\s\[\]]{4,64}+)")

_DIGITS = re.compile(r"[0-9]{2,}+")
_CARD = re.compile(
    r"(?<![\w.-])(?:[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,3})?|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5}"
    r"|[0-9]{13,19})(?!\w|-\w|\.[0-9])",
    re.ASCII,
)
_CARD_NUMBER = re.compile(
    r"4[0-9]{12}(?:[0-9]{3}){0,2}|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"
    r"|3[47][0-9]{13}|3[0689][0-9]{12}|35[0-9]{14,17}|6(?:011|5[0-9]{2}|4[4-9][0-9]|[237][0-9]{2})[0-9]{12,15}"
)
"""The numbers that card issuers use, with their lengths; the check digit is checked apart."""
_SSN = re.compile(r"(?<![\w.-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?!\w|-\w)", re.ASCII)
_PHONE = re.compile(r"\+(?<![\w+=/]\+)[1-9](?:[ .()/-]{0,2}[0-9]){7,14}(?![0-9])", re.ASCII)
_SHORTEST_UNBROKEN_PHONE = len("+1234567890")

_IBAN_REST = re.compile(r"(?: ?[A-Z0-9]){11,30}")
_IBAN_LENGTHS = {
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


_MOST_PASSES = 4
"""What is replaced may have hidden the edge of what stands beside it, so a text with findings is read again."""

_Span = tuple[int, int, str]
"""Start and end of what is replaced, and what it is replaced with."""


def redact_text(text: str) -> str:
    """`text` with secrets and personal data replaced by what they are.

    Replaced: keys of well-known services, web tokens, bearer tokens, values given to names such as `password` or
    `api_key`, private keys and the user part of addresses become `[SECRET]`; mail addresses `[EMAIL]`, payment cards
    with a right check digit `[CARD]`, IBANs with right check digits `[IBAN]`, US social security numbers `[SSN]`, phone
    numbers in international form `[PHONE]`. Redacting twice changes nothing more. Time grows linearly with the length.
    """
    for _ in range(_MOST_PASSES):
        redacted = _redact_once(text)
        if redacted == text:
            break
        text = redacted
    return text


def _redact_once(text: str) -> str:
    if "-----BEGIN " in text:
        text = _replace(text, _private_keys(text))
    long_words = " ".join([word for word in text.split() if len(word) >= _SHORTEST_KEY_CHARS])
    if long_words and any(prefix in long_words for prefix in _KEY_PREFIXES):
        text = _SLACK_HOOK.sub(SECRET, _KEYS.sub(_key, text))
    if "@" in text:
        if "://" in text:
            text = _USERINFO.sub(_userinfo, text)
        text = _replace(text, _emails(text))
    text = _redact_named(text)
    if "+" in text:
        text = _PHONE.sub(_phone, text)
    return _replace(text, _numbers(text)) if any(digit in text for digit in "0123456789") else text


def _redact_named(text: str) -> str:
    lowered = text.lower()
    if len(lowered) != len(text):
        # U+0130 is the one letter that grows; positions have to be the same in both texts.
        lowered = text.replace("\u0130", "I").lower()
    if "bearer" in lowered:
        text = _BEARER.sub(_bearer, text)
        lowered = text.lower() if len(lowered) != len(text) else lowered
    found = sorted(position for name in _NAMES for position in _positions(lowered, name))
    if not found:
        return text
    text = _replace(text, _assigned(text, lowered, found))
    return _TOLD.sub(rf"\1{SECRET}", text) if "pass" in lowered and " is " in lowered else text


def _replace(text: str, spans: Iterator[_Span]) -> str:
    kept: list[str] = []
    position = 0
    for start, end, replacement in spans:
        kept += (text[position:start], replacement)
        position = end
    return "".join((*kept, text[position:])) if kept else text


def _positions(text: str, part: str) -> Iterator[int]:
    position = text.find(part)
    while position >= 0:
        yield position
        position = text.find(part, position + len(part))


def _key(match: re.Match[str]) -> str:
    found = match.group()
    if found.startswith("sk-") and not any(c.isdigit() or c.isupper() for c in found):
        # A hyphenated phrase, unless a part of it is longer than words are.
        return SECRET if max(map(len, re.split(r"[-_]", found))) >= 16 else found
    return SECRET


def _private_keys(text: str) -> Iterator[_Span]:
    position = 0
    ended = True
    while begin := _PEM_BEGIN.search(text, position):
        end = _PEM_END.search(text, begin.end()) if ended else None
        ended = end is not None
        if end is None:
            end = _PEM_BODY.match(text, begin.end())
        position = end.end() if end is not None else begin.end()
        yield begin.start(), position, SECRET


def _userinfo(match: re.Match[str]) -> str:
    user = match[1]
    # `git@` and the like names nobody; a long name in place of user and password is a token.
    return f"://{SECRET}@" if ":" in user or len(user) >= 20 else match.group()


def _emails(text: str) -> Iterator[_Span]:
    done = 0
    for sign in _positions(text, "@"):
        host = _EMAIL_HOST.match(text, sign + 1)
        if host is None or sign < done:
            continue
        top = host.group().rpartition(".")[2]
        name = _EMAIL_NAME.search(text, max(done, sign - _EMAIL_NAME_CHARS), sign)
        # `package@1.2.3` is a version.
        if name is not None and len(top) >= 2 and not top[0].isdigit():
            done = host.end()
            yield name.start(), done, EMAIL


def _bearer(match: re.Match[str]) -> str:
    scheme, value = match.groups()
    if len(value) < 20 and not any(c.isdigit() for c in value):
        return match.group()
    return f"{scheme}{SECRET}"


def _assigned(text: str, lowered: str, found: list[int]) -> Iterator[_Span]:
    done = 0
    for position in found:
        if position < done:
            continue
        name = _ASSIGNED.match(text, position)
        if name is None or (lowered.startswith("key", position) and not _is_secret_key(lowered, position)):
            continue
        end = _value_end(text, name, weak=lowered.startswith("token", position))
        if end is not None:
            done = end
            yield name.end(), end, SECRET


def _is_secret_key(lowered: str, position: int) -> bool:
    return lowered[max(0, position - 12) : position].rstrip("_-").endswith(_KEY_KINDS)


def _value_end(text: str, name: re.Match[str], weak: bool) -> int | None:
    """Where the value ends that stands after `name`; `None` if it is no secret.

    The word token stands before counts and kinds as often as before secrets, so its values have to look like one.
    """
    quote = name["quote"]
    value = (_BARE if quote is None else _QUOTED[quote]).match(text, name.end())
    if value is None or _NO_VALUES.fullmatch(value.group()):
        return None
    shown = value.group()
    if weak and not (len(shown) >= 8 and any(c.isdigit() for c in shown) and any(c.isalpha() for c in shown)):
        return None
    rest = _BARE_REST.match(text, value.end()) if quote is None else None
    return value.end() if rest is None else rest.end()


def _numbers(text: str) -> Iterator[_Span]:
    done = 0
    for digits in _DIGITS.finditer(text):
        start = digits.start()
        if start < done:
            continue
        count = digits.end() - start
        before = text[start - 1 : start]
        span: _Span | None = None
        if count == 4 or count >= 13:
            span = _card(text, start)
        elif count == 3 and _SSN.match(text, start):
            span = (start, start + len("000-00-0000"), SSN)
        if span is None and before.isupper():
            span = _iban(text, start)
        if span is not None and span[0] >= done:
            done = span[1]
            yield span


def _is_card(digits: str) -> bool:
    if not _CARD_NUMBER.fullmatch(digits):
        return False
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _card(text: str, start: int) -> _Span | None:
    match = _CARD.match(text, start)
    if match is None:
        return None
    digits = match.group().replace(" ", "").replace("-", "")
    if _is_card(digits):
        return start, match.end(), CARD
    # Three more digits after a card in groups are its check value.
    return (start, start + 19, CARD) if match[1] and _is_card(digits[:16]) else None


def _phone(match: re.Match[str]) -> str:
    found = match.group()
    return found if found[1:].isdigit() and len(found) < _SHORTEST_UNBROKEN_PHONE else PHONE


def _iban(text: str, digits_start: int) -> _Span | None:
    """The IBAN whose check digits start at `digits_start`, if one does."""
    start = digits_start - 2
    length = _IBAN_LENGTHS.get(text[max(0, start) : digits_start])
    rest = _IBAN_REST.match(text, digits_start + 2)
    if length is None or rest is None or (start and text[start - 1].isalnum()):
        return None
    compact = rest.group().replace(" ", "")[: length - 4]
    number = "".join(str(int(c, 36)) for c in compact + text[start : digits_start + 2])
    if len(compact) < length - 4 or int(number) % 97 != 1:
        return None
    end = digits_start + 2
    for _ in compact:
        end += 1 + (text[end] == " ")
    return None if text[end : end + 1].isalnum() else (start, end, IBAN)
