"""Wrapping a method of a class so that it can be taken back, leaving the very object that was there before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import wrapt

Wrapper = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]
"""`(wrapped, instance, args, kwargs) -> result`, as wrapt calls it."""


class Patch:
    """One attribute of one class, replaced. A name that the library no longer has is reported, not fatal."""

    def __init__(self, owner: type, attribute: str, replacement: Callable[[Any], Any]) -> None:
        self.name = f"{owner.__module__}.{owner.__qualname__}.{attribute}"
        self._owner = owner
        self._attribute = attribute
        self._original = owner.__dict__.get(attribute)
        self._replacement = replacement(self._original) if self._original is not None else None

    @classmethod
    def wrap(cls, owner: type, attribute: str, wrapper: Wrapper) -> Patch:
        """A method, wrapped by wrapt: name, signature and kind of the function stay as they were."""
        return cls(owner, attribute, lambda original: wrapt.FunctionWrapper(original, wrapper))

    def apply(self) -> bool:
        """Put the replacement in place; `False` where the attribute does not exist in this version."""
        if self._replacement is None:
            return False
        setattr(self._owner, self._attribute, self._replacement)
        return True

    def remove(self) -> bool:
        """Put the original back; `False` where somebody has wrapped ours since, which then only passes through."""
        if self._owner.__dict__.get(self._attribute) is not self._replacement:
            return False
        setattr(self._owner, self._attribute, self._original)
        return True
