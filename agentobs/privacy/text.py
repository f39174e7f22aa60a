"""Secrets and personal data in free text.

Patterns know the usual forms of what they look for and nothing else: a text without findings is not proven clean. Each
pattern reads the text once (possessive repetition, bounded windows) and runs only where a plain substring search found
the letters it cannot do without.
"""

from __future__ import annotations

import re
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

_BEARER = re.compile(r"(?i)\b(bearer[ \t]{1,8})([\w.~+/=-]{8,}+)", re.ASCII)
_USERINFO = re.compile(r"""(?<=://)[^\s/?#"'<>`]{1,512}@""")

_ASSIGNED_WORDS = ("passw", "pwd", "passphrase", "secret", "key", "token", "authorization", "credential")
_QUOTE = r"""(?:\\?["'`])"""
_VALUE = r"""(?!\[SECRET\])(?:[^\s"'`,;&<>\\]|\\(?!["'`n])){3,}+"""
_ASSIGNED = re.compile(
    rf"""(?ix)
    ( passwords?|passwd|pwd|passphrase|secrets?(?:[_-]?(?:access)?[_-]?key)?
      |(?:api|access|private|account|signing|encryption|client|service|master|auth|subscription)[_-]?key
      |(?P<token>token)|authorization|credentials? )
    ( {_QUOTE}? \s{{0,8}} (?::|=>|={{1,2}}) \s{{0,8}} )
    (?: {_QUOTE}(?P<quoted>(?!\[SECRET\]{_QUOTE})(?:[^"'`\\\n]|\\[^"'`\n]){{1,512}}+)(?={_QUOTE})
      | (?:(?:bearer|basic|digest|token)[ \t]{{1,8}})?(?P<bare>{_VALUE}) )
    """
)
_NO_VALUES = re.compile(
    r"(?i)(?:str|string|text|bytes|int|none|null|nil|true|false|undefined|required|optional|missing|invalid|any)[.)\]}:]*"
)
_TOLD = re.compile(r"(?i)\b((?:password|passcode|passphrase)(?: is |: ?))(?=[^\s]{0,63}[0-9])([^\s\[\]]{4,64}+)")

_EMAIL = re.compile(r"(?<![\w.%+-])[\w.%+-]++@[\w-]++(?:\.[\w-]++)++")
_CARD = re.compile(
    r"(?<![\w.-])(?:[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,3})?|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5}"
    r"|[0-9]{13,19})(?!\w|-\w|\.[0-9])",
    re.ASCII,
)
_CARD_ISSUERS = re.compile(
    r"4|5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3(?:4|7|[0689]|5)|6(?:011|5|4[4-9]|2|7|3[0-9])", re.ASCII
)
_SSN = re.compile(
    r"(?<![\w.-])(?!000|666|9)[0-9]{3}-(?!00)[0-9]{2}-(?!0000)[0-9]{4}(?!\w|-\w)",
    re.ASCII,
)
_PHONE = re.compile(r"(?<![\w+=/])\+[1-9](?:[ .()/-]{0,2}[0-9]){7,14}(?![0-9])", re.ASCII)
_SHORTEST_UNBROKEN_PHONE = len("+1234567890")

_IBAN_HEAD = re.compile(r"[A-Z]{2}[0-9]{2}")
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


def redact_text(text: str) -> str:
    """`text` with secrets and personal data replaced by what they are.

    Replaced: keys of well-known services, web tokens, bearer tokens, values given to names such as `password` or
    `api_key`, private keys and the user part of addresses become `[SECRET]`; mail addresses `[EMAIL]`, payment cards
    with a right check digit `[CARD]`, IBANs with right check digits `[IBAN]`, US social security numbers `[SSN]`, phone
    numbers in international form `[PHONE]`. Redacting twice changes nothing more. Time grows linearly with the length.
    """
    if any(prefix in text for prefix in _KEY_PREFIXES):
        text = _KEYS.sub(_key, text)
        text = _SLACK_HOOK.sub(SECRET, text)
    if "-----BEGIN " in text:
        text = _without_private_keys(text)
    if "@" in text:
        if "://" in text:
            text = _USERINFO.sub(_userinfo, text)
        text = _EMAIL.sub(_email, text)
    lowered = text.lower()
    if "bearer" in lowered:
        text = _BEARER.sub(_bearer, text)
    if any(word in lowered for word in _ASSIGNED_WORDS):
        text = _ASSIGNED.sub(_assigned, text)
        text = _TOLD.sub(rf"\1{SECRET}", text)
    return _without_numbers(text)


