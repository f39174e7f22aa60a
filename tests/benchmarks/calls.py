"""What agentobs adds to a call, against a baseline written by hand: one span of 12 attributes, two histogram records.

    python tests/benchmarks/calls.py [--calls 400] [--rounds 7] [--instructions]

Real openai client, transport in the process, so that nothing but Python is measured. Prints function calls (repeatable to
the digit) and CPU time of the calling thread (median of rounds in random order) per plain call, per streamed chunk and
for a call that is sampled out, each with its ratio to the baseline of the same run, and what `import agentobs` and
`instrument()` take. `--instructions` counts machine instructions of a plain call with valgrind (some minutes; the figure
does not depend on what else the machine does). Not a test: it asserts nothing.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import openai
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import SpanKind
from prometheus_client import CollectorRegistry

import agentobs

CHUNKS = 200
MESSAGES = [{"role": "user" if i % 2 else "assistant", "content": "x" * 200} for i in range(10)]
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4.1-mini-2025-04-14",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "y" * 700}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 500,
        "completion_tokens": 180,
        "total_tokens": 680,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    },
}
Bench = Callable[[], None]


class _Nowhere(SpanExporter):
    def export(self, spans: Any) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def _sse() -> bytes:
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": ANSWER["model"]}
    lines = [
        {**chunk, "choices": [{"index": 0, "delta": {"content": "word "}, "finish_reason": None}]}
        for _ in range(CHUNKS)
    ]
    lines.append({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    lines.append({**chunk, "choices": [], "usage": ANSWER["usage"]})
    return b"".join(b"data: " + json.dumps(line).encode() + b"\n\n" for line in lines) + b"data: [DONE]\n\n"


def client() -> openai.OpenAI:
    """A real client whose transport answers in the process."""
    try:
        import httpx2 as http
    except ImportError:
        import httpx as http  # type: ignore[no-redef]
    plain, stream = json.dumps(ANSWER).encode(), _sse()

    def answer(request: Any) -> Any:
        if b'"stream":true' in request.content or b'"stream": true' in request.content:
            return http.Response(200, headers={"content-type": "text/event-stream"}, content=stream)
        return http.Response(200, headers={"content-type": "application/json"}, content=plain)

    return openai.OpenAI(
        api_key="k",
        base_url="https://api.openai.com/v1",
        http_client=http.Client(transport=http.MockTransport(answer)),
    )


def plain_call(api: openai.OpenAI) -> None:
    api.chat.completions.create(model="gpt-4.1-mini", messages=MESSAGES, temperature=0.2, max_tokens=300)  # type: ignore[arg-type]


def streamed_call(api: openai.OpenAI) -> None:
    for _ in api.chat.completions.create(
        model="gpt-4.1-mini",
        messages=MESSAGES,  # type: ignore[arg-type]
        stream=True,
        stream_options={"include_usage": True},
    ):
        pass


def providers(sampled: bool) -> dict[str, Any]:
    """Providers as a program has them: batch processor, a metric reader, no network."""
    tracers = TracerProvider(sampler=ALWAYS_ON if sampled else ALWAYS_OFF)
    tracers.add_span_processor(BatchSpanProcessor(_Nowhere()))
    return {
        "tracer_provider": tracers,
        "meter_provider": MeterProvider([InMemoryMetricReader()]),
        "logger_provider": LoggerProvider(),
    }


def baseline(api: openai.OpenAI, sampled: bool, call: Callable[[openai.OpenAI], None]) -> Bench:
    """The least that anybody would write by hand."""
    made = providers(sampled)
    tracer = made["tracer_provider"].get_tracer("baseline")
    meter = made["meter_provider"].get_meter("baseline")
    duration = meter.create_histogram("baseline.duration", unit="s")
    tokens = meter.create_histogram("baseline.tokens", unit="{token}")

    def run() -> None:
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4.1-mini",
            "server.address": "api.openai.com",
            "server.port": 443,
            "gen_ai.request.temperature": 0.2,
            "gen_ai.request.max_tokens": 300,
            "gen_ai.response.model": "gpt-4.1-mini-2025-04-14",
            "gen_ai.response.id": "chatcmpl-1",
            "gen_ai.response.finish_reasons": ("stop",),
            "gen_ai.usage.input_tokens": 500,
            "gen_ai.usage.output_tokens": 180,
        }
        labels = {name: attributes[name] for name in list(attributes)[:5]} | {"gen_ai.response.model": ANSWER["model"]}
        started = time.perf_counter()
        with tracer.start_as_current_span("chat gpt-4.1-mini", kind=SpanKind.CLIENT, attributes=attributes):
            call(api)
        duration.record(time.perf_counter() - started, labels)
        tokens.record(680, labels)

    return run


class Entry:
    """One way of observing, on for the time of a measurement."""

    def __init__(self, name: str, sampled: bool, call: Callable[[openai.OpenAI], None], metrics: str | None) -> None:
        self.name = name
        self._api = client()
        self._call = call
        self._metrics = metrics
        self._made = providers(sampled)
        self._registry = CollectorRegistry()
        self.run: Bench = lambda: call(self._api)
        if name == "baseline":
            self.run = baseline(self._api, sampled, call)

    def __enter__(self) -> Entry:
        if self._metrics is not None:
            made = dict(self._made)
            if self._metrics == "prometheus":
                made.pop("meter_provider")
                made["registry"] = self._registry
            agentobs.instrument(metrics=self._metrics, **made)  # type: ignore[arg-type]
        return self

    def __exit__(self, *_: object) -> None:
        agentobs.uninstrument()


def function_calls(run: Bench, calls: int) -> float:
    for _ in range(20):
        run()
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(calls):
        run()
    profile.disable()
    return sum(entry.callcount for entry in profile.getstats()) / calls


def cpu_us(run: Bench, calls: int) -> float:
    for _ in range(5):
        run()
    started = time.thread_time()
    for _ in range(calls):
        run()
    return (time.thread_time() - started) / calls * 1e6


def measure(
    title: str, sampled: bool, call: Callable[[openai.OpenAI], None], calls: int, rounds: int, per: int
) -> None:
    entries = [
        Entry("nothing", sampled, call, None),
        Entry("baseline", sampled, call, None),
        Entry("agentobs, prometheus_client", sampled, call, "prometheus"),
        Entry("agentobs, OpenTelemetry", sampled, call, "otel"),
    ]
    counted: dict[str, float] = {}
    timed: dict[str, list[float]] = {entry.name: [] for entry in entries}
    for entry in entries:
        with entry:
            counted[entry.name] = function_calls(entry.run, 50)
    for _ in range(rounds):
        floor = 0.0
        order = entries[1:]
        random.shuffle(order)
        for entry in [entries[0], *order]:
            with entry:
                spent = cpu_us(entry.run, calls)
            if entry is entries[0]:
                floor = spent
            timed[entry.name].append(spent - floor if entry is not entries[0] else spent)
    base_calls = counted["baseline"] - counted["nothing"]
    base_us = statistics.median(timed["baseline"])
    print(f"\n{title} (without anything: {counted['nothing']:.0f} calls, {statistics.median(timed['nothing']):.0f} us)")
    for entry in entries[1:]:
        more = counted[entry.name] - counted["nothing"]
        spent = statistics.median(timed[entry.name])
        print(
            f"  {entry.name:30} +{more / per:7.1f} function calls ({more / base_calls:4.2f} x)   "
            f"+{spent / per:7.2f} us CPU ({spent / base_us:4.2f} x)"
        )


NAMES = {
    "nothing": None,
    "baseline": None,
    "agentobs, prometheus_client": "prometheus",
    "agentobs, OpenTelemetry": "otel",
}


def child(name: str, calls: int) -> None:
    """One entry, plain calls only: what valgrind runs."""
    with Entry(name, True, plain_call, NAMES[name]) as entry:
        for _ in range(calls):
            entry.run()


def instructions(name: str) -> float:
    """Instructions of one plain call: the difference between 40 and 20 of them."""
    counted = []
    for calls in (20, 40):
        with tempfile.NamedTemporaryFile() as out:
            command = ["valgrind", "--tool=cachegrind", "--cache-sim=no", f"--cachegrind-out-file={out.name}"]
            command += [sys.executable, __file__, "--child", name, str(calls)]
            env = os.environ | {"PYTHONHASHSEED": "0"}
            done = subprocess.run(command, capture_output=True, text=True, env=env, check=True, timeout=900)
        (refs,) = [line for line in done.stderr.splitlines() if "I" in line and "refs:" in line]
        counted.append(int(refs.split()[-1].replace(",", "")))
    return (counted[1] - counted[0]) / 20


def count_instructions() -> None:
    print("\nplain call, instructions (valgrind)")
    floor = instructions("nothing")
    base = instructions("baseline") - floor
    print(f"  nothing                        {floor / 1e6:.3f} M")
    for name in list(NAMES)[1:]:
        more = instructions(name) - floor if name != "baseline" else base
        print(f"  {name:30} +{more / 1e6:.3f} M ({more / base:4.2f} x)", flush=True)


_START = """
import sys, time
import opentelemetry.sdk.trace, opentelemetry.sdk.metrics, opentelemetry.sdk._logs
sdk, before = time.process_time(), len(sys.modules)
import agentobs
imported, loaded = time.process_time(), len(sys.modules)
agentobs.instrument(metrics=sys.argv[1])
done = time.process_time()
print(imported - sdk, loaded - before, done - imported, len(sys.modules) - loaded, sdk)
"""


def start(metrics: str, rounds: int) -> None:
    """CPU time and modules of import and `instrument()` in a fresh process that has the OpenTelemetry SDK."""
    command = [sys.executable, "-c", _START, metrics]
    rows = [[float(x) for x in subprocess.check_output(command, text=True).split()] for _ in range(rounds)]
    imported, modules, instrumented, more, sdk = (statistics.median(column) for column in zip(*rows, strict=True))
    print(
        f"  {metrics:12} import agentobs {imported * 1e3:.0f} ms, {modules:.0f} modules; "
        f"instrument() {instrumented * 1e3:.0f} ms, {more:.0f} modules (the SDK itself: {sdk * 1e3:.0f} ms)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--instructions", action="store_true")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], int(options.child[1]))
        return
    if options.instructions:
        count_instructions()
        return
    print("start, CPU time in a fresh process")
    start("otel", options.rounds)
    start("prometheus", options.rounds)
    measure("plain call", True, plain_call, options.calls, options.rounds, 1)
    measure("sampled out", False, plain_call, options.calls, options.rounds, 1)
    measure("streamed, per chunk", True, streamed_call, max(20, options.calls // 15), options.rounds, CHUNKS + 2)


if __name__ == "__main__":
    main()
