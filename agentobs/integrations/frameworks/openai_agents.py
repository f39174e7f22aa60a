"""The OpenAI Agents SDK, by a tracing processor beside those of the program: agents, tools, hand-offs and guardrails.

Its model calls are told of by the client that makes them, where that is observed (openai, litellm); else by the usage
that the SDK itself notes. A program that turns the SDK's tracing off turns off this too. Read in openai-agents 0.24.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

from ... import guard
from ...catalogue.values import DecisionOutcome, Outcome
from ...records.agents import ToolCall
from ...records.calls import CallRequest, CallResult
from ...records.decisions import Decision
from ...records.usage import Usage
from ..errors import left_by
from ..observer import Observer
from ..patching import Installed, Patch
from ..reading import pick, text, whole
from ..seams.processors import ReportedError, Steps

_REJECTED = "rejected"
_MODEL_STEPS = frozenset({"generation", "response"})


class OpenAIAgents:
    """A tracing processor. The SDK calls it where its own spans begin and end, and catches what it raises."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._steps = Steps(observer)
        self._conversations: dict[str, str] = {}

    # --- the SDK's interface of a processor ---
    def on_trace_start(self, trace: Any) -> None:
        """A workflow begins; its group is the conversation."""
        group = text(getattr(trace, "group_id", None))
        if group is not None:
            self._conversations[trace.trace_id] = group

    def on_trace_end(self, trace: Any) -> None:
        """A workflow is over."""
        self._conversations.pop(trace.trace_id, None)

    def on_span_start(self, span: Any) -> None:
        """A step begins."""
        self._guarded(self._begin, span)

    def on_span_end(self, span: Any) -> None:
        """A step is over."""
        self._guarded(self._end, span)

    def shutdown(self) -> None:
        """The SDK is shut down; nothing is buffered here."""

    def force_flush(self) -> None:
        """Nothing is buffered here."""

    def _guarded(self, work: Callable[[Any], None], span: Any) -> None:
        try:
            work(span)
        except Exception as error:  # noqa: BLE001
            guard.failed("agents", error)

    # --- steps ---
    def _begin(self, span: Any) -> None:
        data = span.span_data
        kind = data.type
        if kind == "agent":
            self._steps.begin_run(span.span_id, data.name, self._conversations.get(span.trace_id))
        elif kind == "function":
            self._steps.begin_tool(span.span_id, ToolCall(data.name, "extension" if data.mcp_data else "function"))
        elif kind in _MODEL_STEPS:
            self._steps.begin_call(span.span_id)

    def _end(self, span: Any) -> None:
        data = span.span_data
        kind = data.type
        if kind == "agent":
            self._steps.end(span.span_id, *_ending(span))
        elif kind == "function":
            tool = self._steps.tool(span.span_id)
            if tool is not None:
                # Kept only where content is captured; the SDK leaves them out where it is told to.
                tool.arguments, tool.result = data.input, data.output
                tool.type = "extension" if data.mcp_data else tool.type
            self._steps.end(span.span_id, *_ending(span))
        elif kind in _MODEL_STEPS:
            self._end_call(span.span_id, kind, data, span.error)
        elif kind == "handoff":
            self._decided(span.span_id, "handoff", data.to_agent or "unknown", blocked=False)
        elif kind == "guardrail":
            self._decided(span.span_id, "guardrail", "tripped" if data.triggered else "passed", blocked=data.triggered,
                          policy=data.name)  # fmt: skip

    def _end_call(self, key: str, kind: str, data: Any, error: Any) -> None:
        usage = _usage(data.usage)
        if error is not None or usage is None:
            # A failed step says neither what was asked nor what was spent.
            self._steps.forget(key)
            return
        response = data.response if kind == "response" else None
        model = text(pick(response, "model")) if kind == "response" else text(data.model)
        request = CallRequest("chat", "openai" if kind == "response" else "unknown", model)
        self._steps.end_call(key, request, CallResult(model=model, id=text(pick(response, "id")), usage=usage))

    def _decided(self, key: str, kind: str, chosen: str, *, blocked: bool, policy: str | None = None) -> None:
        outcome: DecisionOutcome = "blocked" if blocked else "autonomous"
        self._observer.decision(Decision(key, kind, chosen, outcome, policy=policy))


def _ending(span: Any) -> tuple[Outcome, BaseException | None]:
    """How a step ended: by the exception that is on its way through it, else by what the SDK noted of it."""
    error = sys.exception()
    if error is not None:
        left = left_by(error)
        return ("error", error) if left is None else (left.outcome, error)
    if span.error is None:
        return "success", None
    message = str(span.error.get("message"))
    # A person who says no to a tool is no fault.
    return ("cancelled", None) if _REJECTED in message.lower() else ("error", ReportedError(message))


def _usage(usage: Any) -> Usage | None:
    spent_in, spent_out = whole(pick(usage, "input_tokens")), whole(pick(usage, "output_tokens"))
    if spent_in is None and spent_out is None:
        return None
    return Usage(
        spent_in,
        spent_out,
        cache_read_tokens=whole(pick(pick(usage, "input_tokens_details"), "cached_tokens")),
        reasoning_tokens=whole(pick(pick(usage, "output_tokens_details"), "reasoning_tokens")),
    )


def install(module: ModuleType, observer: Observer) -> Installed:
    """Register a processor with the trace provider of `agents.tracing`, and keep it there when the program sets others.

    The default provider is made by the SDK when it first needs it, with an HTTP client and a thread of its own: it is
    waited for, not asked for.
    """
    processor = OpenAIAgents(observer)
    providers: weakref.WeakSet[Any] = weakref.WeakSet()
    provider_module, setup = (sys.modules[f"{module.__name__}.{name}"] for name in ("provider", "setup"))

    def register(provider: Any) -> None:
        provider.register_processor(processor)
        providers.add(provider)

    def made(wrapped: Any, provider: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = wrapped(*args, **kwargs)
        try:
            register(provider)
        except Exception as error:  # noqa: BLE001
            guard.failed("patch", error)
        return result

    def chosen(wrapped: Any, provider: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        result = wrapped(*args, **kwargs)
        # The program chooses where its own traces go, which is nothing against ours.
        provider.register_processor(processor)
        return result

    def undo() -> None:
        for provider in list(providers):
            several: Any = getattr(provider, "_multi_processor", None)
            kept = getattr(several, "_processors", ())
            if processor in kept:
                several._processors = tuple([each for each in kept if each is not processor])

    existing = getattr(setup, "GLOBAL_TRACE_PROVIDER", None)
    if existing is not None:
        register(existing)
    owner = provider_module.DefaultTraceProvider
    return Installed([Patch.wrap(owner, "__init__", made), Patch.wrap(owner, "set_processors", chosen)], undo)
