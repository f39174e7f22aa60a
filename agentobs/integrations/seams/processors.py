"""Frameworks that report their own spans to a processor: each has a key, a start, an end, and its place in the context.

The framework starts and ends its spans where its own code runs, so what happens between them finds the run or tool that
it belongs to in the context, as if the program had written `with agentobs.agent(...)` there. A span that is never ended
(a task that was destroyed) is forgotten after many others.
"""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

from ...catalogue.values import Outcome
from ...records.agents import Run, ToolCall
from ...records.calls import SUCCESS, CallRequest, CallResult
from ..observer import Entered, Observer, OpenRun, OpenTool

_MAX_OPEN = 10_000


class ReportedError(Exception):
    """An error of which a framework says no more than a text."""


class _Step(NamedTuple):
    opened: OpenRun | OpenTool | Run
    entered: Entered
    started_s: float


class Steps:
    """The runs, tools and model calls of a framework that are under way, by the framework's own keys."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._open: dict[Any, _Step] = {}
        self._lock = threading.Lock()

    def begin_run(self, key: Any, agent: str, conversation_id: str | None) -> None:
        """A run of an agent begins."""
        run = self._observer.open_run(agent, conversation_id=conversation_id)
        if run is not None:
            self._keep(key, run, self._observer.enter_run(run))

    def begin_tool(self, key: Any, tool: ToolCall) -> None:
        """A tool call begins."""
        opened = self._observer.open_tool(tool)
        if opened is not None:
            self._keep(key, opened, self._observer.enter_tool(opened))

    def begin_call(self, key: Any) -> None:
        """A step begins that asks a model, by a client that may be observed itself."""
        part = self._observer.enter_part()
        if part is not None:
            self._keep(key, *part)

    def _keep(self, key: Any, opened: OpenRun | OpenTool | Run, entered: Entered) -> None:
        with self._lock:
            self._open[key] = _Step(opened, entered, time.perf_counter())
            if len(self._open) > _MAX_OPEN:
                self._open.pop(next(iter(self._open)))

    def _take(self, key: Any) -> _Step | None:
        with self._lock:
            step = self._open.pop(key, None)
        if step is not None:
            self._observer.leave_run(step.entered)
        return step

    def tool(self, key: Any) -> ToolCall | None:
        """The tool call of this key, for its arguments and result to be noted."""
        step = self._open.get(key)
        return step.opened.tool if step is not None and isinstance(step.opened, OpenTool) else None

    def end(self, key: Any, outcome: Outcome, error: BaseException | None) -> None:
        """The run or tool call of this key is over."""
        step = self._take(key)
        if step is not None and not isinstance(step.opened, Run):
            self._observer.end(step.opened, outcome, error, time.perf_counter() - step.started_s)

    def end_call(self, key: Any, request: CallRequest, result: CallResult) -> None:
        """The step of this key is over; its model call is reported if no client told of one."""
        step = self._take(key)
        if step is not None and isinstance(step.opened, Run) and not step.opened.calls:
            duration_s = time.perf_counter() - step.started_s
            started_ns = time.time_ns() - int(duration_s * 1e9)
            self._observer.report_call(request, result, SUCCESS, started_ns=started_ns, duration_s=duration_s)

    def forget(self, key: Any) -> None:
        """The step of this key is over, and there is nothing to tell of it."""
        self._take(key)
