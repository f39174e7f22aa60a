"""Which OpenTelemetry providers the signals go to.

In this order: what was handed to `instrument()`; what the program has set globally, now or later; what the OTEL_*
variables ask for, in providers of our own; else nothing. Our own are never set globally, because OpenTelemetry lets a
program set its providers only once, and that is the program's to do.

A wrong value of a variable is a `ConfigError`. What is right and cannot be had, such as an exporter whose certificate
file is missing, costs the signal and not the program: it is logged and stands in the report.

A forked child gets providers of ours anew: with queues, cells and connections of its own, under an instance id of its own.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from opentelemetry import _logs, metrics, trace

from .. import environment, guard
from ..config import ConfigError
from ..environment import Signal

PROMETHEUS = "prometheus"
_STARTED = os.getpid()
_instance: tuple[int, str] | None = None


def exporter_names(signal: Signal, environ: Mapping[str, str]) -> list[str]:
    """Exporters that the environment asks for; an endpoint alone asks for OTLP, nothing asks for none.

    The specification's default is OTLP to localhost even when no variable is set; agentobs opens no connection that
    nobody asked for.
    """
    if environment.is_disabled(environ):
        return []
    named = environ.get(f"OTEL_{signal.upper()}_EXPORTER", "")
    if named:
        return [name.strip() for name in named.split(",") if name.strip() and name.strip() != "none"]
    return ["otlp"] if environment.ENDPOINT.lookup(signal, environ) else []


def asks_for_prometheus(environ: Mapping[str, str] | None = None) -> bool:
    """Whether OTEL_METRICS_EXPORTER names `prometheus`, which here is the path of prometheus_client."""
    env = os.environ if environ is None else environ
    # Not of the SDK, so that OTEL_SDK_DISABLED does not switch it off.
    return PROMETHEUS in (name.strip() for name in env.get("OTEL_METRICS_EXPORTER", "").split(","))


def _exporters(signal: Signal, environ: Mapping[str, str]) -> list[Any]:
    names = [name for name in exporter_names(signal, environ) if signal != "metrics" or name != PROMETHEUS]
    if not names:
        return []
    environment.check(signal, environ, otlp="otlp" in names)
    if "otlp" in names:
        # The exporters only log that they cannot read them, and then send without.
        for variable in environment.FILES:
            given = variable.lookup(signal, environ)
            if given is not None:
                Path(given[1]).open("rb").close()
    return [_exporter(signal, name, environ) for name in names]


def _exporter(signal: Signal, name: str, environ: Mapping[str, str]) -> Any:
    from importlib.metadata import entry_points

    group = f"opentelemetry_{signal}_exporter"
    entry, options = _otlp(signal, environ) if name == "otlp" else (name, {})
    points = entry_points(group=group, name=entry)
    if not points:
        own = {"otlp", "none"} | ({PROMETHEUS} if signal == "metrics" else set())
        known = sorted({point.name for point in entry_points(group=group)} | own)
        raise ConfigError(
            f"OTEL_{signal.upper()}_EXPORTER={name!r} names an exporter that is not installed; "
            f"there are {', '.join(known)}"
        )
    return next(iter(points)).load()(**options)


def _otlp(signal: Signal, environ: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Name of the entry point of OTLP's exporter, and what it has to be given."""
    if environment.protocol(signal, environ) != "grpc":
        return "otlp_proto_http", {}
    compression = environment.COMPRESSION.lookup(signal, environ)
    if compression is None or compression[1].strip().lower() != "none":
        return "otlp_proto_grpc", {}
    import grpc

    # The specification's `none` is an error to this exporter, as long as the variable alone says it.
    return "otlp_proto_grpc", {"compression": grpc.Compression.NoCompression}


def instance_id() -> str:
    """The `service.instance.id` of this process where nobody gives one: the same for all signals, new in a child."""
    global _instance  # noqa: PLW0603  one id for the process
    if _instance is None or _instance[0] != os.getpid():
        _instance = (os.getpid(), str(uuid.uuid4()))
    return _instance[1]


def _resource(service: str | None) -> Any:
    from opentelemetry.sdk.resources import SERVICE_INSTANCE_ID, SERVICE_NAME, Resource

    resource = Resource.create({SERVICE_NAME: service} if service else {})
    # Without one, two processes of a service are one series to Prometheus; so are two children of one given id.
    if not resource.attributes.get(SERVICE_INSTANCE_ID) or os.getpid() != _STARTED:
        resource = resource.merge(Resource({SERVICE_INSTANCE_ID: instance_id()}))
    return resource


Made = tuple[Any, list[Any]]
"""A provider and its exporters; `None` and none where the environment asks for nothing."""
_NOTHING: Made = (None, [])


def _own_tracer_provider(service: str | None, environ: Mapping[str, str]) -> Made:
    exporters = _exporters("traces", environ)
    if not exporters:
        return _NOTHING
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider, exporters


