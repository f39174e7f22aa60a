"""Shortening inside a structure, so that its JSON text stays valid and within a number of bytes."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from typing import Any

from .plain import dumps, plain

LEAST_BYTES = 4
"""Whatever there is, `null` fits."""
_READABLE_BYTES = 200
"""Items of a list are shortened down to this many bytes each before the oldest are left out."""
_READABLE_ENTRY_BYTES = 24
_ELLIPSIS = "…"
_CUT = re.compile(r"…\[([0-9]{1,18}) more characters\]\Z")

LeftOut = Callable[[list[Any]], Any]
"""Makes the item that stands for the items that were left out, given these."""


def note_of_items(items: list[Any]) -> Any:
    """The note for plain lists: `[12 older items left out]`."""
    return f"[{len(items)} older items left out]"


def fit(value: Any, limit_bytes: int, left_out: LeftOut = note_of_items) -> Any:
    """`value` as plain data whose JSON text, as `render` writes it, has at most `limit_bytes` bytes of UTF-8.

    The longest texts are shortened first and say by how much. Lists lose their oldest items, the first ones, once the
    rest could not be read any more; `left_out` makes the note that stands for them. Objects lose their last entries.

    Raises:
        ValueError: `limit_bytes` is less than 4, the size of `null`.
    """
    if limit_bytes < LEAST_BYTES:
        raise ValueError(f"limit_bytes={limit_bytes!r} is not allowed; allowed is {LEAST_BYTES} and more")
    return _fit(plain(value), limit_bytes, left_out)


def cut_text(text: str, keep_chars: int) -> str:
    """The first `keep_chars` characters, and how many are missing; text that was cut before counts what it lost."""
    earlier = _CUT.search(text)
    whole = earlier.start() + int(earlier[1]) if earlier else len(text)
    kept = min(keep_chars, earlier.start()) if earlier else keep_chars
    return text[:kept] + cut_note(whole - kept)


def cut_note(chars: int) -> str:
    """What stands at the end of a text of which `chars` characters are missing."""
    return f"{_ELLIPSIS}[{chars} more characters]"


def _size(value: Any) -> int:
    return len(dumps(value).encode())


def _fit(value: Any, budget: int, left_out: LeftOut) -> Any:
    if isinstance(value, str):
        return _fit_text(value, budget)
    size = _size(value)
    if size <= budget:
        return value
    if isinstance(value, list):
        return _fit_list(value, budget, left_out)
    if isinstance(value, dict):
        return _fit_object(value, budget, left_out)
    return None


def _fit_text(text: str, budget: int) -> str:
    if len(text) + 2 <= budget and _size(text) <= budget:
        return text
    # No cut longer than the budget can fit, so the search needs no more of the text than that.
    longest = min(len(text), budget)
    kept = bisect_left(range(longest), True, key=lambda keep: _size(cut_text(text, keep)) > budget) - 1
    if kept >= 0:
        return cut_text(text, kept)
    return _ELLIPSIS if budget >= _size(_ELLIPSIS) else ""


def _share(sizes: list[int], budget: int) -> int:
    """The largest share such that sizes cut down to it sum up to at most `budget`; the largest size if all fit."""
    rest = budget
    for done, size in enumerate(sorted(sizes)):
        share = rest // (len(sizes) - done)
        if size > share:
            return share
        rest -= size
    return max(sizes, default=0)


def _fit_list(items: list[Any], budget: int, left_out: LeftOut) -> list[Any]:
    sizes = [_size(item) for item in items]

    def share_without(count: int) -> int:
        kept = sizes[count:]
        note = _size(left_out(items[:count])) if count else 0
        commas = len(kept) - (not count)
        return _share(kept, budget - 2 - note - commas)

    def readable(count: int) -> bool:
        kept = sizes[count:]
        return share_without(count) >= min(_READABLE_BYTES, max(kept))

    count = bisect_left(range(len(items) - 1), True, key=readable) if len(items) > 1 else 0
    share = share_without(count)
    if share >= LEAST_BYTES:
        kept = [_fit(item, share, left_out) for item in items[count:]]
        return [left_out(items[:count]), *kept] if count else kept
    if budget >= 2 + LEAST_BYTES:
        return [_fit(items[-1], budget - 2, left_out)]
    return []


def _fit_object(entries: dict[str, Any], budget: int, left_out: LeftOut) -> dict[str, Any]:
    names = list(entries)
    keys = [_size(name) + 1 for name in names]
    sizes = [_size(item) for item in entries.values()]

    def note(count: int) -> dict[str, str]:
        return {_ELLIPSIS: f"[{len(names) - count} entries left out]"} if count < len(names) else {}

    def share_of(count: int) -> int:
        note_size = _size(note(count)) if count < len(names) else 1
        return _share(sizes[:count], budget - note_size - sum(keys[:count]) - count)

    def too_many(count: int) -> bool:
        return count > 0 and share_of(count) < min(_READABLE_ENTRY_BYTES, max(sizes[:count]))

    count = bisect_left(range(1, len(names) + 1), True, key=too_many)
    if not count:
        whole = note(0)
        return whole if _size(whole) <= budget else {}
    share = share_of(count)
    if share < LEAST_BYTES:
        return {}
    kept = {name: _fit(entries[name], share, left_out) for name in names[:count]}
    return {**kept, **note(count)}
