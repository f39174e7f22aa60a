"""Records in, OpenTelemetry and Prometheus out. The only package that imports `opentelemetry` or `prometheus_client`."""

from __future__ import annotations

import functools
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from .. import catalogue, environment, guard
from ..config import Config
from ..pricing import PriceBook
from . import destinations, providers
from .agents import RunEmitter
from .breakers import BreakerEmitter
from .calls import CallEmitter
from .decisions import DecisionEmitter
from .events import Events
from .fallbacks import FallbackEmitter
from .feedback import FeedbackEmitter
from .retries import RetryEmitter
from .sinks import Instruments, Sink, weakly
from .spans import Spans
from .telemetry import TelemetryEmitter
from .tools import ToolEmitter

if TYPE_CHECKING:
    from .exposition import Page
    from .prometheus import PrometheusSink

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
        self.config = config
        self._closed = False
        self._before_collect = before_collect
        self.meters: providers.SignalProvider | None = None
        self.page: Page | None = None
        self.workers_apart: str | None = None
        self.prometheus_sink: PrometheusSink | None = None
        self._own_sink: Sink | None = None
        self._gives_way = False
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
            self.instruments = instruments = Instruments(self._sinks(), frozenset(self._metrics))
            self._choose_path()
            self.page = self._page()
            undo.pop_all()
        self._spans = spans = Spans(self.traces, version)
        self._events = events = Events(self.logs, version)
        self.prices = prices
        self.retries = RetryEmitter(instruments, events)
        self.calls = CallEmitter(spans, instruments, events, prices, config, self.retries)
        self.runs = RunEmitter(spans, instruments, config)
        self.tools = ToolEmitter(spans, instruments, config)
        self.decisions = DecisionEmitter(instruments, events, config)
        self.fallbacks = FallbackEmitter(spans, instruments, events)
        self.breakers = BreakerEmitter(instruments, events)
        self.feedback = FeedbackEmitter(instruments, events)
        self.telemetry = TelemetryEmitter(instruments, config, version, prices.as_of)
        if hasattr(os, "register_at_fork"):
            # After the hooks of providers and sinks, which were made above.
            os.register_at_fork(after_in_child=weakly(self._in_child))

    def _sinks(self) -> tuple[Sink, ...]:
        wanted = self.config.metrics
        if wanted == "off":
            return ()
        sinks: list[Sink] = []
        if self.meters is not None:
            sinks.append(self._otel_sink(self.meters.provider, ours=self.meters.own is not None))
            if self.meters.own is not None:
                # The API's proxy turns into the program's provider, if it ever sets one; ours then falls silent.
                sinks.append(self._otel_sink(providers.global_meter_provider(), ours=False))
        asked_for_otel = self.meters is not None and self.meters.active
        if wanted in ("prometheus", "both") or (
            wanted == "auto" and (self.registry is not None or self._asks_for_page() or not asked_for_otel)
        ):
            sinks.append(self._prometheus_sink(alone=not asked_for_otel))
        return tuple(sinks)

    def _page(self) -> Page | None:
        """The page that OTEL_METRICS_EXPORTER=prometheus asks for, where the metrics are ours to show."""
        if not self._asks_for_page() or self.prometheus_sink is None:
            return None
        from .exposition import Page

        return Page(*environment.page(os.environ), self.registry)

    def _asks_for_page(self) -> bool:
        set_by_program = self.meters is not None and self.meters.set_by_program()
        return providers.asks_for_prometheus() and not set_by_program

    def _otel_sink(self, provider: Any, *, ours: bool) -> Sink:
        from . import otel

        sink = otel.sink_of(provider, catalogue.SCOPE, self._version, catalogue.genai.SCHEMA_URL, self._metrics)

        def before_collect() -> None:
            if ours and self.meters is not None and self.meters.program_took_over():
                sink.open = False
            self._refresh()

        sink.before_collect = before_collect
        if ours:
            self._own_sink = sink
        return sink

    def _prometheus_sink(self, *, alone: bool) -> Sink:
        """The sink of prometheus_client; one that is there because there was nothing else falls silent once there is."""
        from . import prometheus

        sink = prometheus.sink_of(self.registry, self._metrics)
        sink.resource = prometheus.resource_labels(self.config.service)
        sink.silent = False
        sink.before_collect = self._refresh
        self.prometheus_sink = sink
        self._gives_way = alone and self.config.metrics == "auto" and self.registry is None
        return sink

    def _choose_path(self) -> None:
        """See which ways the metrics take now, as the program may have set a meter provider meanwhile.

        Under `auto` the metrics of prometheus_client, which are there because there was nothing else, then fall silent.
        """
        sink = self.prometheus_sink
        if sink is not None and self._gives_way and not sink.silent and self.meters is not None:
            sink.silent = self.meters.set_by_program()
            if sink.silent:
                guard.log.info("agentobs: the program has set a meter provider, which the metrics go to from now on")
        both = sink is not None and not sink.silent and self.meters is not None and self.meters.active
        for one in self.instruments:
            if one is sink:
                one.path = "prometheus_of_both" if both else "prometheus"
            else:
                one.path = "otel_of_both" if both else "otel"

    def _refresh(self) -> None:
        """Bring up to date what a reader of metrics is about to see."""
        self._choose_path()
        if self._before_collect is not None:
            self._before_collect()
        try:
            self.breakers.refresh()
        except Exception as error:  # noqa: BLE001
            guard.failed("breaker", error)

    def start_again(self) -> None:
        """In a forked child, begin anew: what there was is the parent's to tell.

        Counts and histograms begin at 0, levels are those of the child, providers of ours and their connections are made
        anew under an instance id of its own.
        """
        for source in self._sources():
            self._guarded(source.renew)
        for sink in self.instruments:
            self._guarded(self._start_sink_again, sink)
        for part in (self._spans, self._events, self.instruments, self.calls, self.telemetry, self.breakers):
            self._guarded(part.start_again)
        if self.page is not None:
            self._guarded(self.page.start_again)

    def _in_child(self) -> None:
        if not self._closed:
            self.start_again()

    def _start_sink_again(self, sink: Sink) -> None:
        from . import otel

        if not isinstance(sink, otel.OtelSink):
            return
        meter = None
        if sink is self._own_sink and self.meters is not None and self.meters.own is not None:
            meter = otel.meter_of(self.meters.own, catalogue.SCOPE, self._version, catalogue.genai.SCHEMA_URL)
        if not sink.start_again(meter):
            guard.log.warning(
                "agentobs: this OpenTelemetry SDK keeps what a forked child inherits; set the providers in the child"
            )

    def _guarded(self, work: Callable[..., Any], *args: Any) -> None:
        try:
            work(*args)
        except Exception as error:  # noqa: BLE001
            guard.failed("fork", error)

    def destinations(self) -> dict[str, str]:
        """Where each signal goes now, in words, for the report."""
        return destinations.of(self)

    def notes(self) -> tuple[str, ...]:
        """What else is worth knowing, for the report."""
        return tuple(destinations.notes(self))

    def count_faults(self) -> None:
        """Count the signals that cannot be exported as the environment asks for."""
        for source in self._sources():
            if source.fault is not None:
                guard.count("exporter")
        if self.page is not None and self.page.fault is not None and not self.shared:
            guard.count("metrics.page")

    @property
    def shared(self) -> bool:
        """Whether the processes of this server share their metrics."""
        return any(sink.sums.shared for sink in self.instruments)

    @property
    def scraped(self) -> bool:
        """Whether prometheus_client shows the metrics now."""
        self._choose_path()
        return self.prometheus_sink is not None and not self.prometheus_sink.silent

    def several_workers(self, count: int, server: str) -> None:
        """This is one of `count` worker processes of `server`; say so where each would show its own metrics only."""
        if count < 2 or self.shared or not self.scraped or self.workers_apart is not None:
            return
        self.workers_apart = (
            f"{server} runs {count} worker processes, and a scrape of /metrics gets those of one of them; "
            "set PROMETHEUS_MULTIPROC_DIR to an empty folder and serve agentobs.metrics_app()"
        )
        guard.log.warning("agentobs: %s", self.workers_apart)

    def flush(self, timeout_s: float) -> bool:
        """Have every provider export what it has, in at most `timeout_s`; `False` where that was not enough.

        In threads of their own, because an exporter that hangs would hold up the caller, and the other signals, for as
        long as it likes.
        """
        return _within(timeout_s, [functools.partial(source.flush, timeout_s) for source in self._sources()])

    def close(self, timeout_s: float) -> bool:
        """Stop the sinks, and the providers that are ours, in at most `timeout_s`."""
        if self._closed:
            return True
        ends_s = time.monotonic() + timeout_s
        self._closed = True
        if self._before_collect is not None:
            self._guarded(self._before_collect)
        self.breakers.close()
        self.telemetry.close()
        done = self.flush(timeout_s)
        self.instruments.close()
        if self.page is not None:
            self.page.close()
        return _within(ends_s - time.monotonic(), [source.shutdown for source in self._sources()]) and done

    def _sources(self) -> list[providers.SignalProvider]:
        return [source for source in (self.traces, self.meters, self.logs) if source is not None]


def _within(timeout_s: float, works: list[Callable[[], Any]]) -> bool:
    """Do `works` side by side; `False` if one returned that, raised, or took longer than `timeout_s`."""
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
