"""A program that traces: it takes `STEPS`, makes every call after each of them, and prints what was traced as JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import anthropic
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import agentobs
from tests.support.clients import makers, wire
from tests.support.loopback import Answer, Loopback, serve

RETRIED = (wire.error(429, "rate_limit_error", retry_after_ms="1"), wire.answer(wire.message()))
WHOLE = (wire.answer(wire.message()),)
STREAMED = (wire.events(wire.MESSAGE_EVENTS),)


@anthropic.beta_tool
def look_up(order: str) -> str:
    """Where an order is.

    Args:
        order: its number.
    """
    return f"{order} is in the depot."


def _create(client: Any) -> Any:
    return client.messages.create(**wire.MESSAGE)


def _raw(client: Any) -> Any:
    return client.messages.with_raw_response.create(**wire.MESSAGE)


def _stream(client: Any) -> Any:
    return list(client.messages.create(**wire.MESSAGE, stream=True))


def _helper(client: Any) -> Any:
    with client.messages.stream(**wire.MESSAGE) as stream:
        return stream.get_final_message()


def _streaming(client: Any) -> Any:
    with client.messages.with_streaming_response.create(**wire.MESSAGE) as response:
        return response.read()


def _tools(client: Any) -> Any:
    return client.beta.messages.tool_runner(**wire.MESSAGE, tools=[look_up]).until_done()


async def _astream(client: Any) -> Any:
    return [event async for event in await client.messages.create(**wire.MESSAGE, stream=True)]


async def _ahelper(client: Any) -> Any:
    async with client.messages.stream(**wire.MESSAGE) as stream:
        return await stream.get_final_message()


async def _astreaming(client: Any) -> Any:
    async with client.messages.with_streaming_response.create(**wire.MESSAGE) as response:
        return await response.read()


def _count(client: Any) -> Any:
    return client.messages.count_tokens(model=wire.CLAUDE, messages=wire.SAID)


SYNC: dict[str, tuple[Callable[[Any], Any], tuple[Answer, ...]]] = {
    "create": (_create, WHOLE),
    "raw": (_raw, WHOLE),
    "stream": (_stream, STREAMED),
    "helper": (_helper, STREAMED),
    "streaming response": (_streaming, WHOLE),
    "retried": (_create, RETRIED),
    "refused": (_create, (wire.error(400, "invalid_request_error"),)),
    "tools": (_tools, (wire.answer(wire.MESSAGE_TOOL), *WHOLE)),
    "count tokens": (_count, (wire.answer({"input_tokens": 5}),)),
}
ASYNC: dict[str, tuple[Callable[[Any], Any], tuple[Answer, ...]]] = {
    "create": (_create, WHOLE),
    "raw": (_raw, WHOLE),
    "stream": (_astream, STREAMED),
    "helper": (_ahelper, STREAMED),
    "streaming response": (_astreaming, WHOLE),
    "retried": (_create, RETRIED),
    "refused": (_create, (wire.error(400, "invalid_request_error"),)),
    "count tokens": (_count, (wire.answer({"input_tokens": 5}),)),
}


def _span(span: ReadableSpan) -> dict[str, Any]:
    scope, context = span.instrumentation_scope, span.context
    return {
        "name": span.name,
        "scope": scope.name if scope is not None else None,
        "id": f"{context.span_id:016x}",
        "header": f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}",
        "parent": f"{span.parent.span_id:016x}" if span.parent is not None else None,
    }


class Traced:
    """What was traced, call by call. Client `own` was given a tracer provider of its own, `silent` traces nothing."""

    def __init__(self, loopback: Loopback, runner: asyncio.Runner) -> None:
        self.loopback = loopback
        self.spans, self.own = InMemorySpanExporter(), InMemorySpanExporter()
        # One event loop for all steps: the connections of an asynchronous client belong to it.
        self.runner = runner
        self.clients: dict[str, Any] = {}
        self.calls: dict[str, Any] = {}

    def take(self, step: str) -> None:
        """Take one of the steps."""
        if step == "clients":
            self._make_clients()
        elif step == "provider":
            trace.set_tracer_provider(_provider(self.spans))
        elif step == "instrument":
            agentobs.instrument(metrics="off")
        else:
            agentobs.uninstrument()

    def _make_clients(self) -> None:
        url = self.loopback.url
        self.clients = {
            "sync": makers.anthropic_client(url),
            "async": makers.anthropic_client(url, asynchronous=True),
            "own": makers.anthropic_client(url, open_telemetry={"tracer_provider": _provider(self.own)}),
            "silent": makers.anthropic_client(url, open_telemetry=False),
        }

    @contextmanager
    def _call(self, name: str, answers: tuple[Answer, ...]) -> Iterator[None]:
        self.loopback.play(*answers)
        self.spans.clear()
        self.own.clear()
        with trace.get_tracer("program").start_as_current_span("work"), suppress(anthropic.BadRequestError):
            yield
        self.calls[name] = {
            "spans": [_span(span) for span in self.spans.get_finished_spans() if span.name != "work"],
            "own": [_span(span) for span in self.own.get_finished_spans()],
            "work": [_span(span)["id"] for span in self.spans.get_finished_spans() if span.name == "work"],
            "traceparent": [request.header("traceparent") for request in self.loopback.requests],
        }

    def run(self) -> None:
        """Make every call."""
        self.calls = {}
        for name, (call, answers) in SYNC.items():
            with self._call(f"sync {name}", answers):
                call(self.clients["sync"])
        self.runner.run(self._run_async())
        for name in ("own", "silent"):
            with self._call(f"{name} create", WHOLE):
                _create(self.clients[name])

    async def _run_async(self) -> None:
        for name, (call, answers) in ASYNC.items():
            with self._call(f"async {name}", answers):
                await call(self.clients["async"])


def _provider(exporter: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider


STEPS = ("clients", "instrument", "provider", "clients", "uninstrument", "clients", "instrument")
"""Clients are made and agentobs is set up before and after the program sets its tracer provider, in each order."""


def main() -> None:
    """Print, by the steps taken so far, what each call was traced as."""
    told, taken = {}, []
    with serve() as loopback, asyncio.Runner() as runner:
        traced = Traced(loopback, runner)
        for step in STEPS:
            taken.append(step)
            traced.take(step)
            traced.run()
            told[" ".join(taken)] = traced.calls
    print(json.dumps(told))


if __name__ == "__main__":
    main()
