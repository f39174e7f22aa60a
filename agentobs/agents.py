"""`agent()` and `tool()`: spans around the program's own code, as context managers and as decorators."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, overload

from . import runtime
from .context import ANSWER, RUN
from .record import Run, ToolCall
from .scope import Scope

F = TypeVar("F", bound=Callable[..., Any])


class AgentScope(Scope):
    """One run of an agent; `run` holds what happened in it so far."""

    _stage = "agent"

    def __init__(self, name: str, version: str | None, conversation_id: str | None) -> None:
        super().__init__()
        self._token: Any = None
        self._arguments = (name, version, conversation_id)
        self.run = Run(name, version, conversation_id)

    def _fresh(self) -> AgentScope:
        return AgentScope(*self._arguments)

    def _begin(self) -> None:
        parent = RUN.get()
        name, version, conversation_id = self._arguments
        if conversation_id is None and parent is not None:
            conversation_id = parent.conversation_id
        self.run = Run(name, version, conversation_id, parent)
        answer = ANSWER.get()
        if answer is not None and parent is None:
            answer.run = self.run
        super()._begin()

    def _open(self, agents: Any) -> Any:
        agents.begin_run(self.run)
        return self.run.span

    def _close(self, agents: Any, outcome: str, error: BaseException | None, duration_s: float) -> None:
        agents.end_run(self.run, outcome, error, duration_s)

    def _enter_context(self) -> None:
        self._token = RUN.set(self.run)

    def _leave_context(self) -> None:
        RUN.reset(self._token)


class ToolScope(Scope):
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

    def _fresh(self) -> ToolScope:
        return ToolScope(*self._arguments)

    def _called(self, arguments: Callable[[], dict[str, Any]]) -> None:
        if not _captures():
            return
        try:
            given = arguments()
        except (TypeError, ValueError):
            # A call that does not fit the signature raises its own TypeError; a builtin may have no signature.
            return
        for receiver in ("self", "cls"):
            given.pop(receiver, None)
        self._tool.arguments = given

    def _returned(self, value: Any) -> None:
        if _captures():
            self._tool.result = value

    def _open(self, agents: Any) -> Any:
        agents.begin_tool(self._tool)
        return self._tool.span

    def _close(self, agents: Any, outcome: str, error: BaseException | None, duration_s: float) -> None:
        agents.end_tool(self._tool, outcome, error, duration_s)


def _captures() -> bool:
    handle = runtime.in_force()
    return handle is not None and handle.calls.captures


def agent(name: str, *, version: str | None = None, conversation_id: str | None = None) -> AgentScope:
    """One run of the agent `name`, as `with agent("support"):` or `@agent("support")`, synchronous or asynchronous.

    The run's span carries the calls, tokens, cost, decisions, fallbacks and outcome of everything inside it. Nested runs
    add to the runs around them. `conversation_id` is put on the spans inside; give only an id that really exists.
    """
    return AgentScope(name, version, conversation_id)


@overload
def tool(name: F) -> F: ...
@overload
def tool(
    name: str,
    *,
    type: str = "function",
    description: str | None = None,
    call_id: str | None = None,
    arguments: Any = None,
) -> ToolScope: ...
@overload
def tool(
    name: None = None,
    *,
    type: str = "function",
    description: str | None = None,
    call_id: str | None = None,
    arguments: Any = None,
) -> Callable[[F], F]: ...
def tool(
    name: Any = None,
    *,
    type: str = "function",  # noqa: A002  the conventions' word for it
    description: str | None = None,
    call_id: str | None = None,
    arguments: Any = None,
) -> Any:
    """One call of a tool, as `with tool("search"):`, `@tool` or `@tool("search")`.

    A decorated function's tool is named after it where no name is given. `type` is function, extension or datastore.
    Arguments and result are captured only where content capture is on.
    """
    if callable(name):
        return ToolScope(_name_of(name), type, description, call_id, arguments)(name)
    if name is None:
        return lambda function: ToolScope(_name_of(function), type, description, call_id, arguments)(function)
    return ToolScope(name, type, description, call_id, arguments)


def _name_of(function: Callable[..., Any]) -> str:
    """Its name; that of its class for a callable object, that of what it calls for a `functools.partial`."""
    if isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__name__", None) or function.__class__.__name__
