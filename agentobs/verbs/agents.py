"""`agent()`: a span around one run of an agent, as a context manager and as a decorator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..context import ANSWER, RUN, current_run
from ..records.agents import Run
from .block import Block, Opened, captures

if TYPE_CHECKING:
    from ..emit import Emitters


_MOST_PIECES = 10_000
"""Pieces of text that are kept of what a decorated generator yields."""


class AgentBlock(Block):
    """One run of an agent; `run` says what happened in it so far.

    Set `input` and `output` to have them captured, where content capture is on: a text, messages, or any other value. A
    decorated function sets both by itself: its arguments and its result, or the texts that a generator yields.
    """

    _stage = "agent"

    def __init__(self, name: str, version: str | None, conversation_id: str | None) -> None:
        super().__init__()
        self._token: Any = None
        self._given: Any = None
        self._pieces: list[str] = []
        self._arguments = (name, version, conversation_id)
        self.run = Run(name, version, conversation_id)

    @property
    def input(self) -> Any:
        """What the run is asked."""
        return self.run.input

    @input.setter  # noqa: A003  the builtin is not called here
    def input(self, value: Any) -> None:
        if captures():
            self.run.input = value

    @property
    def output(self) -> Any:
        """What the run answers."""
        return self.run.output

    @output.setter
    def output(self, value: Any) -> None:
        if captures():
            self.run.output = value

    def _called(self, arguments: dict[str, Any]) -> None:
        # One argument is the question itself; of several, their names say which is which.
        self._given = next(iter(arguments.values())) if len(arguments) == 1 else arguments or None

    def _returned(self, value: Any) -> None:
        if value is not None:
            self.output = value

    def _yielded(self, item: Any) -> None:
        if isinstance(item, str) and len(self._pieces) < _MOST_PIECES and captures():
            self._pieces.append(item)

    def _finish(self, error: BaseException | None) -> None:
        if self._pieces and self.run.output is None:
            self.run.output = "".join(self._pieces)
        super()._finish(error)

    def _fresh(self) -> AgentBlock:
        return AgentBlock(*self._arguments)

    def _begin(self) -> None:
        parent = current_run()
        name, version, conversation_id = self._arguments
        if conversation_id is None and parent is not None:
            conversation_id = parent.conversation_id
        self.run = Run(name, version, conversation_id, parent, input=self._given)
        answer = ANSWER.get()
        if answer is not None and parent is None:
            answer.run = self.run
        super()._begin()

    def _open(self, emitters: Emitters) -> Opened:
        return emitters.runs.open(self.run)

    def _enter_context(self) -> None:
        self._token = RUN.set(self.run)

    def _context_token(self) -> Any:
        from ..emit import spans

        return spans.attach_run(self._opened.span if self._opened is not None else None, self.run)

    def _leave_context(self) -> None:
        RUN.reset(self._token)


def agent(name: str, *, version: str | None = None, conversation_id: str | None = None) -> AgentBlock:
    """One run of the agent `name`, as `with agent("support"):` or `@agent("support")`, synchronous or asynchronous.

    The run's span carries the calls, tokens, cost, decisions, fallbacks and outcome of everything inside it. Nested runs
    add to the runs around them. `conversation_id` is put on the spans inside; give only an id that really exists.
    """
    return AgentBlock(name, version, conversation_id)
