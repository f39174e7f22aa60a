"""Reading what client libraries and providers hand out: result objects or parsed JSON, complete or not, odd or not.

Nothing here raises for a value of an unexpected shape: what is not there, or not what it should be, is unknown (`None`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
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
    if value is None:
        return None
    count = value if type(value) is int else integer(value)
    return count if count is not None and 0 <= count <= _LARGEST else None


def integer(value: Any) -> int | None:
    """A whole number as a plain `int`, also where it is of a subclass (`IntEnum`); booleans are none."""
    if type(value) is int:
        return value
    return int.__int__(value) if isinstance(value, int) and not isinstance(value, bool) else None


def text(value: Any) -> str | None:
    """A text that is not empty as a plain `str` without lone surrogates, else unknown.

    Of a subclass (`StrEnum`, `class Model(str, Enum)`) it is the text itself, as it stands in the request's JSON, not
    what the subclass makes of it in `str()`.
    """
    if type(value) is not str:
        if not isinstance(value, str):
            return None
        value = str.__str__(value)
    plain: str = value
    return (plain if plain.isascii() else plain.encode("utf-8", "replace").decode("utf-8")) or None


def number(value: Any) -> float | None:
    """A number, else unknown; booleans are none, nor is what a float cannot hold (huge, infinite, not a number)."""
    if type(value) is float or isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    count = integer(value)
    return count if count is not None and -_LARGEST <= count <= _LARGEST else None


def finite(value: Any) -> float | None:
    """A number as a float, else unknown."""
    known = number(value)
    return None if known is None else float(known)


def texts(value: Any) -> tuple[str, ...] | None:
    """A text, or a list of texts, as a tuple; `None` where there is none."""
    if isinstance(value, str):
        value = (value,)
    known = tuple(entry for entry in map(text, items(value)) if entry is not None)
    return known or None


def items(value: Any) -> Iterable[Any]:
    """The entries of a list that are not null; nothing where it is no list."""
    return [entry for entry in value if entry is not None] if isinstance(value, (list, tuple)) else ()


def json_object(body: bytes | None) -> dict[str, Any] | None:
    """A body parsed as a JSON object, or the only one in a list (Gemini's errors); `None` where it is none."""
    if not body:
        return None
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(parsed, list) and len(parsed) == 1:
        (parsed,) = parsed
    return parsed if isinstance(parsed, dict) else None


class ServerSentEvents:
    """The JSON objects in the `data:` lines of a server-sent event stream, and whether its end marker came."""

    def __init__(self, body: bytes) -> None:
        self.events: list[dict[str, Any]] = []
        self.marked = False
        for block in body.replace(b"\r\n", b"\n").split(b"\n\n"):
            lines = [line[5:].strip() for line in block.split(b"\n") if line.startswith(b"data:")]
            if not lines:
                continue
            data = b"\n".join(lines)
            if data.startswith(b"[DONE]"):
                self.marked = True
                return
            event = json_object(data)
            if event is not None:
                self.events.append(event)
