"""`agent()` and `tool()`: spans around the program's own code, as context managers and as decorators.

Decorated functions keep their kind: a coroutine function stays one, a generator stays a generator. A generator's body
runs with the run as its context, but nothing is held attached while it is suspended.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, TypeVar, overload

from . import guard, runtime
from .context import ANSWER, RUN
from .record import Run, ToolCall

F = TypeVar("F", bound=Callable[..., Any])


def _outcome(error: BaseException | None) -> str:
    if error is None:
        return "success"
    if isinstance(error, GeneratorExit):
        return "abandoned"
    if isinstance(error, asyncio.CancelledError) or not isinstance(error, Exception):
        return "cancelled"
    return "error"


class _Scope:
    """Something that has a beginning and an end around code of the program."""

    _stage = "scope"

    def __init__(self) -> None:
        self._started_s = 0.0
        self._emitter: Any = None
        self._token: Any = None
        self._span_token: Any = None

    # What a kind of scope adds.
    def _open(self, agents: Any) -> Any:
        """Begin, and return the span."""
        raise NotImplementedError

    def _close(self, agents: Any, outcome: str, error: BaseException | None, duration_s: float) -> None:
        raise NotImplementedError

    def _enter_context(self) -> None:
        """Set context variables."""

    def _leave_context(self) -> None:
        """Reset them."""

    def _fresh(self) -> _Scope:
        """A scope like this one for one more call of a decorated function."""
        raise NotImplementedError

    def _begin(self) -> None:
        self._started_s = time.perf_counter()
        emitter = runtime.current()
        self._emitter = emitter.agents if emitter is not None else None
        self._span: Any = None
        if self._emitter is not None:
            try:
                self._span = self._open(self._emitter)
            except Exception as error:  # noqa: BLE001
                guard.failed(f"{self._stage}.begin", error)

    def _finish(self, error: BaseException | None) -> None:
        if self._emitter is None:
            return
        try:
            self._close(self._emitter, _outcome(error), error, time.perf_counter() - self._started_s)
        except Exception as fault:  # noqa: BLE001
            guard.failed(f"{self._stage}.end", fault)

    def _attach(self) -> None:
        self._enter_context()
        if self._span is not None:
            try:
                from .emit import spans

                self._span_token = spans.attach(self._span)
            except Exception as error:  # noqa: BLE001
                guard.failed(f"{self._stage}.attach", error)

    def _detach(self) -> None:
        token, self._span_token = self._span_token, None
        if token is not None:
            try:
                from .emit import spans

                spans.detach(token)
            except Exception as error:  # noqa: BLE001
                guard.failed(f"{self._stage}.detach", error)
        self._leave_context()

    @contextmanager
    def _current(self) -> Generator[None]:
        """The scope as context for one step of a generator."""
        self._attach()
        try:
            yield
        finally:
            self._detach()

    def __enter__(self) -> Any:
        self._begin()
        self._attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._detach()
        self._finish(error)

    async def __aenter__(self) -> Any:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    def _called(self, arguments: Callable[[], dict[str, Any]]) -> None:
        """A decorated function is called with these arguments."""

    def _returned(self, value: Any) -> None:
        """A decorated function returned `value`."""

    def __call__(self, function: F) -> F:
        """Decorate a function, coroutine function, generator function or asynchronous generator function."""
        signature = inspect.signature(function)

        def scope(args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Scope:
            fresh = self._fresh()
            fresh._called(lambda: dict(signature.bind(*args, **kwargs).arguments))
            return fresh

        wrapper: Any
        if inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return _drive_async(scope(args, kwargs), function(*args, **kwargs))

        elif inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                return (yield from _drive(scope(args, kwargs), function(*args, **kwargs)))

        elif inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with scope(args, kwargs) as entered:
                    value = await function(*args, **kwargs)
                    entered._returned(value)
                    return value

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with scope(args, kwargs) as entered:
                    value = function(*args, **kwargs)
                    entered._returned(value)
                    return value

        return wrapper  # type: ignore[no-any-return]


def _drive(scope: _Scope, inner: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Run a generator step by step inside `scope`, as `yield from` would, with nothing attached between the steps."""
    scope._begin()
    step: Callable[[], Any] = functools.partial(next, inner)
    while True:
        try:
            with scope._current():
                item = step()
        except StopIteration as stop:
            scope._finish(None)
            return stop.value
        except BaseException as error:
            scope._finish(error)
            raise
        try:
            sent = yield item
        except GeneratorExit as left:
            try:
                with scope._current():
                    inner.close()
            finally:
                scope._finish(left)
            raise
        except BaseException as error:  # noqa: BLE001  it belongs to the inner generator
            step = functools.partial(inner.throw, error)
        else:
            step = functools.partial(inner.send, sent)


async def _drive_async(scope: _Scope, inner: AsyncGenerator[Any, Any]) -> AsyncGenerator[Any, Any]:
    """The same for an asynchronous generator."""
    scope._begin()
    step: Callable[[], Any] = inner.__anext__
    while True:
        try:
            with scope._current():
                item = await step()
        except StopAsyncIteration:
            scope._finish(None)
            return
        except BaseException as error:
            scope._finish(error)
            raise
        try:
            sent = yield item
        except GeneratorExit as left:
            try:
                with scope._current():
                    await inner.aclose()
            finally:
                scope._finish(left)
            raise
        except BaseException as error:  # noqa: BLE001  it belongs to the inner generator
            step = functools.partial(inner.athrow, error)
        else:
            step = functools.partial(inner.asend, sent)


class AgentScope(_Scope):
    """One run of an agent; `run` holds what happened in it so far."""

    _stage = "agent"

    def __init__(self, name: str, version: str | None, conversation_id: str | None) -> None:
        super().__init__()
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


class ToolScope(_Scope):
    """One call of a tool. Set `result` to have it captured, where content capture is on."""

    _stage = "tool"

    def __init__(self, name: str, type_: str, description: str | None, call_id: str | None, arguments: Any) -> None:
        super().__init__()
        self._arguments = (name, type_, description, call_id, arguments)
        self._tool = ToolCall(name, type_, description, call_id, arguments)

    @property
    def result(self) -> Any:
        return self._tool.result

    @result.setter
    def result(self, value: Any) -> None:
        self._tool.result = value

    def _fresh(self) -> ToolScope:
        return ToolScope(*self._arguments)

    def _called(self, arguments: Callable[[], dict[str, Any]]) -> None:
        try:
            self._tool.arguments = arguments()
        except Exception:  # noqa: BLE001  a call that does not fit the signature raises its own TypeError
            self._tool.arguments = None

    def _returned(self, value: Any) -> None:
        self._tool.result = value

    def _open(self, agents: Any) -> Any:
        agents.begin_tool(self._tool)
        return self._tool.span

    def _close(self, agents: Any, outcome: str, error: BaseException | None, duration_s: float) -> None:
        agents.end_tool(self._tool, outcome, error, duration_s)


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
        return ToolScope(name.__name__, type, description, call_id, arguments)(name)
    if name is None:
        return lambda function: ToolScope(function.__name__, type, description, call_id, arguments)(function)
    return ToolScope(name, type, description, call_id, arguments)
