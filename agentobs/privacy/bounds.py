"""Bounding the work: text that is far longer than what may be kept is cut before it is searched for secrets."""

from __future__ import annotations

import re
from typing import Any

from .plain import plain
from .size import cut_note
from .structure import redact
from .text import redact_text

_MARGIN_CHARS = 2_048
_UNSAFE_CHARS = 64
"""Longer than the cards, IBANs and phone numbers that the cut may have split."""
_DATA_URL_HEAD = 128
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]*+={0,2}")
_LONGEST_BASE64_CHARS = 1_024


def bounded(value: Any, limit_bytes: int, redacted: bool) -> Any:
    """`value` as plain data whose single texts are little longer than `limit_bytes`, redacted if asked.

    Data URLs keep their media type and length only, other long base64 text its length. What a cut may have split is not
    kept: the cut is made at white space, and the end of the redacted text is dropped with it.
    """

    def shorten(text: str) -> str:
        if text.startswith("data:"):
            text = _data_url_head(text)
        elif len(text) > _LONGEST_BASE64_CHARS and _BASE64.fullmatch(text):
            text = f"[base64, {base64_bytes(len(text), text[-2:])} bytes]"
        longest = limit_bytes + _MARGIN_CHARS
        return text if len(text) <= longest else _head(text, longest, redacted)

    data = plain(value, shorten)
    return redact(data) if redacted else data


def base64_bytes(chars: int, end: str) -> int:
    """How many bytes base64 text of `chars` characters stands for; `end` is its end, with the padding."""
    return max(0, chars * 3 // 4 - (len(end) - len(end.rstrip("="))))


def _data_url_head(text: str) -> str:
    head, comma, _ = text[:_DATA_URL_HEAD].partition(",")
    if not comma or not head.endswith(";base64") or len(text) <= _DATA_URL_HEAD:
        return text
    return f"{head},[{base64_bytes(len(text) - len(head) - 1, text[-2:])} bytes]"


def _head(text: str, longest: int, redacted: bool) -> str:
    head = text[:longest]
    if not redacted:
        return head + cut_note(len(text) - longest)
    gap = max(head.rfind(" "), head.rfind("\n"))
    if gap > longest - _MARGIN_CHARS // 2:
        head = head[:gap]
    return redact_text(head)[:-_UNSAFE_CHARS] + cut_note(len(text) - len(head))
