"""`tool()`: a span around one call of a tool, as a context manager and as a decorator."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ..catalogue.values import ToolType
from ..records.agents import ToolCall
from .block import Block, Opened, captures

if TYPE_CHECKING:
    from ..emit import Emitters

F = TypeVar("F", bound=Callable[..., Any])


class ToolBlock(Block):
    """One call of a tool. Set `result` to have it captured, where content capture is on."""

    _stage = "tool"

    def __init__(self, name: str, type_: str, description: str | None, call_id: str | None, arguments: Any) -> None:
        super().__init__()
        self._arguments = (name, type_, description, call_id, arguments)
        self._tool = ToolCall(*self._arguments)

    @property
    def result(self) -> Any:
        return self._tool.result

    @result.setter
    def result(self, value: Any) -> None:
        self._tool.result = value

    def _fresh(self) -> ToolBlock:
        return ToolBlock(*self._arguments)

    def _called(self, arguments: dict[str, Any]) -> None:
        self._tool.arguments = arguments

    def _returned(self, value: Any) -> None:
        if captures():
            self._tool.result = value

    def _open(self, emitters: Emitters) -> Opened:
        return emitters.tools.open_tool(self._tool)


@overload
def tool(name: F) -> F: ...
@overload
def tool(
    name: str,
    *,
    type: ToolType = "function",
    description: str | None = None,
    call_id: str | None = None,
    arguments: Any = None,
) -> ToolBlock: ...
@overload
def tool(
    name: None = None,
    *,
    type: ToolType = "function",
    description: str | None = None,
    call_id: str | None = None,
    arguments: Any = None,
) -> Callable[[F], F]: ...
def tool(
    name: Any = None,
    *,
    type: ToolType = "function",  # noqa: A002  the conventions' word for it
    description: str | None = None,
    call_id: str | None = None,
    arguments: Any = None,
) -> Any:
    """One call of a tool, as `with tool("search"):`, `@tool` or `@tool("search")`.

    A decorated function's tool is named after it where no name is given. `type` is function, extension or datastore.
    Arguments and result are captured only where content capture is on.
    """
    if callable(name):
        return ToolBlock(_name_of(name), type, description, call_id, arguments)(name)
    if name is None:
        return lambda function: ToolBlock(_name_of(function), type, description, call_id, arguments)(function)
    return ToolBlock(name, type, description, call_id, arguments)


def _name_of(function: Callable[..., Any]) -> str:
    """Its name; that of its class for a callable object, that of what it calls for a `functools.partial`."""
    if isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", None) or function.__class__.__name__
