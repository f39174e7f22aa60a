"""Records in, OpenTelemetry and Prometheus out. The only package that imports `opentelemetry` or `prometheus_client`."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from .. import catalogue, guard
from ..config import Config
from ..pricing import PriceBook
from . import providers
from .agents import RunEmitter
from .breakers import BreakerEmitter
from .calls import CallEmitter
from .decisions import DecisionEmitter
from .events import Events
from .fallbacks import FallbackEmitter
from .feedback import FeedbackEmitter
from .retries import RetryEmitter
from .sinks import Series, Sink
from .spans import Spans
from .telemetry import TelemetryEmitter
from .tools import ToolEmitter

__all__ = ["Emitters"]


class Emitters:
    """Everything that turns records into telemetry for one `instrument()`, one emitter for each subject.

    Attributes:
        calls, runs, tools, decisions, fallbacks, retries, breakers, feedback: by subject.
        telemetry: what agentobs tells of itself.
        prices: the price book in use.
    """

    def __init__(
        self,
        config: Config,
        version: str,
        *,
        prices: PriceBook,
        tracer_provider: Any = None,
        meter_provider: Any = None,
        logger_provider: Any = None,
        registry: Any = None,
        before_collect: Callable[[], None] | None = None,
    ) -> None:
        self._version = version
        self._config = config
        self._before_collect = before_collect
        self.meters: providers.Source | None = None
        self.registry = registry
        self._metrics = catalogue.metrics(config.conventions)
        with ExitStack() as undo:
            # A provider of ours has a thread, which must not outlive an option that is refused.
            self.traces = providers.tracing(tracer_provider, config.service)
            undo.callback(self.traces.shutdown)
            self.logs = providers.logging(logger_provider, config.service)
            undo.callback(self.logs.shutdown)
            if config.metrics not in ("off", "prometheus"):
                self.meters = providers.metering(meter_provider, config.service)
                undo.callback(self.meters.shutdown)
            self.series = series = Series(self._sinks(), frozenset(self._metrics))
            undo.pop_all()
        spans = Spans(self.traces, version)
        events = Events(self.logs, version)
        self.prices = prices
        self.retries = RetryEmitter(series, events)
        self.calls = CallEmitter(spans, series, events, prices, config, self.retries)
        self.runs = RunEmitter(spans, series)
        self.tools = ToolEmitter(spans, series, config)
        self.decisions = DecisionEmitter(series, events, config)
        self.fallbacks = FallbackEmitter(spans, series, events)
        self.breakers = BreakerEmitter(series, events)
        self.feedback = FeedbackEmitter(series, events)
        self.telemetry = TelemetryEmitter(series, config, version, prices.as_of)

    def _sinks(self) -> tuple[Sink, ...]:
        wanted = self._config.metrics
        if wanted == "off":
            return ()
        sinks: list[Sink] = []
        if self.meters is not None:
            sinks.append(self._otel_sink(self.meters.provider))
            if self.meters.own is not None:
                # The API's proxy turns into the program's provider, if it ever sets one; ours then falls silent.
                sinks.append(self._otel_sink(providers.global_meter_provider()))
        asked_for_otel = self.meters is not None and self.meters.active
        if wanted in ("prometheus", "both") or (wanted == "auto" and (self.registry is not None or not asked_for_otel)):
            sinks.append(self._prometheus_sink())
        return tuple(sinks)

    def _otel_sink(self, provider: Any) -> Sink:
        from . import otel

        sink = otel.sink_of(provider, catalogue.SCOPE, self._version, catalogue.genai.SCHEMA_URL, self._metrics)

        def before_collect() -> None:
            if self.meters is not None and provider is self.meters.own and self.meters.program_took_over():
                sink.open = False
            if self._before_collect is not None:
                self._before_collect()

        sink.before_collect = before_collect
        return sink

    def _prometheus_sink(self) -> Sink:
        from . import prometheus

        sink = prometheus.sink_of(self.registry, self._metrics)
        sink.resource = prometheus.resource_labels(self._config.service)
        sink.before_collect = self._before_collect
        return sink

    def destinations(self) -> dict[str, str]:
        """Where each signal goes, in words, for the report."""
        destinations = {"spans": self.traces.origin, "events": self.logs.origin}
        names = [type(sink).__name__.removesuffix("Sink").lower() for sink in self.series]
        destinations["metrics"] = "off" if not names else " and ".join(names)
        if self.meters is not None:
            destinations["metrics"] += f" (meter provider: {self.meters.origin})"
        return destinations

    def flush(self, timeout_s: float) -> bool:
        """Have every provider export what it has, in at most `timeout_s`; `False` where that was not enough.

        In threads of their own, because an exporter that hangs would hold up the caller, and the other signals, for as
        long as it likes.
        """
        return _within(timeout_s, [functools.partial(source.flush, timeout_s) for source in self._sources()])

    def close(self, timeout_s: float) -> bool:
        """Stop the sinks, and the providers that are ours, in at most `timeout_s`."""
        ends_s = time.monotonic() + timeout_s
        self.breakers.close()
        self.telemetry.close()
        done = self.flush(timeout_s)
        self.series.close()
        return _within(ends_s - time.monotonic(), [source.shutdown for source in self._sources()]) and done

    def _sources(self) -> list[providers.Source]:
        return [source for source in (self.traces, self.meters, self.logs) if source is not None]


def _within(timeout_s: float, works: list[Callable[[], Any]]) -> bool:
    """Do `works` side by side; `False` if one said so, raised, or took longer than `timeout_s`."""
    ends_s = time.monotonic() + timeout_s
    results: list[bool] = []

    def run(work: Callable[[], Any]) -> None:
        try:
            results.append(work() is not False)
        except Exception as error:  # noqa: BLE001
            results.append(False)
            guard.failed("flush", error)

    threads = []
    for work in works:
        thread = threading.Thread(target=run, args=(work,), name="agentobs-flush", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the first releases of Python 3.12 start no thread at exit
            run(work)
        else:
            threads.append(thread)
    for thread in threads:
        thread.join(max(0.0, ends_s - time.monotonic()))
    return results.count(True) == len(works)
