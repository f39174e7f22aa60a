"""The report says what is true at the moment when it is asked, and metrics go to Prometheus on one path at a time."""

from __future__ import annotations

import json
from typing import Any

from tests.support.process.programs import run
from tests.support.process.receiver import Receiver
from tests.support.stack import poll, prometheus

SDK = """
    import json, agentobs, prometheus_client
    from opentelemetry import metrics, trace
    from opentelemetry._logs import set_logger_provider
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from tests.support import model
    from tests.support.scenario import total

    def page():
        return prometheus_client.generate_latest().decode()

    def work():
        model.client().chat.completions.create(**model.ask(1))
"""


def printed(program: str, **env: str) -> list[Any]:
    return [json.loads(line) for line in run(SDK + program, **env).stdout.splitlines()]


def test_a_meter_provider_with_a_prometheus_reader_that_comes_later_doubles_nothing() -> None:
    before, after, destination = printed("""
    handle = agentobs.instrument()
    work()
    print(json.dumps([total(page(), "agentobs_calls_total"), total(page(), "agentobs_info")]))
    metrics.set_meter_provider(MeterProvider([PrometheusMetricReader()]))
    work()
    print(json.dumps([total(page(), "agentobs_calls_total"), total(page(), "agentobs_info")]))
    print(json.dumps(handle.report().destinations["metrics"]))
    """)
    assert (before, after) == ([1, 1], [2, 1])
    assert destination.startswith("otel (set by the program")
    assert destination.endswith("); nothing of them in prometheus_client")


def test_two_paths_that_are_asked_for_are_told_by_the_metric_that_an_alert_reads() -> None:
    (paths,) = printed("""
    metrics.set_meter_provider(MeterProvider([PrometheusMetricReader()]))
    agentobs.instrument(metrics="both", registry=(registry := prometheus_client.CollectorRegistry()))
    from tests.support.scenario import series
    texts = (page(), prometheus_client.generate_latest(registry).decode())
    print(json.dumps([[dict(labels)["agentobs_metrics_path"] for name, labels in series(text) if name == "agentobs_info"]
                      for text in texts]))
    """)
    assert paths == [["otel_of_both"], ["prometheus_of_both"]]


def test_one_path_is_told_as_one() -> None:
    (paths,) = printed("""
    from tests.support.scenario import series
    agentobs.instrument()
    print(json.dumps([dict(labels)["agentobs_metrics_path"] for name, labels in series(page()) if name == "agentobs_info"]))
    """)
    assert paths == ["prometheus"]


def test_metrics_that_went_elsewhere_are_told(received: Receiver) -> None:
    (destination,) = printed(
        """
    print(json.dumps(agentobs.instrument().report().destinations["metrics"]))
    """,
        OTEL_EXPORTER_OTLP_ENDPOINT=received.http,
    )
    assert destination == "otel (made from the OTEL_* variables); nothing of them in prometheus_client"


def test_providers_that_come_later_are_in_the_report() -> None:
    before, after = printed("""
    handle = agentobs.instrument(service="shop")
    print(json.dumps(handle.report().destinations))
    resource = Resource.create({"service.name": "other"})
    trace.set_tracer_provider(TracerProvider(resource=resource))
    metrics.set_meter_provider(MeterProvider([], resource=resource))
    set_logger_provider(LoggerProvider(resource=resource))
    print(json.dumps(handle.report().destinations))
    """)
    assert before == {"spans": "none yet", "events": "none yet", "metrics": "prometheus"}
    told = "set by the program, as service 'other'"
    assert after == {
        "spans": told,
        "events": told,
        "metrics": f"otel ({told}); nothing of them in prometheus_client",
    }


def test_a_provider_of_ours_gives_way_to_the_programs(received: Receiver) -> None:
    before, after = printed(
        """
    handle = agentobs.instrument()
    print(json.dumps(handle.report().destinations["spans"]))
    trace.set_tracer_provider(TracerProvider(resource=Resource.create({"service.name": "shop"})))
    work()
    print(json.dumps(handle.report().destinations["spans"]))
    """,
        OTEL_EXPORTER_OTLP_ENDPOINT=received.http,
        OTEL_SERVICE_NAME="shop",
    )
    assert (before, after) == ("made from the OTEL_* variables", "set by the program")


REPLICA = """
    import agentobs, sys
    from tests.support import model
    handle = agentobs.instrument(service="shop")
    for number in range(int(sys.argv[1])):
        model.client().chat.completions.create(**model.ask(number))
    assert handle.flush()
"""


def test_two_replicas_that_push_into_prometheus_are_both_counted() -> None:
    with prometheus(3) as server:
        env = {
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{server.url}/api/v1/otlp/v1/metrics",
            # What an SDK before 1.43 does not make, this one is not to make either.
            "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "otel",
        }
        for calls in ("3", "5"):
            run(f"{OLD_SDK}{REPLICA}", calls, **env)
        expr = "sum(max_over_time(agentobs_calls_total[5m]))"
        poll(lambda: (found := server.query(expr)) and float(found[0]["value"][1]) == 8, "all calls of both")


OLD_SDK = """
    import opentelemetry.sdk.resources as resources
    if hasattr(resources, "ServiceInstanceIdResourceDetector"):
        resources.ServiceInstanceIdResourceDetector.detect = lambda self: resources.Resource.get_empty()
"""
"""OpenTelemetry 1.43 and later make an instance id themselves."""