def _without_numbers(text: str) -> str:
    text = _without_ibans(text)
    text = _CARD.sub(_card, text)
    if "-" in text:
        text = _SSN.sub(SSN, text)
    if "+" in text:
        text = _PHONE.sub(_phone, text)
    return text


def _key(match: re.Match[str]) -> str:
    found = match.group()
    if found.startswith("sk-") and not any(c.isdigit() or c.isupper() for c in found):
        # A hyphenated phrase, unless a part of it is longer than words are.
        return SECRET if max(map(len, re.split(r"[-_]", found))) >= 16 else found
    return SECRET


def _without_private_keys(text: str) -> str:
    kept: list[str] = []
    position = 0
    ended = True
    while begin := _PEM_BEGIN.search(text, position):
        end = _PEM_END.search(text, begin.end()) if ended else None
        ended = end is not None
        if end is None:
            end = _PEM_BODY.match(text, begin.end())
        kept += (text[position : begin.start()], SECRET)
        position = end.end() if end is not None else begin.end()
    return "".join((*kept, text[position:]))


def _userinfo(match: re.Match[str]) -> str:
    user = match.group()[:-1]
    # `git@` and the like names nobody; a long name in place of user and password is a token.
    return SECRET + "@" if ":" in user or len(user) >= 20 else match.group()


def _email(match: re.Match[str]) -> str:
    found = match.group()
    top = found.rpartition(".")[2]
    # `package@1.2.3` is a version.
    return EMAIL if len(top) >= 2 and not top[0].isdigit() else found


def _bearer(match: re.Match[str]) -> str:
    scheme, value = match.groups()
    if len(value) < 20 and not any(c.isdigit() for c in value):
        return match.group()
    return f"{scheme}{SECRET}"


def _assigned(match: re.Match[str]) -> str:
    quoted, bare = match["quoted"], match["bare"]
    value: str = bare if quoted is None else quoted
    if _NO_VALUES.fullmatch(value):
        return match.group()
    # The word token stands before counts and kinds as often as before secrets.
    if match["token"] and not (len(value) >= 8 and any(c.isdigit() for c in value) and any(c.isalpha() for c in value)):
        return match.group()
    if quoted is None:
        return f"{match[1]}{match[3]}{SECRET}"
    start = match.start()
    return f"{match.string[start : match.start('quoted')]}{SECRET}"


def _luhn(digits: str) -> bool:
    total = 0
    for position, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def _card(match: re.Match[str]) -> str:
    found = match.group()
    digits = re.sub(r"[ -]", "", found)
    if not _CARD_ISSUERS.match(digits):
        return found
    if _luhn(digits):
        return CARD
    if match[1] and len(digits) > 16 and _luhn(digits[:16]):
        return CARD + found[19:]
    return found


def _phone(match: re.Match[str]) -> str:
    found = match.group()
    return found if found[1:].isdigit() and len(found) < _SHORTEST_UNBROKEN_PHONE else PHONE


def _without_ibans(text: str) -> str:
    kept: list[str] = []
    position = 0
    for head in _IBAN_HEAD.finditer(text):
        start = head.start()
        length = _IBAN_LENGTHS.get(text[start : start + 2])
        if length is None or start < position or (start and text[start - 1].isalnum()):
            continue
        end = _iban_end(text, head.end(), length)
        if end is not None:
            kept += (text[position:start], IBAN)
            position = end
    return "".join((*kept, text[position:])) if kept else text


def _iban_end(text: str, rest_start: int, length: int) -> int | None:
    """Where the IBAN of `length` characters ends whose first four stand before `rest_start`, if it is one."""
    rest = _IBAN_REST.match(text, rest_start)
    if rest is None:
        return None
    compact = rest.group().replace(" ", "")[: length - 4]
    number = "".join(str(int(c, 36)) for c in compact + text[rest_start - 4 : rest_start])
    if len(compact) < length - 4 or int(number) % 97 != 1:
        return None
    end = rest_start
    for _ in compact:
        end += 1 + (text[end] == " ")
    return end
