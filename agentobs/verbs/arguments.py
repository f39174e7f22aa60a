"""Checks of what the program's author writes, and how a verb reaches the emitters."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
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
