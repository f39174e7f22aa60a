"""What the tests send: OTLP requests made by hand, so that each one knows whether the collector accepted it."""

from __future__ import annotations

import http.client
import itertools
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from tests.support.stack import fetch


def values(plain: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in plain.items()]


def _value(value: Any) -> AnyValue:
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}
    return AnyValue(**{kinds[type(value)]: value})


def resource() -> Resource:
    return Resource(attributes=values({"service.name": "support", "service.instance.id": "one"}))


def span(
    attributes: Mapping[str, Any] | None = None,
    *,
    trace: bytes | None = None,
    parent: bytes = b"",
    seconds: float = 0.1,
    error: bool = False,
    name: str = "chat gpt",
    events: Sequence[Span.Event] = (),
) -> Span:
    """A span that ended just now; a root span of a trace of its own unless told otherwise."""
    end = time.time_ns()
    return Span(
        trace_id=trace or os.urandom(16),
        span_id=os.urandom(8),
        parent_span_id=parent,
        name=name,
        kind=Span.SPAN_KIND_CLIENT,
        start_time_unix_nano=end - round(seconds * 1e9),
        end_time_unix_nano=end,
        attributes=values(attributes or {}),
        events=events,
        status=Status(code=Status.STATUS_CODE_ERROR if error else Status.STATUS_CODE_UNSET),
    )


def event(name: str, attributes: Mapping[str, Any]) -> Span.Event:
    return Span.Event(name=name, time_unix_nano=time.time_ns(), attributes=values(attributes))


def log(body: str, attributes: Mapping[str, Any] | None = None) -> LogRecord:
    now = time.time_ns()
    return LogRecord(
        time_unix_nano=now,
        observed_time_unix_nano=now,
        body=AnyValue(string_value=body),
        attributes=values(attributes or {}),
    )


def counter(name: str, value: int) -> Metric:
    now = time.time_ns()
    point = NumberDataPoint(start_time_unix_nano=now - 1_000_000_000, time_unix_nano=now, as_int=value)
    temporality = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    return Metric(name=name, sum=Sum(data_points=[point], is_monotonic=True, aggregation_temporality=temporality))


def send(port: int, *items: Span | LogRecord | Metric) -> bool:
    """Post items of one kind over OTLP/HTTP; whether the collector accepted them."""
    path, request = _request(items)
    headers = {"content-type": "application/x-protobuf"}
    try:
        status, _ = fetch(port, path, "POST", request.SerializeToString(), headers=headers, timeout_s=10)
    except (OSError, http.client.HTTPException):
        return False
    return status == 200


def _request(items: Sequence[Any]) -> tuple[str, Any]:
    if isinstance(items[0], Span):
        spans = ResourceSpans(resource=resource(), scope_spans=[ScopeSpans(spans=items)])
        return "/v1/traces", ExportTraceServiceRequest(resource_spans=[spans])
    if isinstance(items[0], LogRecord):
        logs = ResourceLogs(resource=resource(), scope_logs=[ScopeLogs(log_records=items)])
        return "/v1/logs", ExportLogsServiceRequest(resource_logs=[logs])
    metrics = ResourceMetrics(resource=resource(), scope_metrics=[ScopeMetrics(metrics=items)])
    return "/v1/metrics", ExportMetricsServiceRequest(resource_metrics=[metrics])


@dataclass
class Load:
    """What a load has sent so far; `accepted` are the names of the items for which the collector said 200.

    It sends only while `open` is set, as a load balancer does by the collector's health check.
    """

    accepted: list[str] = field(default_factory=list)
    refused: int = 0
    open: threading.Event = field(default_factory=threading.Event)


@contextmanager
def load(port: int, make: Any) -> Iterator[Load]:
    """Send `make(name)` with a new name again and again while the block runs."""
    result, stop = Load(), threading.Event()
    result.open.set()

    def run() -> None:
        for number in itertools.count():
            result.open.wait()
            if stop.is_set():
                return
            name = f"item-{number}"
            if send(port, make(name)):
                result.accepted.append(name)
            else:
                result.refused += 1
                stop.wait(0.05)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield result
    finally:
        stop.set()
        result.open.set()
        thread.join(timeout=15)
