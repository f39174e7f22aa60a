"""Libraries that call hooks of the program's choice: ours is added behind those that there are, and can be removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Hooks = tuple[Any, ...]


class Listener:
    """One hook among those of a library.

    Args:
        hook: ours.
        current: the hooks as the library has them now, `None` where it has not chosen its defaults yet.
        defaults: the hooks that the library would choose.
        choose: makes the library use these; `None` lets it choose its defaults when it first needs them.
    """

    def __init__(
        self,
        hook: Any,
        current: Callable[[], Hooks | None],
        defaults: Callable[[], Hooks],
        choose: Callable[[Hooks | None], None],
    ) -> None:
        self._hook = hook
        self._current = current
        self._choose = choose
        before = current()
        self._undecided = before is None
        self._behind = defaults() if before is None else before
        choose((*self._behind, hook))

    def remove(self) -> None:
        """Remove ours; hooks that the program has chosen since stay."""
        now = self._current()
        if now is None or self._hook not in now:
            return
        rest = tuple([hook for hook in now if hook is not self._hook])
        # Each of the library's defaults may have been made of its factory since, so they are told by their number.
        self._choose(None if self._undecided and len(rest) == len(self._behind) else rest)