def _own_meter_provider(service: str | None, environ: Mapping[str, str]) -> Made:
    exporters = _exporters("metrics", environ)
    if not exporters:
        return _NOTHING
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader

    readers = [e if isinstance(e, MetricReader) else PeriodicExportingMetricReader(e) for e in exporters]
    return MeterProvider(readers, resource=_resource(service), shutdown_on_exit=False), exporters


def _own_logger_provider(service: str | None, environ: Mapping[str, str]) -> Made:
    exporters = _exporters("logs", environ)
    if not exporters:
        return _NOTHING
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(resource=_resource(service), shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    return provider, exporters


def global_meter_provider() -> Any:
    """The program's meter provider, or the API's stand-in for the one it may still set."""
    return metrics.get_meter_provider()


class SignalProvider:
    """Where one signal's provider comes from, and a look whether the program has set its own meanwhile.

    Attributes:
        provider: what the signal goes to.
        own: the provider that we made, `None` where we made none or it was shut down.
        current: gives what is set globally now.
        origin: where the provider comes from, in words.
        fault: why there is no provider of ours though the environment asks for one, `None` where all is well.
    """

    def __init__(
        self, signal: Signal, explicit: Any, current: Callable[[], Any], proxy: str, make_own: Callable[[], Made]
    ) -> None:
        self.signal = signal
        self.current = current
        self._proxy = proxy
        self._make_own = make_own
        self._exporters: list[Any] = []
        self.own: Any = None
        self.fault: str | None = None
        present = current()
        if explicit is not None:
            self.provider, self.origin = explicit, "given to instrument()"
        elif type(present).__name__ != proxy:
            self.provider, self.origin = present, "set by the program"
        else:
            # The API's proxies turn into the real thing when the program sets its provider.
            self.provider, self.origin = present, "none yet"
            self._make()

    def _make(self) -> None:
        try:
            self.own, self._exporters = self._make_own()
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001  a file, a port, a library of the exporter's
            self.fault = f"{type(error).__name__}: {error}"
            guard.log.warning(
                "agentobs: the exporter of %s that the OTEL_* variables ask for cannot be made, so they go nowhere; "
                "the program is not affected (%s)",
                environment.WORDS[self.signal],
                self.fault,
            )
        if self.own is not None:
            self.provider, self.origin = self.own, "made from the OTEL_* variables"

    @property
    def active(self) -> bool:
        """Whether anything is exported or handed to the program's provider."""
        return self.origin != "none yet" or self.set_by_program()

    def set_by_program(self) -> bool:
        """Whether the program has set a provider globally by now."""
        return type(self.current()).__name__ != self._proxy

    def program_took_over(self) -> bool:
        """True once, when the program has set a provider after ours was made."""
        if self.own is None or self.provider is not self.own or not self.set_by_program():
            return False
        self.provider, self.origin = self.current(), "set by the program"
        return True

    def renew(self) -> bool:
        """In a forked child, make our provider anew; `False` where there is none of ours, so that nothing changed.

        What the parent's provider holds is the parent's to send, and so are its connections: nothing is sent on them.
        """
        parents = self.own
        if parents is None:
            return False
        for exporter in self._exporters:
            _mute(exporter)
        # Its threads, which the SDK started again in the child, end. Not here: they may wait for a lock that a thread of
        # the parent had taken.
        threading.Thread(target=parents.shutdown, name="agentobs-fork", daemon=True).start()
        self.own, self.fault = None, None
        self.provider, self.origin = self.current(), "none yet"
        self._make()
        return True

    def flush(self, timeout_s: float) -> bool:
        """Have the provider export what it holds; `True` where there is nothing to flush."""
        flush = getattr(self.provider, "force_flush", None)
        return True if flush is None else flush(int(timeout_s * 1000)) is not False

    def shutdown(self) -> None:
        """Stop the provider that we made; the program's are its own."""
        if self.own is not None:
            self.own.shutdown()
            self.own = None


def _mute(exporter: Any) -> None:
    """Have an exporter send nothing any more, and leave its connections as they are."""

    def nothing(*_: Any, **__: Any) -> bool:
        return True

    for name in ("export", "force_flush", "shutdown"):
        setattr(exporter, name, nothing)


def tracing(explicit: Any, service: str | None) -> SignalProvider:
    """The source of the tracer provider.

    Raises:
        ConfigError: an OTEL_* variable has a value that is not allowed.
    """
    return SignalProvider(
        "traces",
        explicit,
        trace.get_tracer_provider,
        "ProxyTracerProvider",
        lambda: _own_tracer_provider(service, os.environ),
    )


def metering(explicit: Any, service: str | None) -> SignalProvider:
    """The source of the meter provider; raises as `tracing` does."""
    return SignalProvider(
        "metrics",
        explicit,
        metrics.get_meter_provider,
        "_ProxyMeterProvider",
        lambda: _own_meter_provider(service, os.environ),
    )


def logging(explicit: Any, service: str | None) -> SignalProvider:
    """The source of the logger provider; raises as `tracing` does."""
    return SignalProvider(
        "logs",
        explicit,
        _logs.get_logger_provider,
        "ProxyLoggerProvider",
        lambda: _own_logger_provider(service, os.environ),
    )
