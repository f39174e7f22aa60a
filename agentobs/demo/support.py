"""The support agent: threads and the plain OpenAI client, with Anthropic's as the second choice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import agentobs

from .desk import CHECKER, EMBEDDER, HELP_CENTRE, ORDER_ARGUMENTS, PRIMARY, SECOND, SMALL, VERDICT, Desk
from .provider import KEY_HEADER
from .tasks import Task

Turns = list[dict[str, Any]]
_TOOLS = [{"type": "function", "function": {"name": "lookup_order", "parameters": ORDER_ARGUMENTS}}]


class Support:
    """Answers questions about orders. The primary model is guarded by a breaker; what fails is answered otherwise."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def handle(self, task: Task) -> str:
        """One conversation, from the question to the customer's opinion."""
        desk, keys = self._desk, task.keys()
        desk.tally.add("runs")
        with agentobs.agent("support", version="1.0", conversation_id=task.conversation_id):
            if task.kind == "small talk":
                return self._chat(task, keys)
            turns: Turns = [{"role": "system", "content": HELP_CENTRE}, {"role": "user", "content": task.text}]
            if task.kind == "question":
                self._search(task, keys)
            degraded = False
            try:
                answer = self._answer(turns, keys)
            except Exception as error:  # noqa: BLE001  whatever went wrong, the customer gets an answer
                degraded = True
                answer = self._answer_otherwise(task, error, keys)
            desk.decide("answer", "send", task, self._check(answer, keys))
            desk.ask_customer(task, degraded=degraded)
            return answer

    def _answer(self, turns: Turns, keys: Iterator[str]) -> str:
        """The tool loop: at most one look-up, then the answer as a stream."""
        client = self._desk.openai
        with self._desk.breaker.calling():
            reply = client.chat.completions.create(
                model=PRIMARY, messages=turns, tools=_TOOLS, extra_headers={KEY_HEADER: next(keys)}
            )
        message = reply.choices[0].message
        if not message.tool_calls:
            return message.content or ""
        turns.append(message.model_dump(exclude_none=True))
        for call in message.tool_calls:
            state = self._desk.use_tool(call.function.name, call.id, lambda: "It left the warehouse yesterday.")
            turns.append({"role": "tool", "tool_call_id": call.id, "content": state})
        with (
            self._desk.breaker.calling(),
            client.chat.completions.create(
                model=PRIMARY,
                messages=turns,
                tools=_TOOLS,
                stream=True,
                stream_options={"include_usage": True},
                extra_headers={KEY_HEADER: next(keys)},
            ) as stream,
        ):
            return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)

    def _answer_otherwise(self, task: Task, error: BaseException, keys: Iterator[str]) -> str:
        """The other provider's model, else an apology."""
        self._desk.tally.add("fallbacks")
        try:
            with (
                agentobs.fallback("support answer", kind="model", reason=error, origin=PRIMARY, target=SECOND),
                self._desk.anthropic.messages.stream(
                    model=SECOND,
                    max_tokens=400,
                    system=[{"type": "text", "text": HELP_CENTRE, "cache_control": {"type": "ephemeral"}}],
                    messages=[{"role": "user", "content": task.text}],
                    extra_headers={KEY_HEADER: next(keys)},
                ) as stream,
            ):
                answer = str(stream.get_final_text())
        except Exception as second:  # noqa: BLE001
            return self._desk.give_up("support answer", second, SECOND)
        if task.luck.draw("tells of the fallback") < 0.8:
            agentobs.notice("fallback")
        return answer

    def _search(self, task: Task, keys: Iterator[str]) -> None:
        """Look the question up in the help centre; without a result the agent answers from what it knows."""
        key = next(keys)

        def search() -> str:
            answer = self._desk.openai.embeddings.create(
                model=EMBEDDER, input=[task.text, HELP_CENTRE[:400]], extra_headers={KEY_HEADER: key}
            )
            return f"{len(answer.data)} articles"

        try:
            self._desk.use_tool("search_help_centre", key, search)
        except Exception:  # noqa: BLE001
            self._desk.tally.add("searches without result")

    def _check(self, answer: str, keys: Iterator[str]) -> float | None:
        """How sure a second, cheaper model is of the answer, from 0 to 1; `None` where it could not be asked."""
        schema = {"name": "verdict", "schema": VERDICT, "strict": True}
        try:
            reply = self._desk.openai.chat.completions.create(
                model=CHECKER,
                messages=[{"role": "user", "content": f"Is this a good answer? {answer}"}],
                response_format={"type": "json_schema", "json_schema": schema},
                extra_headers={KEY_HEADER: next(keys)},
            )
            return float(json.loads(reply.choices[0].message.content)["confidence"])
        except Exception:  # noqa: BLE001
            return None

    def _chat(self, task: Task, keys: Iterator[str]) -> str:
        """A few friendly words from a small model of our own, which no price list knows."""
        pieces: list[str] = []
        try:
            with self._desk.openai.chat.completions.create(
                model=SMALL,
                messages=[{"role": "user", "content": task.text}],
                stream=True,
                stream_options={"include_usage": True},
                extra_headers={KEY_HEADER: next(keys)},
            ) as stream:
                for chunk in stream:
                    pieces.extend(choice.delta.content or "" for choice in chunk.choices)
                    if task.leaves_early and pieces[-1:] != [""]:
                        break
        except Exception as error:  # noqa: BLE001
            return self._desk.give_up("small talk", error, SMALL)
        return "".join(pieces)
