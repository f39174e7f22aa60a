"""Which OpenTelemetry providers the signals go to.

In this order: what was handed to `instrument()`; what the program has set globally, now or later; what the OTEL_*
variables ask for, in providers of our own; else nothing. Our own are never set globally, because OpenTelemetry lets a
program set its providers only once, and that is the program's to do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from opentelemetry import _logs, metrics, trace

from ..config import ConfigError

_SIGNALS = ("TRACES", "METRICS", "LOGS")


def _exporter_names(signal: str, environ: Mapping[str, str]) -> list[str]:
    """Exporters that the environment asks for; an endpoint alone asks for OTLP, nothing asks for none.

    The specification's default is OTLP to localhost even when no variable is set; agentobs opens no connection that
    nobody asked for.
    """
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return []
    named = environ.get(f"OTEL_{signal}_EXPORTER", "")
    if named:
        return [name.strip() for name in named.split(",") if name.strip() and name.strip() != "none"]
    asked = environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
    return ["otlp"] if asked else []


def _otlp_flavour(signal: str, environ: Mapping[str, str]) -> str:
    for variable in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = environ.get(variable)
        if protocol:
            break
    else:
        endpoint = environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
        # 4317 is registered for gRPC, and a gRPC server answers HTTP with an error that names neither.
        protocol = "grpc" if (endpoint or "").rstrip("/").endswith(":4317") else "http/protobuf"
    if protocol not in ("grpc", "http/protobuf"):
        raise ConfigError(f"{variable}={protocol!r} is not allowed; allowed are grpc, http/protobuf")
    return "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"


def _exporters(signal: str, environ: Mapping[str, str]) -> list[Any]:
    names = _exporter_names(signal, environ)
    if not names:
        return []
    from importlib.metadata import entry_points

    group = f"opentelemetry_{signal.lower()}_exporter"
    exporters = []
    for name in names:
        entry = _otlp_flavour(signal, environ) if name == "otlp" else name
        found = entry_points(group=group, name=entry)
        if not found:
            known = sorted({point.name for point in entry_points(group=group)} | {"otlp", "none"})
            raise ConfigError(
                f"OTEL_{signal}_EXPORTER={name!r} names an exporter that is not installed; there are {', '.join(known)}"
            )
        exporters.append(next(iter(found)).load()())
    return exporters


def _resource(service: str | None) -> Any:
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource

    return Resource.create({SERVICE_NAME: service} if service else {})


def _own_tracer_provider(service: str | None, environ: Mapping[str, str]) -> Any:
    exporters = _exporters("TRACES", environ)
    if not exporters:
        return None
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=_resource(service), shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _own_meter_provider(service: str | None, environ: Mapping[str, str]) -> Any:
    exporters = _exporters("METRICS", environ)
    if not exporters:
        return None
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader

    readers = [e if isinstance(e, MetricReader) else PeriodicExportingMetricReader(e) for e in exporters]
    return MeterProvider(readers, resource=_resource(service), shutdown_on_exit=False)


def _own_logger_provider(service: str | None, environ: Mapping[str, str]) -> Any:
    exporters = _exporters("LOGS", environ)
    if not exporters:
        return None
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = LoggerProvider(resource=_resource(service), shutdown_on_exit=False)
    for exporter in exporters:
        provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    return provider


def global_meter_provider() -> Any:
    """The program's meter provider, or the API's stand-in for the one it may still set."""
    return metrics.get_meter_provider()


class Source:
    """Where one signal's provider comes from, and a look whether the program has set its own meanwhile."""

    def __init__(self, explicit: Any, current: Callable[[], Any], proxy: str, make_own: Callable[[], Any]) -> None:
        self._current = current
        self._proxy = proxy
        self.own: Any = None
        found = current()
        if explicit is not None:
            self.provider, self.origin = explicit, "given to instrument()"
        elif type(found).__name__ != proxy:
            self.provider, self.origin = found, "set by the program"
        else:
            self.own = make_own()
            if self.own is not None:
                self.provider, self.origin = self.own, "made from the OTEL_* variables"
            else:
                # The API's proxies turn into the real thing when the program sets its provider.
                self.provider, self.origin = found, "none yet"

    @property
    def active(self) -> bool:
        """Whether anything is exported or handed to the program's provider."""
        return self.origin != "none yet" or type(self._current()).__name__ != self._proxy

    def program_took_over(self) -> bool:
        """True once, when the program has set a provider after ours was made."""
        if self.own is None or self.provider is not self.own:
            return False
        found = self._current()
        if type(found).__name__ == self._proxy:
            return False
        self.provider, self.origin = found, "set by the program"
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


def tracing(explicit: Any, service: str | None) -> Source:
    return Source(
        explicit,
        trace.get_tracer_provider,
        "ProxyTracerProvider",
        lambda: _own_tracer_provider(service, os.environ),
    )


def metering(explicit: Any, service: str | None) -> Source:
    return Source(
        explicit,
        metrics.get_meter_provider,
        "_ProxyMeterProvider",
        lambda: _own_meter_provider(service, os.environ),
    )


def logging(explicit: Any, service: str | None) -> Source:
    return Source(
        explicit,
        _logs.get_logger_provider,
        "ProxyLoggerProvider",
        lambda: _own_logger_provider(service, os.environ),
    )
