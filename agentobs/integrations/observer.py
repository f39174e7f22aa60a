"""The one door from integrations into the emitters.

An integration reads plain facts of its library into records and hands them in here; it knows neither OpenTelemetry nor
the catalogue. Everything is passed through to what is in force at that moment (`process.current()`), so patches may stay
while tests capture what is emitted. No method raises an `Exception`: an error in telemetry is counted and goes no further.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType
from typing import Any

from .. import guard, process
from ..catalogue.values import BreakerOutcome, Outcome
from ..context import CALL, RUN, current_run
from ..emit import spans
from ..emit.agents import OpenRun
from ..emit.breakers import BreakerReader, Watched
from ..emit.calls import OpenCall
from ..emit.spans import Parent
from ..emit.tools import OpenRetrieval, OpenTool
from ..process import State
from ..records.agents import Retrieval, Run, ToolCall
from ..records.breakers import BreakerChange, BreakerReading
from ..records.calls import CallEnding, CallRequest, CallResult
from ..records.decisions import Decision
from ..records.fallbacks import Retry
from .errors import ending_of

__all__ = ["OBSERVER", "Entered", "Observer", "OpenCall", "OpenRetrieval", "OpenRun", "OpenTool", "Parent", "State"]

Entered = tuple[Any, Any]
"""What `enter` changed in the context, for `leave` to undo: the tokens of the variable and of the current span."""


class Observer:
    """Takes what integrations tell. Methods that open something return `None` where nothing is to be observed."""

    # --- model calls ---
    def ready(self) -> State | None:
        """What is in force, where a model call that begins now is to be observed; it says what content to read.

        `None` before `instrument()`, where the program asked instrumentations to keep quiet in this context, and inside
        a call of a library above that owns the calls below it.
        """
        state = process.current()
        if state is None:
            return None
        outer = CALL.get()
        covered = outer is not None and outer.covers and (outer.covers is True or _inside(outer.covers))
        return None if covered or spans.suppressed() else state

    def open_call(
        self,
        request: CallRequest,
        *,
        parent: Parent | None = None,
        started_ns: int = 0,
        covers: bool | str = False,
        owner: Any = None,
    ) -> OpenCall | None:
        """A model call begins.

        Args:
            request: what is asked.
            parent: what it belongs to, where the library says so itself; else what is current.
            started_ns: when it started, in nanoseconds of the epoch, where the library has a clock of its own.
            covers: calls that a library below makes inside `enter` and `leave` are part of this one; the name of a
                package says that only those are that it makes itself.
            owner: whatever the integration wants to find again from inside the call (`current_call().owner`).
        """
        state = process.current()
        if state is None:
            return None
        try:
            call = state.emitters.calls.open(request, parent, started_ns)
            call.covers = covers
            call.owner = owner
        except Exception as error:  # noqa: BLE001
            guard.failed("call.open", error)
            return None
        return call

    def current_call(self) -> OpenCall | None:
        """The call whose request is being made in this context."""
        call: OpenCall | None = CALL.get()
        return call

    def enter(self, call: OpenCall) -> Entered:
        """The call's request is made from now on, in this context."""
        variable = CALL.set(call)
        if call.span is None:
            return variable, None
        try:
            call.outer_context = spans.current_context()
            return variable, spans.attach(call.span, call.outer_context)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.enter", error)
            return variable, None
        except BaseException as interruption:
            # Ctrl-C in the middle of our own work: it is the program's, and the call must not stay under way.
            CALL.reset(variable)
            self.end_call(call, CallResult(), ending_of(interruption))
            raise

    def cover(self, call: OpenCall) -> Entered:
        """As `enter`, without making the span current: for a library that says when a request begins, but not always
        when it is over. Where `leave` never comes, a call that covers what its package makes does no harm.
        """
        return CALL.set(call), None

    def leave(self, entered: Entered) -> None:
        """Undo `enter` or `cover`."""
        variable, span = entered
        try:
            if span is not None:
                spans.detach(span)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.leave", error)
        try:  # noqa: SIM105  a call of `suppress` costs more than all else here
            CALL.reset(variable)
        except (ValueError, RuntimeError):
            # A coroutine that was driven on in another context than it began in: the variable was never set in this one.
            pass

    def attempt_failed(self, call: OpenCall, retry: Retry) -> None:
        """An attempt of the call failed and is made again."""
        try:
            call.attempt_failed(retry)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.retry", error)

    def end_call(self, call: OpenCall, result: CallResult, ending: CallEnding, ended_s: float = 0.0) -> None:
        """The call is over; only the first time counts. `ended_s` as in `CallEmitter.end`."""
        try:
            call.emitter.end(call, result, ending, ended_s)
        except Exception as error:  # noqa: BLE001
            guard.failed("call.end", error)

    def report_call(
        self,
        request: CallRequest,
        result: CallResult,
        ending: CallEnding,
        *,
        started_ns: int,
        duration_s: float,
        parent: Parent | None = None,
        retries: Iterable[Retry] = (),
    ) -> None:
        """A call that is already over, by the library's own clock."""
        call = self.open_call(request, parent=parent, started_ns=started_ns)
        if call is not None:
            for retry in retries:
                self.attempt_failed(call, retry)
            self.end_call(call, result, ending, call.started_s + duration_s)

    # --- agents ---
    def open_run(
        self,
        agent: str,
        *,
        version: str | None = None,
        conversation_id: str | None = None,
        parent: Parent | None = None,
        started_ns: int = 0,
    ) -> OpenRun | None:
        """A run of an agent begins, inside the run of `parent` or the current one; arguments as in `open_call`."""
        state = process.current()
        if state is None:
            return None
        try:
            outer = current_run() if parent is None else parent.run
            if conversation_id is None and outer is not None:
                conversation_id = outer.conversation_id
            return state.emitters.runs.open(Run(agent, version, conversation_id, outer), parent, started_ns)
        except Exception as error:  # noqa: BLE001
            guard.failed("agent.begin", error)
            return None

    def enter_run(self, run: OpenRun) -> Entered:
        """What this context does from now on belongs to the run."""
        variable = RUN.set(run.run)
        try:
            return variable, spans.attach_run(run.span, run.run)
        except Exception as error:  # noqa: BLE001
            guard.failed("agent.attach", error)
            return variable, None

    def leave_run(self, entered: Entered) -> None:
        """Undo `enter_run`; in another context than that one it does nothing."""
        variable, span = entered
        try:
            RUN.reset(variable)
        except (ValueError, RuntimeError):
            return
        try:
            if span is not None:
                spans.detach(span)
        except Exception as error:  # noqa: BLE001
            guard.failed("agent.detach", error)

    def enter_part(self) -> tuple[Run, Entered] | None:
        """What this context does from now on is counted apart too: as a part of the current run that has no span.

        Whoever owns a step of an agent sees by it whether a library below has told of what the step consists of.
        """
        outer = current_run()
        if outer is None or process.current() is None:
            return None
        part = Run(outer.agent, outer.version, outer.conversation_id, outer, span_ids=outer.span_ids)
        return part, (RUN.set(part), None)

    def enter_tool(self, opened: OpenTool) -> Entered:
        """What this context does from now on belongs to the tool call; `leave_run` undoes it."""
        variable = RUN.set(opened.run)
        try:
            return variable, None if opened.span is None else spans.attach(opened.span)
        except Exception as error:  # noqa: BLE001
            guard.failed("tool.attach", error)
            return variable, None

    def open_tool(self, tool: ToolCall, *, parent: Parent | None = None, started_ns: int = 0) -> OpenTool | None:
        """A tool call begins; arguments as in `open_call`."""
        state = process.current()
        if state is None:
            return None
        try:
            return state.emitters.tools.open_tool(tool, parent, started_ns)
        except Exception as error:  # noqa: BLE001
            guard.failed("tool.begin", error)
            return None

    def open_retrieval(
        self, retrieval: Retrieval, *, parent: Parent | None = None, started_ns: int = 0
    ) -> OpenRetrieval | None:
        """A search begins; arguments as in `open_call`."""
        state = process.current()
        if state is None:
            return None
        try:
            return state.emitters.tools.open_retrieval(retrieval, parent, started_ns)
        except Exception as error:  # noqa: BLE001
            guard.failed("retrieval.begin", error)
            return None

    def end(
        self,
        opened: OpenRun | OpenTool | OpenRetrieval,
        outcome: Outcome,
        error: BaseException | None,
        duration_s: float,
    ) -> None:
        """A run, tool call or search is over. `error` is what ended it, if anything did."""
        try:
            opened.end(outcome, error, duration_s)
        except Exception as fault:  # noqa: BLE001
            guard.failed("observer.end", fault)

    # --- retries, decisions, breakers ---
    def retry(self, retry: Retry) -> None:
        """Something that is no observed model call is tried again; inside one, the retry is the call's."""
        state = process.current()
        if state is None:
            return
        try:
            call = self.current_call()
            if call is not None and call.ending is None:
                call.attempt_failed(retry)
            else:
                state.emitters.retries.emit(retry)
        except Exception as error:  # noqa: BLE001
            guard.failed("retry", error)

    def decision(self, decision: Decision) -> None:
        """A library decided something for the agent (a guardrail, a hand-off)."""
        state = process.current()
        if state is None:
            return
        try:
            state.emitters.decisions.emit(decision)
        except Exception as error:  # noqa: BLE001
            guard.failed("decision", error)

    def breaker_call(self, name: str, outcome: BreakerOutcome) -> None:
        """A guarded call ended, or was turned away."""
        state = process.current()
        if state is None:
            return
        try:
            state.emitters.breakers.call(name, outcome)
        except Exception as error:  # noqa: BLE001
            guard.failed("breaker", error)

    def watch_breaker(self, breaker: Any, reader: BreakerReader) -> Watched | None:
        """What is known of `breaker` in what is in force now; from now on `reader` is asked how it stands."""
        state = process.current()
        if state is None:
            return None
        try:
            return state.emitters.breakers.watch(breaker, reader)
        except Exception as error:  # noqa: BLE001
            guard.failed("breaker", error)
            return None

    def show_breaker(self, watched: Watched, reading: BreakerReading) -> None:
        """Show how a breaker stands, after something happened to it."""
        state = process.current()
        if state is None:
            return
        try:
            state.emitters.breakers.show(watched, reading)
        except Exception as error:  # noqa: BLE001
            guard.failed("breaker", error)

    def breaker_change(self, change: BreakerChange) -> None:
        """A breaker changed its state."""
        state = process.current()
        if state is None:
            return
        try:
            state.emitters.breakers.change(change)
        except Exception as error:  # noqa: BLE001
            guard.failed("breaker", error)

    # --- processes and threads ---
    def several_workers(self, count: int, server: str) -> None:
        """This is one of `count` worker processes of a server."""
        state = process.current()
        if state is None:
            return
        try:
            state.emitters.several_workers(count, server)
        except Exception as error:  # noqa: BLE001
            guard.failed("workers", error)

    def flush(self) -> None:
        """Send what there is, within the time that an exit may take: the process may be about to end."""
        state = process.current()
        if state is not None:
            state.exits.flush()

    def process_ends(self) -> None:
        """Send what there is and say goodbye, likewise: the process is about to end without `atexit`."""
        state = process.current()
        if state is not None:
            state.exits.leave()

    def carried(self, *, by_others: bool = True) -> Any:
        """What a thread that is started here is to have as its context; `None` outside of a run.

        `None` too where OpenTelemetry's own instrumentation of threads carries the context, and the run in it, if that
        sees what is started here (`by_others`).
        """
        if current_run() is None or process.current() is None:
            return None
        return None if by_others and spans.threads_carry_context() else spans.current_context()

    def attach(self, context: Any) -> Any:
        """Make what `carried` returned the context of this thread; what comes back goes to `detach`."""
        return spans.attach_context(context)

    def detach(self, token: Any) -> None:
        """Undo `attach`."""
        spans.detach(token)


def _inside(package: str) -> bool:
    """Whether code of `package` is calling, or waiting for, what runs here."""
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name == package or name.startswith(f"{package}."):
            return True
        frame = frame.f_back
    return False


OBSERVER = Observer()
"""The one of this process; it has no state of its own."""
