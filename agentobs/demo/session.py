"""One run of the demo: provider, agents, telemetry, and the comparison at the end."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from types import TracebackType
from typing import Any

import prometheus_client
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider

import agentobs

from ..emit import providers
from .compare import Comparison, compare
from .desk import PRIMARY
from .faults import Fault, Faults, Storm
from .provider import Provider
from .seen import Calls, Metrics
from .workers import THREADS, WORKERS, Workforce

SERVICE = "agentobs-demo"
OTLP_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
_THINK_S = 0.06
_STORM = (0.35, 0.6)
"""The part of the run in which the primary model is down."""
_REST_TASKS = 3
"""How long a breaker stays open, as a number of its worker's tasks."""


def plan(count: int) -> Faults:
    """The demo's faults: a few of every kind, and an outage of the primary model in the middle."""
    first, last = (int(count * share) for share in _STORM)
    return Faults(storms=(Storm(PRIMARY, first, last),))


class Session:
    """Everything of one run is up inside `with Session(...) as session:`; `work()` does the tasks and returns.

    Args:
        seconds: how long the run is meant to take; with `rate` it sets the number of tasks, so that the same seed and
            length give the same counts on every machine.
        seed: what happens.
        rate: tasks a second.
        port: where `/metrics` is served on 127.0.0.1; 0 for any free port.
        otlp: where spans, metrics and events are sent as OTLP; a port 4317 means gRPC.
        faults: another plan than the demo's own.
    """

    def __init__(
        self,
        *,
        seconds: float,
        seed: int = 7,
        rate: float = 8.0,
        port: int = 0,
        otlp: str | None = None,
        faults: Faults | None = None,
    ) -> None:
        self.count = max(1, round(seconds * rate))
        self._shape = (seed, rate)
        self._port = port
        self._otlp = otlp
        self._faults = faults
        self._stack = ExitStack()
        self.registry = prometheus_client.CollectorRegistry()
        self.calls = Calls()
        self.metrics_url: str | None = None
        self.trouble: str | None = None
        """What kept `/metrics` from being served."""

    def __enter__(self) -> Session:
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack) -> None:
        seed, rate = self._shape
        if self._otlp is not None:
            before = os.environ.get(OTLP_VARIABLE)
            os.environ[OTLP_VARIABLE] = self._otlp
            stack.callback(_restore, before)
        self.handle = stack.enter_context(
            agentobs.instrument(
                service=SERVICE,
                metrics="prometheus" if self._otlp is None else "both",
                registry=self.registry,
                tracer_provider=self._tracer_provider(stack),
            )
        )
        for library in ("openai", "anthropic", "pybreaker"):
            # Seconds on a cold machine, and longer still in the workers' threads at once.
            import_module(library)
        self._serve_metrics(stack)
        workforce = Workforce(seed=seed, count=self.count, rate=rate, reset_s=_REST_TASKS * WORKERS / rate)
        self.provider = stack.enter_context(
            Provider(seed=seed, faults=_stalling(self._faults or plan(self.count), workforce), think_s=_THINK_S)
        )
        self.workforce = workforce

    def _tracer_provider(self, stack: ExitStack) -> Any:
        """The provider that OTLP asks for, or one that exports nothing; both hand their spans to the comparison."""
        provider = providers.tracing(None, SERVICE).own
        if provider is None:
            provider = TracerProvider(resource=Resource.create({SERVICE_NAME: SERVICE}), shutdown_on_exit=False)
        provider.add_span_processor(self.calls)
        stack.callback(provider.shutdown)
        return provider

    def _serve_metrics(self, stack: ExitStack) -> None:
        try:
            server, thread = prometheus_client.start_http_server(self._port, "127.0.0.1", self.registry)
        except OSError as error:
            self.trouble = (
                f"port {self._port} cannot be used for /metrics ({error.strerror}); --port 0 takes a free one"
            )
            return
        self.metrics_url = f"http://127.0.0.1:{server.server_port}/metrics"
        stack.callback(thread.join)
        stack.callback(server.server_close)
        stack.callback(server.shutdown)

    def work(self) -> None:
        """Do the tasks; returns when the last one is done or `stop()` was called."""
        self.workforce.run(self.provider.base_url)

    def stop(self) -> None:
        """Have `work()` return after the tasks that are under way."""
        self.workforce.stop()

    def comparison(self) -> Comparison:
        """Served against seen, as of now."""
        return compare(self.provider.ledger, self.workforce.tally, Metrics(self.registry), self.calls)


def _stalling(faults: Faults, workforce: Workforce) -> Faults:
    """The plan, with a stall wherever a customer leaves: else nobody could tell how much of the answer was read."""
    tasks = (due for worker in range(THREADS) for due in workforce.tasks(worker))
    stalls = {next(due.keys()): (Fault.STALL,) for due in tasks if due.leaves_early}
    return replace(faults, scripted={**stalls, **faults.scripted})


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(OTLP_VARIABLE, None)
    else:
        os.environ[OTLP_VARIABLE] = before
