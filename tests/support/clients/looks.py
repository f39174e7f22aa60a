"""What a program may do to a thing that it got without using it, and what can be reached from that thing."""

from __future__ import annotations

import copy
import gc
import pickle
import re
from collections.abc import AsyncGenerator, Callable, Generator, Iterable
from typing import Any

_PER_RUN = re.compile(
    r"0x[0-9a-f]+|127\.0\.0\.1:\d+|stainless-python-retry-[0-9a-f-]+|timedelta\(.*?\)|\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT"
)
"""Addresses, ports, ids, durations and dates, which every run makes anew."""

_CLOSED = (type, Generator, AsyncGenerator)


def look(thing: Any) -> dict[str, Any]:
    """What pickle, copies, `vars`, `repr`, `==`, `hash` and `dir` make of `thing`, as plain data that can be compared."""
    own = getattr(thing, "__dict__", {})
    return {
        "pickle": _tried(lambda: pickle.loads(pickle.dumps(thing))),  # noqa: S301  our own
        "deepcopy": _tried(lambda: copy.deepcopy(thing)),
        "copy": _tried(lambda: copy.copy(thing)),
        "vars": {name: _kind(value) for name, value in own.items()},
        "order of vars": list(own),
        "repr": _steady(repr(thing)),
        "==": (thing == thing, thing == object(), thing != thing),  # noqa: PLR0124
        "hash": _tried(lambda: hash(thing)),
        "dir": dir(thing),
        "parts": {name: _tried(lambda value=value: copy.deepcopy(value)) for name, value in own.items()},
    }


def reached(things: Iterable[Any]) -> list[Any]:
    """`things` and what they refer to, four steps deep.

    Not through classes, where agentobs has its patches, nor into what a suspended generator of the client library's is
    working on: a program that breaks off in the middle leaves that there, and cannot come at it.
    """
    met = {id(thing): thing for thing in things}
    newest = list(met.values())
    for _ in range(4):
        newest = [
            each
            for each in gc.get_referents(*newest)
            if id(each) not in met
            and not isinstance(each, _CLOSED)
            and (hasattr(each, "__dict__") or gc.is_tracked(each))
        ]
        met |= {id(each): each for each in newest}
    return list(met.values())


def _tried(work: Callable[[], Any]) -> Any:
    """What `work` comes to: nothing but that it did, or the exception."""
    try:
        work()
    except Exception as error:
        return type(error).__name__, _steady(str(error))
    return "done"


def _steady(text: str) -> str:
    return _PER_RUN.sub("*", text)


def _kind(value: Any) -> Any:
    return (
        value.__class__.__module__,
        value.__class__.__qualname__,
        isinstance(value, type(value)),
        _steady(repr(value)),
    )
