"""`agent()`: a span around one run of an agent, as a context manager and as a decorator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..context import ANSWER, RUN, current_run
from ..records.agents import Run
from .block import Block, Opened

if TYPE_CHECKING:
    from ..emit import Emitters


class AgentBlock(Block):
    """One run of an agent; `run` says what happened in it so far."""

    _stage = "agent"

    def __init__(self, name: str, version: str | None, conversation_id: str | None) -> None:
        super().__init__()
        self._token: Any = None
        self._arguments = (name, version, conversation_id)
        self.run = Run(name, version, conversation_id)

    def _fresh(self) -> AgentBlock:
        return AgentBlock(*self._arguments)

    def _begin(self) -> None:
        parent = current_run()
        name, version, conversation_id = self._arguments
        if conversation_id is None and parent is not None:
            conversation_id = parent.conversation_id
        self.run = Run(name, version, conversation_id, parent)
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
