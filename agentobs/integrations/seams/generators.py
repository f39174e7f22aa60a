"""Clients whose lowest seam is a plain function, and for streams a function that gives an iterator.

What the program gets stays the library's own: these functions stand below its public generators, which go on iterating
over what is returned here. A stream is watched by an object that is freed with the generator above it, so that a stream
that the program breaks off ends its call at that moment. Closing such a generator and dropping it are the same thing to
whatever it iterates over, so `agentobs.stream.ending` stays unknown.

The order in a wrapper is always the same: open the call (guarded), make the program's call alone in its `try`, close the
call (guarded), hand on the very value or exception.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ...records.calls import CallEnding
from ..deferred import collecting, defer
from ..errors import ending_of
from ..observer import Observer, OpenCall, State
from .answers import Asked, Calls

Arguments = tuple[Any, ...]
Keywords = dict[str, Any]


class Generators(Calls):
    """The wrappers of one library; `ask` reads what is asked, `None` where it is no model call: `(what is in force,
    instance, arguments, keywords)`. The other arguments are those of `Calls`.
    """

    def __init__(
        self,
        observer: Observer,
        ask: Callable[[State, Any, Arguments, Keywords], Asked | None],
        parse: Callable[[Any], Any],
        end: Callable[[BaseException], CallEnding] = ending_of,
        cause: Callable[[BaseException], str] | None = None,
    ) -> None:
        super().__init__(observer, parse, end, cause)
        self._ask = ask

    def _open(self, instance: Any, args: Arguments, kwargs: Keywords) -> OpenCall | None:
        return self.open(lambda state: self._ask(state, instance, args, kwargs))

    def whole(self, wrapped: Any, instance: Any, args: Arguments, kwargs: Keywords) -> Any:
        """A function that returns the whole answer."""
        call = self._open(instance, args, kwargs)
        if call is None:
            return wrapped(*args, **kwargs)
        entered = self.observer.enter(call)
        try:
            answer = wrapped(*args, **kwargs)
        except BaseException as error:
            self.observer.leave(entered)
            self.failed(call, error)
            raise
        self.observer.leave(entered)
        self.answered(call, answer)
        return answer

    async def whole_async(self, wrapped: Any, instance: Any, args: Arguments, kwargs: Keywords) -> Any:
        """A coroutine function that returns the whole answer."""
        call = self._open(instance, args, kwargs)
        if call is None:
            return await wrapped(*args, **kwargs)
        entered = self.observer.enter(call)
        try:
            answer = await wrapped(*args, **kwargs)
        except BaseException as error:
            self.observer.leave(entered)
            self.failed(call, error)
            raise
        self.observer.leave(entered)
        self.answered(call, answer)
        return answer

    def stream(self, wrapped: Any, instance: Any, args: Arguments, kwargs: Keywords) -> Any:
        """A generator function: it makes the request when its first chunk is asked for."""
        return Stream(self, wrapped(*args, **kwargs), None, lambda: self._open(instance, args, kwargs))

    async def stream_async(self, wrapped: Any, instance: Any, args: Arguments, kwargs: Keywords) -> Any:
        """A coroutine function that makes the request and returns an asynchronous generator."""
        call = self._open(instance, args, kwargs)
        if call is None:
            return await wrapped(*args, **kwargs)
        entered = self.observer.enter(call)
        try:
            chunks = await wrapped(*args, **kwargs)
        except BaseException as error:
            self.observer.leave(entered)
            self.failed(call, error)
            raise
        self.observer.leave(entered)
        return AsyncStream(self, chunks, call)

    def attempt(self, wrapped: Any, _: Any, args: Arguments, kwargs: Keywords) -> Any:
        """A function that is called once for each attempt of a call."""
        exchange = self.next_attempt(self.observer.current_call())
        try:
            return wrapped(*args, **kwargs)
        except Exception as error:
            self.attempt_failed(exchange, error)
            raise

    async def attempt_async(self, wrapped: Any, _: Any, args: Arguments, kwargs: Keywords) -> Any:
        """A coroutine function that is called once for each attempt of a call."""
        exchange = self.next_attempt(self.observer.current_call())
        try:
            return await wrapped(*args, **kwargs)
        except Exception as error:
            self.attempt_failed(exchange, error)
            raise


class _Watched:
    """A stream under way, which ends once: read to its end, by an exception, or left by the program."""

    __slots__ = ("_call", "_chunks", "_seam")

    def __init__(self, seam: Generators, chunks: Any, call: OpenCall | None) -> None:
        self._seam = seam
        self._chunks = chunks
        self._call = call

    def _chunk(self, chunk: Any) -> None:
        call = self._call
        if call is not None:
            call.chunk()
            self._seam.add(call, chunk)

    def _over(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._seam.ended(call, left=False)

    def _broken(self, error: BaseException) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._seam.failed(call, error)

    def __del__(self) -> None:
        if self._call is not None:
            left = _Left(self._seam, self._call, time.perf_counter())
            if collecting():
                defer(left)
            else:
                left.settle()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chunks, name)


class _Left:
    """A stream that the program has left, as far as its call needs it."""

    def __init__(self, seam: Generators, call: OpenCall, ended_s: float) -> None:
        self._seam = seam
        self._call = call
        self._ended_s = ended_s

    def settle(self) -> None:
        """End the call."""
        self._seam.ended(self._call, left=True, ended_s=self._ended_s)


class Stream(_Watched):
    """Stands in for the iterator below a library's generator; `open_` opens the call when the first chunk is asked for."""

    __slots__ = ("_open",)

    def __init__(
        self, seam: Generators, chunks: Any, call: OpenCall | None, open_: Callable[[], OpenCall | None] | None = None
    ) -> None:
        super().__init__(seam, chunks, call)
        self._open = open_

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Any:
        try:
            chunk = self._first() if self._open is not None else next(self._chunks)
        except StopIteration:
            self._over()
            raise
        except BaseException as error:
            self._broken(error)
            raise
        self._chunk(chunk)
        return chunk

    def _first(self) -> Any:
        open_, self._open = self._open, None
        call = self._call = open_() if open_ is not None else None
        if call is None:
            return next(self._chunks)
        entered = self._seam.observer.enter(call)
        try:
            return next(self._chunks)
        finally:
            self._seam.observer.leave(entered)


class AsyncStream(_Watched):
    """Stands in for the asynchronous iterator below a library's asynchronous generator."""

    __slots__ = ()

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> Any:
        try:
            chunk = await anext(self._chunks)
        except StopAsyncIteration:
            self._over()
            raise
        except BaseException as error:
            self._broken(error)
            raise
        self._chunk(chunk)
        return chunk
