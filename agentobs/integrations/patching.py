"""Wrapping a method of a class so that it can be taken back, leaving the very object that was there before."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import wrapt

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
"""`(wrapped, instance, args, kwargs) -> result`, as wrapt calls it."""


class Patch:
    """One attribute of one class or module, replaced. A name that the library no longer has is reported, not fatal."""

    def __init__(self, owner: Any, attribute: str, replacement: Callable[[Any], Any]) -> None:
        module = getattr(owner, "__module__", None)
        self.name = f"{module}.{owner.__qualname__}.{attribute}" if module else f"{owner.__name__}.{attribute}"
        self._owner = owner
        self._attribute = attribute
        self._original = vars(owner).get(attribute)
        self._replacement = replacement(self._original) if self._original is not None else None

    @classmethod
    def wrap(cls, owner: Any, attribute: str, wrapper: Wrapper) -> Patch:
        """A method or function, wrapped by wrapt: name, signature and kind of the function stay as they were."""
        return cls(owner, attribute, lambda original: wrapt.FunctionWrapper(original, wrapper))

    def apply(self) -> bool:
        """Put the replacement in place; `False` where the attribute does not exist in this version."""
        if self._replacement is None:
            return False
        setattr(self._owner, self._attribute, self._replacement)
        return True

    def remove(self) -> bool:
        """Put the original back; `False` where somebody has wrapped ours since, which then only passes through."""
        if vars(self._owner).get(self._attribute) is not self._replacement:
            return False
        setattr(self._owner, self._attribute, self._original)
        return True


class Installed:
    """What an integration has put in place, and how to take it back.

    Attributes:
        places: names of what was patched or hooked.
        missing: names of what this version of the library does not have.
    """

    def __init__(self, patches: Iterable[Patch] = (), undo: Callable[[], None] | None = None) -> None:
        self._applied: list[Patch] = []
        self._undo = undo
        self.missing: list[str] = []
        for patch in patches:
            if patch.apply():
                self._applied.append(patch)
            else:
                self.missing.append(patch.name)
        self.places = [patch.name for patch in self._applied]

    def __call__(self) -> list[str]:
        """Take everything back; returns the names of patches that somebody else has wrapped since, which stay."""
        if self._undo is not None:
            self._undo()
        return [patch.name for patch in reversed(self._applied) if not patch.remove()]
