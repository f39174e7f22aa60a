"""What may be posted, in words for people (`SCHEMA`) and in code (`read`); tests hold the two together.

A known label has its score; other labels are free words. So a rating is one of: a thumb, stars, a signal of what the user
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
LABEL_CHARS = 64
TOKEN_CHARS = 2_048
BODY_BYTES = 16_384
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
ID = re.compile(r"[A-Za-z0-9_.~-]{1,64}")

_MEMBERS = ("token", "name", "value", "label", "comment", "id")


@dataclass(frozen=True, slots=True)
class Posted:
    """A body that keeps to the contract. `value` is a score from 0 to 1; `id` is the name where none was given."""

    token: str
    name: str
    value: float | None
    label: str | None
    comment: str | None
    id: str
    source: FeedbackSource


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
        found = json.loads(body.decode(), parse_constant=_not_a_number)
    except (ValueError, RecursionError):
        _malformed("the body is not JSON in UTF-8")
    if not isinstance(found, dict):
        _malformed("the body is not a JSON object")
    if any(member not in _MEMBERS for member in found):
        _malformed(f"the body has a member that is not known; there are {', '.join(_MEMBERS)}")
    label = _text(found, "label", LABEL_CHARS, least=1)
    name = _name(found, label)
    value = _value(found, name, label)
    comment = _text(found, "comment", COMMENT_CHARS)
    id_ = _text(found, "id", 64)
    if id_ is not None and not ID.fullmatch(id_):
        _malformed("id is not allowed; allowed are 1 to 64 letters, digits, _ . ~ or -")
    token = _text(found, "token", TOKEN_CHARS, least=1)
    if token is None:
        _malformed("token is missing")
    if name == STARS_NAME and label is None and value is not None:
        label = tuple(STARS)[round(value * 4)]
    source: FeedbackSource = "implicit" if name == IMPLICIT_NAME else "end_user"
    return Posted(token, name, value, label, comment or None, id_ or name, source)


def _text(found: dict[str, Any], member: str, longest: int, least: int = 0) -> str | None:
    if member not in found:
        return None
    text = found[member]
    if not isinstance(text, str) or not least <= len(text) <= longest:
        _malformed(f"{member} is not allowed; allowed is a text of {least} to {longest} characters")
    return text


def _name(found: dict[str, Any], label: str | None) -> str:
    name = _text(found, "name", 64) if "name" in found else IMPLICIT_NAME if label in SIGNALS else USER_FEEDBACK
    if name is None or not NAME.fullmatch(name):
        _malformed("name is not allowed; allowed are a letter and up to 63 letters, digits, . _ or -")
    if (name == IMPLICIT_NAME or label in SIGNALS) and (name != IMPLICIT_NAME or label not in SIGNALS):
        _malformed(f"the name {IMPLICIT_NAME} and the labels {', '.join(SIGNALS)} go together only")
    if name != STARS_NAME and label in STARS:
        _malformed(f"the labels {', '.join(STARS)} go with the name {STARS_NAME} only")
    if name == STARS_NAME and label is not None and label not in STARS:
        _malformed(f"label is not allowed; allowed for the name {STARS_NAME} are {', '.join(STARS)}")
    return name


def _value(found: dict[str, Any], name: str, label: str | None) -> float | None:
    if "value" not in found:
        if label is None:
            _malformed("value and label are both missing; one of them is needed")
        return THUMBS.get(label, STARS.get(label))
    if label in KNOWN_LABELS:
        _malformed("value is not allowed with this label, which has a score of its own; leave it out")
    value = found["value"]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        _malformed("value is not allowed; allowed is a number")
    if name == STARS_NAME:
        if value not in (1, 2, 3, 4, 5):
            _malformed(f"value is not allowed; allowed for the name {STARS_NAME} is 1, 2, 3, 4 or 5")
        return (value - 1) / 4
    if not 0 <= value <= 1:
        _malformed("value is not allowed; allowed is a number from 0 to 1")
    return float(value)


def _variant(
    title: str, description: str, properties: dict[str, Any], required: list[str], **more: Any
) -> dict[str, Any]:
    return {
        "title": title,
        "description": description,
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "token": {
                "type": "string",
                "minLength": 1,
                "maxLength": TOKEN_CHARS,
                "description": "What came with the answer.",
            },
            **properties,
            "comment": {
                "type": "string",
                "maxLength": COMMENT_CHARS,
                "description": "Free text; secrets and personal data are replaced before it is kept.",
            },
            "id": {
                "type": "string",
                "pattern": f"^{ID.pattern}$",
                "description": "Posted again, it replaces what was said; without it the name is the id.",
            },
        },
        "required": ["token", *required],
        **more,
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
    "not": {"enum": list(KNOWN_LABELS)},
    "description": "The score in a word.",
}
_STARS_NAME = {"const": STARS_NAME}

SCHEMA: dict[str, Any] = {
    "anyOf": [
        _variant(
            "Thumb",
            "A thumb up scores 1, a thumb down 0.",
            {"name": _FREE_NAME, "label": {"enum": list(THUMBS)}},
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
            "Stars",
            "One to five stars, as a number.",
            {"name": _STARS_NAME, "value": {"type": "integer", "minimum": 1, "maximum": 5}},
            ["name", "value"],
        ),
        _variant(
            "Stars in a word",
            "One to five stars, as a label; they score 0, 0.25, 0.5, 0.75 and 1.",
            {"name": _STARS_NAME, "label": {"enum": list(STARS)}},
            ["name", "label"],
        ),
        _variant(
            "Signal",
            "What the user did with the answer.",
            {"name": {"const": IMPLICIT_NAME}, "label": {"enum": list(SIGNALS)}},
            ["label"],
        ),
    ]
}
"""JSON Schema (2020-12) of the body."""
