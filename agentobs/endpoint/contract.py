"""What may be posted, in words for people (`SCHEMA`) and in code (`read`); tests hold the two together.

A known label has a score; other labels are free words. So a rating is one of: a thumb, stars, a signal of what the user
did, or a score and a word of the caller's own.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from ..catalogue.values import FeedbackSource
from .problems import RefusedError

USER_FEEDBACK = "user_feedback"
STARS_NAME = "stars"
IMPLICIT_NAME = "implicit"
DEFAULT_NAMES = (USER_FEEDBACK, STARS_NAME, IMPLICIT_NAME)

THUMBS = {"thumbs_up": 1.0, "thumbs_down": 0.0}
STARS = {"1_star": 0.0, "2_stars": 0.25, "3_stars": 0.5, "4_stars": 0.75, "5_stars": 1.0}
SIGNALS = ("copied", "regenerated", "edited", "abandoned")
KNOWN_LABELS = (*THUMBS, *STARS, *SIGNALS)

COMMENT_CHARS = 1_000
CORRECTION_CHARS = 2_000
LABEL_CHARS = 64
TOKEN_CHARS = 2_048
BODY_BYTES = 16_384
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
ID = re.compile(r"[A-Za-z0-9_.~-]{1,64}")
NOT_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Control characters, which no database and no log takes for text; tab and line breaks are text."""
TEXT_PATTERN = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f]*$"

_CONTENT = ("value", "label", "comment", "correction")
_FREE_TEXTS = ("label", "comment", "correction")
_MEMBERS = ("token", "name", "id", *_CONTENT, "withdraw", "receipt")


@dataclass(frozen=True, slots=True)
class Posted:
    """A body that keeps to the contract. `value` is a score from 0 to 1; `id` is the name where none was given.

    Where `withdraw` is true the rating is taken back, and there is no content.
    """

    token: str
    name: str
    value: float | None
    label: str | None
    comment: str | None
    correction: str | None
    id: str
    source: FeedbackSource
    withdraw: bool
    receipt: str | None


def _malformed(detail: str) -> NoReturn:
    raise RefusedError("malformed", detail)


def _not_a_number(_: str) -> NoReturn:
    _malformed("the body has a number that JSON does not know")


def read(body: bytes) -> Posted:
    """The rating in `body`.

    Raises:
        RefusedError: it is not JSON, or not a rating; the detail names the member and what is allowed.
    """
    try:
        members = json.loads(body.decode(), parse_constant=_not_a_number)
    except (ValueError, RecursionError):
        _malformed("the body is not JSON in UTF-8")
    if not isinstance(members, dict):
        _malformed("the body is not a JSON object")
    return from_members(members)


def from_members(members: dict[str, Any]) -> Posted:
    """The rating in the members of a JSON object.

    Raises:
        RefusedError: as `read`.
    """
    if any(member not in _MEMBERS for member in members):
        _malformed(f"the body has a member that is not known; there are {', '.join(_MEMBERS)}")
    withdraw = _withdraw(members)
    label = _text(members, "label", LABEL_CHARS, least=1)
    name = _name(members, label)
    value = None if withdraw else _value(members, name, label)
    comment = _text(members, "comment", COMMENT_CHARS)
    correction = _text(members, "correction", CORRECTION_CHARS)
    id_ = _text(members, "id", 64)
    if id_ is not None and not ID.fullmatch(id_):
        _malformed("id is not allowed; allowed are 1 to 64 letters, digits, _ . ~ or -")
    receipt = _text(members, "receipt", TOKEN_CHARS)
    token = _text(members, "token", TOKEN_CHARS, least=1)
    if token is None:
        _malformed("token is missing")
    if name == STARS_NAME and label is None and value is not None:
        label = tuple(STARS)[round(value * 4)]
    source: FeedbackSource = "implicit" if name == IMPLICIT_NAME else "end_user"
    return Posted(
        token, name, value, label, comment or None, correction or None, id_ or name, source, withdraw, receipt or None
    )


def _withdraw(members: dict[str, Any]) -> bool:
    if "withdraw" not in members:
        return False
    if members["withdraw"] is not True:
        _malformed("withdraw is not allowed; allowed is true")
    if any(member in members for member in _CONTENT):
        _malformed(f"withdraw does not go together with {', '.join(_CONTENT)}")
    return True


def _text(members: dict[str, Any], member: str, longest: int, least: int = 0) -> str | None:
    if member not in members:
        return None
    text = members[member]
    if not isinstance(text, str) or not least <= len(text) <= longest:
        _malformed(f"{member} is not allowed; allowed is a text of {least} to {longest} characters")
    if member in _FREE_TEXTS and NOT_TEXT.search(text):
        _malformed(f"{member} has a control character; allowed are tabs and line breaks")
    return text


