"""The billing agent: asyncio, Anthropic's client first and OpenAI's responses as the second choice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import agentobs

from .desk import CHECKER, HELP_CENTRE, INVOICE_ARGUMENTS, SECOND, THINKER, VERDICT, Desk
from .provider import KEY_HEADER
from .tasks import Task

_TOOLS = [{"name": "lookup_invoice", "input_schema": INVOICE_ARGUMENTS}]
_SYSTEM = [{"type": "text", "text": HELP_CENTRE, "cache_control": {"type": "ephemeral"}}]


class Billing:
    """Decides on refunds and explains invoices. Complaints get a model that thinks first."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def handle(self, task: Task) -> str:
        """One conversation, from the question to the customer's opinion."""
        desk, keys = self._desk, task.keys()
        desk.tally.add("runs")
        async with agentobs.agent("billing", version="1.0", conversation_id=task.conversation_id):
            degraded = False
            try:
                answer = await (self._think(task, keys) if task.kind == "complaint" else self._answer(task, keys))
            except Exception as error:  # noqa: BLE001  whatever went wrong, the customer gets an answer
                degraded = True
                answer = await self._answer_otherwise(task, error, keys)
            if task.kind == "refund":
                desk.decide("refund", "pay back", task, await self._check(answer, keys))
            desk.ask_customer(task, degraded=degraded)
            return answer

    async def _answer(self, task: Task, keys: Iterator[str]) -> str:
        """The tool loop: at most one look-up, then the answer as a stream."""
        turns: list[dict[str, Any]] = [{"role": "user", "content": task.text}]
        with self._desk.breaker.calling():
            reply = await self._desk.anthropic.messages.create(
                model=SECOND,
                max_tokens=400,
                system=_SYSTEM,
                messages=turns,
                tools=_TOOLS,
                extra_headers={KEY_HEADER: next(keys)},
            )
        uses = [block for block in reply.content if block.type == "tool_use"]
        if not uses:
            return "".join(block.text for block in reply.content if block.type == "text")
        turns.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in reply.content]})
        for use in uses:
            state = self._desk.use_tool(use.name, use.id, lambda: "Paid on the first, delivery fee included.")
            result = {"type": "tool_result", "tool_use_id": use.id, "content": state}
            turns.append({"role": "user", "content": [result]})
        with self._desk.breaker.calling():
            async with self._desk.anthropic.messages.stream(
                model=SECOND,
                max_tokens=400,
                system=_SYSTEM,
                messages=turns,
                tools=_TOOLS,
                extra_headers={KEY_HEADER: next(keys)},
            ) as stream:
                return str(await stream.get_final_text())

    async def _think(self, task: Task, keys: Iterator[str]) -> str:
        with self._desk.breaker.calling():
            reply = await self._desk.anthropic.messages.create(
                model=THINKER,
                max_tokens=2000,
                thinking={"type": "adaptive"},
                messages=[{"role": "user", "content": task.text}],
                extra_headers={KEY_HEADER: next(keys)},
            )
        return "".join(block.text for block in reply.content if block.type == "text")

    async def _answer_otherwise(self, task: Task, error: BaseException, keys: Iterator[str]) -> str:
        """The other provider's model, else an apology."""
        origin = THINKER if task.kind == "complaint" else SECOND
        self._desk.tally.add("fallbacks")
        try:
            async with (
                agentobs.fallback("billing answer", kind="model", reason=error, origin=origin, target=CHECKER),
                self._desk.openai.responses.stream(
                    model=CHECKER,
                    instructions=HELP_CENTRE,
                    input=task.text,
                    extra_headers={KEY_HEADER: next(keys)},
                ) as stream,
            ):
                answer = str((await stream.get_final_response()).output_text)
        except Exception as second:  # noqa: BLE001
            return self._desk.give_up("billing answer", second, CHECKER)
        if task.luck.draw("tells of the fallback") < 0.8:
            agentobs.notice("fallback")
        return answer

    async def _check(self, answer: str, keys: Iterator[str]) -> float | None:
        """How sure a second model is of the decision, from 0 to 1; `None` where it could not be asked."""
        form = {"type": "json_schema", "name": "verdict", "schema": VERDICT, "strict": True}
        try:
            reply = await self._desk.openai.responses.create(
                model=CHECKER,
                input=f"Does our policy allow this? {answer}",
                text={"format": form},
                extra_headers={KEY_HEADER: next(keys)},
            )
            return float(json.loads(reply.output_text)["confidence"])
        except Exception:  # noqa: BLE001
            return None
