"""Reading what client libraries and providers hand out: result objects or parsed JSON, complete or not, odd or not.

Nothing here raises for a value of an unexpected shape: what is not there, or not what it should be, is unknown (`None`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_NONE: Mapping[str, Any] = {}
_LARGEST = 2**53


def fields(thing: Any) -> Mapping[str, Any]:
    """The fields of a result object or of a JSON object by name; none of anything else.

    Pydantic keeps declared fields in `__dict__` and the others beside it; reading them there costs a tenth of asking the
    object for each, because a name that it does not have goes through its slow `__getattr__`.
    """
    if type(thing) is dict:
        return thing
    declared: Mapping[str, Any] | None = getattr(thing, "__dict__", None)
    if declared is None:
        return _NONE
    others = getattr(thing, "__pydantic_extra__", None)
    return {**declared, **others} if others else declared


def pick(thing: Any, name: str) -> Any:
    """One field of a result object or of a JSON object; `None` where there is none."""
    return fields(thing).get(name)


def whole(value: Any) -> int | None:
    """A count: a whole number from 0 up, else unknown.

    Beyond 2**53 a sum of counts is no longer exact, and beyond 2**63 OTLP cannot carry it, nor what goes along with it.
    """
    return value if type(value) is int and 0 <= value <= _LARGEST else None


def text(value: Any) -> str | None:
    """A text that is not empty, without lone surrogates, else unknown."""
    if type(value) is not str or not value:
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")


def number(value: Any) -> float | None:
    """A number, else unknown; booleans are none, nor is what a float cannot hold (huge, infinite, not a number)."""
    if type(value) is int:
        return value if -_LARGEST <= value <= _LARGEST else None
    return value if type(value) is float and math.isfinite(value) else None


def finite(value: Any) -> float | None:
    """A number as a float, else unknown."""
    known = number(value)
    return None if known is None else float(known)


def texts(value: Any) -> tuple[str, ...] | None:
    """A text, or a list of texts, as a tuple; `None` where there is none."""
    if type(value) is str:
        value = (value,)
    known = tuple(entry for entry in map(text, items(value)) if entry is not None)
    return known or None


def items(value: Any) -> Iterable[Any]:
    """The entries of a list that are not null; nothing where it is no list."""
    return [entry for entry in value if entry is not None] if isinstance(value, (list, tuple)) else ()


def json_object(body: bytes | None) -> dict[str, Any] | None:
    """A body parsed as a JSON object; `None` where it is none."""
    if not body:
        return None
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def sse_events(body: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects in the `data:` lines of a server-sent event stream."""
    for block in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = [line[5:].strip() for line in block.split(b"\n") if line.startswith(b"data:")]
        if lines:
            event = json_object(b"\n".join(lines))
            if event is not None:
                yield event