def _name(members: dict[str, Any], label: str | None) -> str:
    implied = IMPLICIT_NAME if label in SIGNALS else USER_FEEDBACK
    name = _text(members, "name", 64) if "name" in members else implied
    if name is None or not NAME.fullmatch(name):
        _malformed("name is not allowed; allowed are a letter and up to 63 letters, digits, . _ or -")
    if label is None and "withdraw" in members:
        return name
    if (name == IMPLICIT_NAME or label in SIGNALS) and (name != IMPLICIT_NAME or label not in SIGNALS):
        _malformed(f"the name {IMPLICIT_NAME} and the labels {', '.join(SIGNALS)} go together only")
    if name != STARS_NAME and label in STARS:
        _malformed(f"the labels {', '.join(STARS)} go with the name {STARS_NAME} only")
    if name == STARS_NAME and label is not None and label not in STARS:
        _malformed(f"label is not allowed; allowed for the name {STARS_NAME} are {', '.join(STARS)}")
    return name


def _value(members: dict[str, Any], name: str, label: str | None) -> float | None:
    if "value" not in members:
        if label is None:
            _malformed("value and label are both missing; one of them is needed")
        return THUMBS.get(label, STARS.get(label))
    value = members["value"]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        _malformed("value is not allowed; allowed is a number")
    if name == STARS_NAME:
        if value not in (1, 2, 3, 4, 5):
            _malformed(f"value is not allowed; allowed for the name {STARS_NAME} is 1, 2, 3, 4 or 5")
        return (value - 1) / 4
    if not 0 <= value <= 1:
        _malformed("value is not allowed; allowed is a number from 0 to 1")
    return float(value)


_TOKEN = {
    "type": "string",
    "minLength": 1,
    "maxLength": TOKEN_CHARS,
    "description": "What came with the answer.",
}
_ID = {
    "type": "string",
    "pattern": f"^{ID.pattern}$",
    "description": "Posted again, it replaces the rating; without it the name is the id.",
}
_RECEIPT = {
    "type": "string",
    "maxLength": TOKEN_CHARS,
    "description": "What the answer to the last post of this rating had; where there is no store it keeps a change from "
    "being counted as a second rating.",
}
REPLACED = (
    "keys and passwords of well-known forms, mail addresses, payment cards, IBANs, US social security numbers, phone "
    "numbers in international form"
)
"""What is replaced in the texts that users write."""
_COMMENT = {
    "type": "string",
    "maxLength": COMMENT_CHARS,
    "pattern": TEXT_PATTERN,
    "description": f"Free text. Replaced before it is kept: {REPLACED}.",
}
_CORRECTION = {
    "type": "string",
    "maxLength": CORRECTION_CHARS,
    "pattern": TEXT_PATTERN,
    "description": "The answer as it should have been; redacted like a comment.",
}


def _variant(title: str, description: str, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {
        "title": title,
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "token": _TOKEN,
            **properties,
            "comment": _COMMENT,
            "correction": _CORRECTION,
            "id": _ID,
            "receipt": _RECEIPT,
        },
        "required": ["token", *required],
    }


_FREE_NAME = {
    "type": "string",
    "pattern": f"^{NAME.pattern}$",
    "not": {"enum": [STARS_NAME, IMPLICIT_NAME]},
    "default": USER_FEEDBACK,
    "description": "What is rated; the token must allow it.",
}
_SCORE = {"type": "number", "minimum": 0, "maximum": 1, "description": "The score, 1 is best."}
_FREE_LABEL = {
    "type": "string",
    "minLength": 1,
    "maxLength": LABEL_CHARS,
    "pattern": TEXT_PATTERN,
    "not": {"enum": list(KNOWN_LABELS)},
    "description": "The score in a word.",
}
_STARS_NAME = {"const": STARS_NAME}
_STARS_VALUE = {"type": "integer", "minimum": 1, "maximum": 5}

SCHEMA: dict[str, Any] = {
    "anyOf": [
        _variant(
            "Thumb",
            "A thumb up scores 1, a thumb down 0, unless a score is given.",
            {"name": _FREE_NAME, "label": {"enum": list(THUMBS)}, "value": _SCORE},
            ["label"],
        ),
        _variant(
            "Score",
            "A score, with or without a word.",
            {"name": _FREE_NAME, "value": _SCORE, "label": _FREE_LABEL},
            ["value"],
        ),
        _variant("Label", "A free word without a score.", {"name": _FREE_NAME, "label": _FREE_LABEL}, ["label"]),
        _variant(
            "Stars", "One to five stars, as a number.", {"name": _STARS_NAME, "value": _STARS_VALUE}, ["name", "value"]
        ),
        _variant(
            "Stars in a word",
            "One to five stars, as a label; they score 0, 0.25, 0.5, 0.75 and 1, unless a number is given.",
            {"name": _STARS_NAME, "label": {"enum": list(STARS)}, "value": _STARS_VALUE},
            ["name", "label"],
        ),
        _variant(
            "Signal",
            "What the user did with the answer.",
            {"name": {"const": IMPLICIT_NAME}, "label": {"enum": list(SIGNALS)}, "value": _SCORE},
            ["label"],
        ),
        {
            "title": "Withdrawal",
            "description": "Takes a rating back: its content is deleted where it is kept.",
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "token": _TOKEN,
                "name": {"type": "string", "pattern": f"^{NAME.pattern}$", "default": USER_FEEDBACK},
                "id": _ID,
                "withdraw": {"const": True},
                "receipt": _RECEIPT,
            },
            "required": ["token", "withdraw"],
        },
    ]
}
"""JSON Schema (2020-12) of the body."""
