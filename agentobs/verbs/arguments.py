"""Checks of what a verb is given, and how it reaches the emitters.

What the program's author writes, such as a kind that does not exist, raises, so that it is found in the first test. What
comes at run time, from a model or a user, cannot: it is kept as unknown, counted as dropped, and told in the log once with
its cure. Under test (`agentobs.testing`) it raises as well.
"""

from __future__ import annotations

import math
import numbers
import reprlib
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TypeGuard

from .. import guard, process

if TYPE_CHECKING:
    from ..emit import Emitters


def one_of(option: str, value: object, allowed: tuple[str, ...]) -> None:
    """Check that `value` is one of the allowed ones.

    Raises:
        ValueError: it is not; the message names them.
    """
    if value not in allowed:
        raise ValueError(f"{option}={value!r} is not allowed; allowed are {', '.join(allowed)}")


_told: set[str] = set()
_SHOWN = reprlib.Repr()
_SHOWN.maxstring = 80


def not_allowed(option: str, value: object, allowed: str) -> str:
    """The message for a value that cannot be taken; `allowed` begins with `is` or `are`."""
    return f"{option}={_SHOWN.repr(value)} is not allowed; allowed {allowed}"


def unknown(option: str, message: str) -> None:
    """What came at run time for `option` cannot be taken, as `message` says; whoever calls this goes on without it.

    Raises:
        ValueError: under test only.
    """
    if guard.strict:
        raise ValueError(message)
    emit("arguments", lambda emitters: emitters.telemetry.dropped(f"bad_{option}"))
    if option not in _told:
        _told.add(option)
        guard.log.warning("agentobs: %s; it is kept as unknown, here and from now on", message)


def text_or_unknown(option: str, value: object) -> str | None:
    """`value` as text; `None` where there is none, or where it cannot be made into one."""
    if isinstance(value, str):
        return value
    try:
        text = None if value is None else str(value)
    except Exception:  # noqa: BLE001  whatever an object of the program does when it is printed
        text = None
    if text is None:
        unknown(option, not_allowed(option, None if value is None else type(value), "is a text"))
    return text


def texts(option: str, values: object) -> tuple[str, ...]:
    """The texts of a list; none of a value that is no list."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        unknown(option, not_allowed(option, values, "is a list of texts"))
        return ()
    try:
        given = [text_or_unknown(option, value) for value in values]
    except ValueError:
        raise
    except Exception as error:  # noqa: BLE001  whatever happens while a generator of the program runs
        unknown(option, not_allowed(option, error, "is a list of texts"))
        return ()
    return tuple(text for text in given if text is not None)


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a finite number."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def emit(stage: str, work: Callable[[Emitters], None]) -> None:
    """Do `work` with the emitters in force, if there are any; an error in it is counted under `stage`."""
    state = process.current()
    if state is not None:
        try:
            work(state.emitters)
        except Exception as error:  # noqa: BLE001
            guard.failed(stage, error)
