"""Something that has a beginning and an end around code of the program, as a context manager and as a decorator.

Decorated functions keep their kind: a coroutine function stays one, a generator function stays one. A generator's body
runs with the block as its context, but nothing stays attached while it is suspended.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeVar

from .. import guard, process
from ..catalogue.values import Outcome
from ..context import BLOCK

if TYPE_CHECKING:
    from ..emit import Emitters

F = TypeVar("F", bound=Callable[..., Any])


class Opened(Protocol):
    """What an emitter returns for something that has begun."""

    @property
    def span(self) -> Any: ...
    def end(self, outcome: Outcome, error: BaseException | None, duration_s: float) -> None: ...


def _outcome(error: BaseException | None) -> Outcome:
    if error is None:
        return "success"
    if isinstance(error, GeneratorExit):
        return "abandoned"
    if isinstance(error, asyncio.CancelledError) or not isinstance(error, Exception):
        return "cancelled"
    return "error"


class Block:
    """One block at a time: it may be entered again after it was left; for overlapping ones make one each."""

    _stage = "block"

    def __init__(self) -> None:
        self._started_s = 0.0
        self._opened: Opened | None = None
        self._span_token: Any = None
        self._mark: Any = None

    # What a kind of block adds.
    def _open(self, emitters: Emitters) -> Opened:
        """Begin."""
        raise NotImplementedError

    def _enter_context(self) -> None:
        """Set context variables."""

    def _leave_context(self) -> None:
        """Reset them."""

    def _context_token(self) -> Any:
        """Make the block's span current in OpenTelemetry's context; `None` where there is nothing to undo."""
        from ..emit import spans

        span = self._opened.span if self._opened is not None else None
        return None if span is None else spans.attach(span)

    def _fresh(self) -> Block:
        """A block like this one for one more call of a decorated function."""
        raise NotImplementedError

    def _called(self, arguments: dict[str, Any]) -> None:
        """A decorated function is called with these arguments, by name; only where content is captured."""

    def _returned(self, value: Any) -> None:
        """A decorated function returned `value`."""

    def _yielded(self, item: Any) -> None:
        """A decorated generator yielded `item`."""

    # --- begin and end ---
    def _begin(self) -> None:
        self._started_s = time.perf_counter()
        self._opened = None
        state = process.current()
        if state is not None:
            try:
                self._opened = self._open(state.emitters)
            except Exception as error:  # noqa: BLE001
                guard.failed(f"{self._stage}.begin", error)

    def _finish(self, error: BaseException | None) -> None:
        if self._opened is None:
            return
        try:
            self._opened.end(_outcome(error), error, time.perf_counter() - self._started_s)
        except Exception as fault:  # noqa: BLE001
            guard.failed(f"{self._stage}.end", fault)

    def _attach(self) -> None:
        self._mark = BLOCK.set(self)
        self._enter_context()
        if self._opened is not None:
            try:
                self._span_token = self._context_token()
            except Exception as error:  # noqa: BLE001
                guard.failed(f"{self._stage}.attach", error)

    def _detach(self) -> None:
        token, self._span_token = self._span_token, None
        try:
            BLOCK.reset(self._mark)
        except (ValueError, RuntimeError):
            # A `with` block in a generator that is closed elsewhere: its context was another, and goes with it.
            return
        if token is not None:
            try:
                from ..emit import spans

                spans.detach(token)
            except Exception as error:  # noqa: BLE001
                guard.failed(f"{self._stage}.detach", error)
        self._leave_context()

    @contextmanager
    def _current(self) -> Generator[None]:
        """The block as context for one step of a generator."""
        self._attach()
        try:
            yield
        finally:
            self._detach()

    # --- as a context manager ---
    def __enter__(self) -> Self:
        self._begin()
        self._attach()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._detach()
        self._finish(error)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)

    # --- as a decorator ---
    def __call__(self, function: F) -> F:
        """Decorate a function, coroutine function, generator function or asynchronous generator function."""
        wrapper: Any
        if inspect.isasyncgenfunction(function):
            wrapper = self._async_generator(function)
        elif inspect.isgeneratorfunction(function):
            wrapper = self._generator(function)
        elif inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self._for_call(function, args, kwargs) as block:
                    value = await function(*args, **kwargs)
                    block._returned(value)
                    return value

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self._for_call(function, args, kwargs) as block:
                    value = function(*args, **kwargs)
                    block._returned(value)
                    return value

        return wrapper  # type: ignore[no-any-return]

    def _for_call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Block:
        block = self._fresh()
        if captures():
            try:
                given = dict(_signature(function).bind(*args, **kwargs).arguments)
            except (TypeError, ValueError):
                # A call that does not fit the signature raises its own TypeError; a builtin may have no signature.
                return block
            for receiver in ("self", "cls"):
                given.pop(receiver, None)
            block._called(given)
        return block

    def _generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The generator function that runs `function` step by step, as `yield from` would."""

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            inner = function(*args, **kwargs)
            block = self._for_call(function, args, kwargs)
            block._begin()
            step: Callable[[], Any] = functools.partial(next, inner)
            while True:
                try:
                    with block._current():
                        item = step()
                except StopIteration as stop:
                    block._returned(stop.value)
                    block._finish(None)
                    return stop.value
                except BaseException as error:
                    block._finish(error)
                    raise
                block._yielded(item)
                try:
                    sent = yield item
                except GeneratorExit as left:
                    try:
                        with block._current():
                            inner.close()
                    finally:
                        block._finish(left)
                    raise
                except BaseException as error:  # noqa: BLE001  it belongs to the inner generator
                    step = functools.partial(inner.throw, error)
                else:
                    step = functools.partial(inner.send, sent)

        return wrapper

    def _async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same for an asynchronous generator function."""

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            inner = function(*args, **kwargs)
            block = self._for_call(function, args, kwargs)
            block._begin()
            step: Callable[[], Any] = inner.__anext__
            while True:
                try:
                    with block._current():
                        item = await step()
                except StopAsyncIteration:
                    block._finish(None)
                    return
                except BaseException as error:
                    block._finish(error)
                    raise
                block._yielded(item)
                try:
                    sent = yield item
                except GeneratorExit as left:
                    try:
                        with block._current():
                            await inner.aclose()
                    finally:
                        block._finish(left)
                    raise
                except BaseException as error:  # noqa: BLE001  it belongs to the inner generator
                    step = functools.partial(inner.athrow, error)
                else:
                    step = functools.partial(inner.asend, sent)

        return wrapper


def captures() -> bool:
    """Whether content is captured now."""
    state = process.current()
    return state is not None and state.capture != "none"


@functools.lru_cache(maxsize=256)
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)
