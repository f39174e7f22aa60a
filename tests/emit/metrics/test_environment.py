"""The OTEL_* variables make providers of our own, where the program has none: shown by a real collector."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import agentobs
from tests.support.process.programs import run_strictly
from tests.support.stack import Collector, collector, poll

_CONFIG = """
receivers:
  otlp: {protocols: {grpc: {endpoint: 127.0.0.1:4317}, http: {endpoint: 127.0.0.1:4318}}}
exporters:
  file/traces: {path: traces.json, flush_interval: 100ms}
  file/metrics: {path: metrics.json, flush_interval: 100ms}
  file/logs: {path: logs.json, flush_interval: 100ms}
service:
  pipelines:
    traces: {receivers: [otlp], exporters: [file/traces]}
    metrics: {receivers: [otlp], exporters: [file/metrics]}
    logs: {receivers: [otlp], exporters: [file/logs]}
"""
_PROGRAM = """
import agentobs, sys
from tests.support import model
handle = agentobs.instrument()
with agentobs.agent("run-" + sys.argv[1] if len(sys.argv) > 1 else "run"):
    model.client().chat.completions.create(**model.ask(1))
    agentobs.decision("route", "chosen \\ud83d")
assert handle.flush(), "not everything was taken"
print(handle.report())
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Collector]:
    with collector(_CONFIG) as running:
        yield running


def _received(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _services(server: Collector, signal: str) -> set[str]:
    return {
        attribute["value"]["stringValue"]
        for batch in _received(server.folder / f"{signal}.json")
        for key, resources in batch.items()
        if key.startswith("resource")
        for resource in resources
        for attribute in resource["resource"]["attributes"]
        if attribute["key"] == "service.name"
    }


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [("grpc", "otlp_grpc"), ("http/protobuf", "otlp_http"), (None, "otlp_http")],
)
def test_every_signal_arrives(server: Collector, protocol: str | None, endpoint: str) -> None:
    service = f"shop-{protocol}"
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": getattr(server, endpoint), "OTEL_SERVICE_NAME": service}
    if protocol is not None:
        variables["OTEL_EXPORTER_OTLP_PROTOCOL"] = protocol
    report = run_strictly(_PROGRAM, **variables)
    assert report.count("made from the OTEL_* variables") == 3
    for signal in ("traces", "metrics", "logs"):
        poll(lambda signal=signal: service in _services(server, signal), f"{signal} of {service}")


def test_a_signal_can_go_elsewhere_or_nowhere(server: Collector) -> None:
    report = run_strictly(
        _PROGRAM,
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{server.otlp_http}/v1/traces",
        OTEL_LOGS_EXPORTER="none",
        OTEL_SERVICE_NAME="only-traces",
    )
    assert "spans: made from the OTEL_* variables" in report
    assert "events: none yet" in report
    poll(lambda: "only-traces" in _services(server, "traces"), "traces")
    assert "only-traces" not in _services(server, "metrics") | _services(server, "logs")


def test_what_is_held_is_sent_when_the_program_ends(server: Collector) -> None:
    run_strictly(
        'import agentobs\nagentobs.instrument(service="ending")\nwith agentobs.agent("last"): pass',
        OTEL_EXPORTER_OTLP_ENDPOINT=server.otlp_http,
    )
    for signal in ("traces", "metrics"):
        poll(lambda signal=signal: "ending" in _services(server, signal), signal)


def test_a_disabled_sdk_stays_disabled() -> None:
    report = run_strictly(_PROGRAM, OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9", OTEL_SDK_DISABLED="true")
    assert "spans: off (OTEL_SDK_DISABLED=true)" in report


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin", "OTEL_TRACES_EXPORTER='zipkin' names an exporter that is not installed"),
        ("OTEL_METRICS_EXPORTER", "statsd", "OTEL_METRICS_EXPORTER='statsd' names an exporter that is not installed"),
        ("OTEL_LOGS_EXPORTER", "syslog", "OTEL_LOGS_EXPORTER='syslog' names an exporter that is not installed"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "OTEL_EXPORTER_OTLP_PROTOCOL='http/json' is not allowed"),
        ("OTEL_EXPORTER_OTLP_LOGS_PROTOCOL", "udp", "OTEL_EXPORTER_OTLP_LOGS_PROTOCOL='udp' is not allowed"),
    ],
)
def test_what_the_variables_may_say(monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv(variable, value)
    before = set(threading.enumerate())
    with pytest.raises(agentobs.ConfigError) as caught:
        agentobs.instrument()
    assert str(caught.value).startswith(message)
    assert set(threading.enumerate()) <= before
    monkeypatch.undo()
    agentobs.instrument().uninstrument()
