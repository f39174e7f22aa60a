"""A real collector that writes down what it receives, and reading that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.process.certificates import Certificate
from tests.support.stack import Collector, collector

_CONFIG = """
receivers:
  otlp:
    protocols:
      grpc: {endpoint: 127.0.0.1:4317, include_metadata: true, tls: TLS}
      http: {endpoint: 127.0.0.1:4318, include_metadata: true, tls: TLS}
processors:
  attributes:
    actions: [{key: received.token, from_context: metadata.x-token, action: upsert}]
exporters:
  file/traces: {path: traces.json, flush_interval: 100ms}
  file/metrics: {path: metrics.json, flush_interval: 100ms}
  file/logs: {path: logs.json, flush_interval: 100ms}
service:
  pipelines:
    traces: {receivers: [otlp], processors: [attributes], exporters: [file/traces]}
    metrics: {receivers: [otlp], exporters: [file/metrics]}
    logs: {receivers: [otlp], exporters: [file/logs]}
"""
_KINDS = {"traces": ("resourceSpans", "scopeSpans", "spans"), "logs": ("resourceLogs", "scopeLogs", "logRecords")}


def attributes(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """OTLP's list of attributes as a mapping."""
    return {row["key"]: next(iter(row["value"].values())) for row in rows}


@dataclass(frozen=True)
class Item:
    """A span, a log record or one series of a metric, with its resource."""

    resource: dict[str, Any]
    name: str
    attributes: dict[str, Any]
    value: float = 0
    start_ns: int = 0
    temporality: int = 0
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def ids(self) -> tuple[str, str]:
        """Trace and span of a span or a log record, in hexadecimal digits."""
        return self.raw["traceId"], self.raw["spanId"]


class Receiver:
    """What the collector has received so far."""

    def __init__(self, server: Collector, scheme: str) -> None:
        self.server = server
        self._scheme = scheme

    @property
    def http(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.server.ports[4318]}"

    @property
    def grpc(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.server.ports[4317]}"

    def otlp(self, service: str) -> dict[str, str]:
        """The variables with which a program sends everything here."""
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.http, "OTEL_SERVICE_NAME": service}

    def _batches(self, signal: str) -> Iterator[Any]:
        path = self.server.folder / f"{signal}.json"
        # The last line may not be written to its end yet.
        for line in path.read_text().split("\n")[:-1] if path.exists() else ():
            yield json.loads(line)

    def items(self, signal: str, service: str | None = None) -> list[Item]:
        """Spans (`traces`) or log records (`logs`) of a service, or of all, in the order in which they came."""
        outer, inner, rows = _KINDS[signal]
        return [
            Item(resource, row.get("name") or row.get("eventName", ""), attributes(row.get("attributes", [])), raw=row)
            for batch in self._batches(signal)
            for group in batch[outer]
            if (resource := attributes(group["resource"]["attributes"])).get("service.name") == service or not service
            for scope in group[inner]
            for row in scope[rows]
        ]

    def points(self, service: str, metric: str) -> list[Item]:
        """Every point of a metric: the value of a sum, the count of a histogram."""
        return [
            Item(
                resource,
                metric,
                attributes(point.get("attributes", [])),
                float(point.get("asInt", point.get("asDouble", point.get("count", 0)))),
                int(point.get("startTimeUnixNano", 0)),
                data.get("aggregationTemporality", 0),
                row,
            )
            for batch in self._batches("metrics")
            for group in batch["resourceMetrics"]
            if (resource := attributes(group["resource"]["attributes"])).get("service.name") == service
            for scope in group["scopeMetrics"]
            for row in scope["metrics"]
            if row["name"] == metric
            for data in (row.get("sum") or row.get("histogram") or row.get("gauge") or row["exponentialHistogram"],)
            for point in data["dataPoints"]
        ]

    def last(self, service: str, metric: str) -> dict[str, float]:
        """The newest value of a cumulative metric, summed over its series, by `service.instance.id`."""
        newest: dict[tuple[str, Any], float] = {}
        for point in self.points(service, metric):
            key = (point.resource.get("service.instance.id", ""), tuple(sorted(point.attributes.items())))
            newest[key] = point.value
        totals: dict[str, float] = {}
        for (instance, _), value in newest.items():
            totals[instance] = totals.get(instance, 0) + value
        return totals


@contextmanager
def receiver(mutual: Certificate | None = None) -> Iterator[Receiver]:
    """Run a collector that keeps all it gets.

    Args:
        mutual: its certificate, where it speaks TLS; then it hears only who shows one of the same authority.
    """
    tls = None
    if mutual is not None:
        tls = {"cert_file": mutual.certificate, "key_file": mutual.key, "client_ca_file": mutual.authority}
    with collector(_CONFIG.replace("TLS", json.dumps(tls, default=str))) as server:
        yield Receiver(server, "http" if mutual is None else "https")
