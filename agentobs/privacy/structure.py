"""Redaction of JSON-like structures: names of fields say as much about a value as its text."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, Literal

from .patterns import KEY_WORDS, SECRET, SECRET_WORDS
from .plain import clean, dumps, plain
from .text import redact_text

_Sort = Literal["harmless", "token", "secret"]

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SECRET_WORDS: Final = frozenset(SECRET_WORDS)
_KEY_WORDS: Final = frozenset(KEY_WORDS)
_HARMLESS_ENDS: Final = _words(
    "count counts limit length type types usage policy policies field fields hint hints required enabled expiry expires"
    " max min budget id ids name names url uri rotation strength"
)
_CURSOR_WORDS: Final = _words("page next continuation prev previous stop pad eos bos special first last")
_SCHEMA_KEYS: Final = frozenset(("type", "$ref", "anyOf", "oneOf", "allOf", "enum", "properties"))
_DEEPEST_JSON = 4
_LONGEST_JSON_CHARS = 1_000_000


def redact(value: Any) -> Any:
    """`value` as plain data with secrets and personal data replaced; see `redact_text` for what that is.

    What stands under a name such as `password`, `authorization` or `api_key` is replaced whatever it looks like, except
    booleans, `None` and JSON schemas. Counts (`max_tokens`, `token_limit`) stay. Text that is JSON itself, as the
    arguments of tools are, is treated as the structure it holds.
    """
    return _walk(plain(value), "harmless", 0)


def _walk(value: Any, sort: _Sort, json_depth: int) -> Any:
    if isinstance(value, str):
        if sort != "harmless" and value:
            return SECRET
        return _text(value, json_depth)
    if isinstance(value, dict):
        if sort != "harmless" and not _SCHEMA_KEYS.isdisjoint(value):
            sort = "harmless"
        return _object(value, sort, json_depth)
    if isinstance(value, list):
        return [_walk(item, sort, json_depth) for item in value]
    if sort == "secret" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return SECRET
    return value


def _object(value: dict[str, Any], sort: _Sort, json_depth: int) -> dict[str, Any]:
    redacted: dict[str, Any] = {}
    for key, item in value.items():
        name = redact_text(key)
        if name != key:
            name = _unused(name, redacted)
        redacted[name] = _walk(item, sort if sort != "harmless" else _sort_of(key), json_depth)
    return redacted


def _unused(name: str, taken: dict[str, Any]) -> str:
    number = 2
    free = name
    while free in taken:
        free = f"{name} ({number})"
        number += 1
    return free


def _text(text: str, json_depth: int) -> str:
    stripped = text.strip()
    if (
        json_depth < _DEEPEST_JSON
        and stripped[:1] + stripped[-1:] in ("{}", "[]", '""')
        and len(stripped) <= _LONGEST_JSON_CHARS
    ):
        try:
            # An escaped lone surrogate becomes a real one here, so the text is cleaned again.
            before = plain(json.loads(stripped))
        except (ValueError, RecursionError):
            return redact_text(text)
        after = _walk(before, "harmless", json_depth + 1)
        return text if after == before else clean(dumps(after))
    return redact_text(text)


@lru_cache(2_048)
def _sort_of(key: str) -> _Sort:
    words = tuple(word.lower() for word in _WORDS.findall(key[:200]))
    if not words or words[-1] in _HARMLESS_ENDS:
        return "harmless"
    if not _SECRET_WORDS.isdisjoint(words):
        return "secret"
    if any(first in _KEY_WORDS and second == "key" for first, second in pairwise(words)):
        return "secret"
    if words[-2:] == ("connection", "string"):
        return "secret"
    if words[-1] == "token" and words[-2:-1] and words[-2] in _CURSOR_WORDS:
        return "harmless"
    return "token" if words[-1] in ("token", "bearer") else "harmless"
