"""Secrets and personal data in free text.

Patterns know the usual forms of what they look for and nothing else: a text without findings is not proven clean. Each
pattern reads the text once (possessive repetition, bounded windows) and runs only where a plain substring search found
the letters it cannot do without.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .patterns import (
    BEARER,
    CARD,
    CARD_NUMBER,
    EMAIL,
    EMAIL_HOST,
    EMAIL_NAME,
    IBAN,
    IBAN_LENGTHS,
    KEY_WORDS,
    LETTERS,
    PAYMENT_CARD,
    PEM_BEGIN,
    PEM_BODY,
    PEM_END,
    PHONE,
    SECRET,
    SERVICE_KEYS,
    SLACK_HOOK,
    SOCIAL_SECURITY,
    SSN,
    TELEPHONE,
    USERINFO,
    Pattern,
)


def _compiled(pattern: Pattern) -> re.Pattern[str]:
    """Groups 1 and 2 are what stands around the secret and stays."""
    flags = re.ASCII | (re.IGNORECASE if pattern.ignore_case else 0)
    return re.compile(f"({pattern.start}{pattern.before})(?:{pattern.form})({pattern.after})", flags)


_KEY_PREFIXES = tuple(dict.fromkeys(prefix for row in (*SERVICE_KEYS, SLACK_HOOK) for prefix in row.needs))
_KEYS = re.compile(f"(?<![A-Za-z0-9])(?:{'|'.join(row.form for row in SERVICE_KEYS)})", re.ASCII)
_KEPT_AROUND = rf"\g<1>{SECRET}\g<2>"
_SLACK_HOOK = _compiled(SLACK_HOOK)

_PEM_BEGIN = re.compile(PEM_BEGIN)
_PEM_END = re.compile(PEM_END)
_PEM_BODY = re.compile(f"{PEM_BODY}+")

_SHORTEST_KEY_CHARS = 15

_BEARER = _compiled(BEARER)
_USERINFO = _compiled(USERINFO)

_EMAIL_NAME_CLASS = EMAIL_NAME.replace(LETTERS, r"\w")
_EMAIL_HOST_CLASS = EMAIL_HOST.replace(LETTERS, r"\w")
_EMAIL_NAME = re.compile(rf"(?<!{_EMAIL_NAME_CLASS}){_EMAIL_NAME_CLASS}++\Z")
_EMAIL_NAME_CHARS = 64
_EMAIL_HOST = re.compile(rf"{_EMAIL_HOST_CLASS}++(?:\.{_EMAIL_HOST_CLASS}++)++")

_NAMES = ("passw", "pwd", "passphrase", "secret", "key", "token", "authorization", "credential")
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
_STATED = re.compile(r"(?i)\b((?:password|passcode|passphrase) is )(?=[^\s]{0,63}[0-9])([^\s\[\]]{4,64}+)")

_DIGITS = re.compile(r"[0-9]{2,}+")
_CARD = re.compile(rf"(?<![\w.-])(?:{PAYMENT_CARD.form})(?!\w|-\w|\.[0-9])", re.ASCII)
_CARD_NUMBER = re.compile(CARD_NUMBER)
_SSN = re.compile(rf"(?<![\w.-]){SOCIAL_SECURITY.form}(?!-\w)", re.ASCII)
_PHONE = re.compile(rf"(?<![\w+=/]){TELEPHONE.form}(?![0-9])", re.ASCII)
_SHORTEST_UNBROKEN_PHONE = len("+1234567890")

_IBAN_REST = re.compile(r"(?: ?[A-Z0-9]){11,30}")

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
        text = _SLACK_HOOK.sub(_KEPT_AROUND, _KEYS.sub(_service_key, text))
    if "@" in text:
        if "://" in text:
            text = _USERINFO.sub(_KEPT_AROUND, text)
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
    positions = sorted(position for name in _NAMES for position in _positions(lowered, name))
    if not positions:
        return text
    text = _replace(text, _assigned(text, lowered, positions))
    return _STATED.sub(rf"\1{SECRET}", text) if "pass" in lowered and " is " in lowered else text


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


def _service_key(match: re.Match[str]) -> str:
    key = match.group()
    if key.startswith("sk-") and not any(c.isdigit() or c.isupper() for c in key):
        # A hyphenated phrase such as sk-learn-compatible-estimators, unless a part of it is longer than words are.
        return SECRET if max(map(len, re.split(r"[-_]", key))) >= 16 else key
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
    value = match.group()[len(match[1]) :]
    # "bearer authentication" is no token.
    return f"{match[1]}{SECRET}" if len(value) >= 20 or any(c.isdigit() for c in value) else match.group()


def _assigned(text: str, lowered: str, positions: list[int]) -> Iterator[_Span]:
    done = 0
    for position in positions:
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
    return lowered[max(0, position - 13) : position].rstrip("_-").endswith(KEY_WORDS)


def _value_end(text: str, name: re.Match[str], weak: bool) -> int | None:
    """Where the value ends that stands after `name`; `None` if it is no secret.

    The word token stands before counts and types as often as before secrets, so its values have to look like one.
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
    return (start, start + 19, CARD) if match.group()[4] in " -" and _is_card(digits[:16]) else None


def _phone(match: re.Match[str]) -> str:
    number = match.group()
    return number if number[1:].isdigit() and len(number) < _SHORTEST_UNBROKEN_PHONE else PHONE


def _iban(text: str, digits_start: int) -> _Span | None:
    """The IBAN whose check digits start at `digits_start`, if one does."""
    start = digits_start - 2
    length = IBAN_LENGTHS.get(text[max(0, start) : digits_start])
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
