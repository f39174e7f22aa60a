"""`agentobs.metrics_app()` and `agentobs.metrics_wsgi()`: what a scrape gets, in one process."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

import agentobs
from tests.support import model
from tests.support.scenario import total

Get = Callable[..., httpx.Response]


def asgi(**options: Any) -> Get:
    app = agentobs.metrics_app(**options)
    client = TestClient(Starlette(routes=[Route("/metrics", app), Mount("/mounted", app)]))
    return client.request


def wsgi(**options: Any) -> Get:
    transport = httpx.WSGITransport(app=agentobs.metrics_wsgi(**options))
    return httpx.Client(transport=transport, base_url="http://shop").request


TWINS = pytest.mark.parametrize("twin", [asgi, wsgi])


@TWINS
def test_a_scrape_gets_metrics_resource_and_what_else_is_in_the_registry(twin: Callable[..., Get]) -> None:
    registry = CollectorRegistry()
    Counter("orders", "Of the program.", registry=registry).inc()
    with agentobs.instrument(service="shop", metrics="prometheus", registry=registry):
        agentobs.decision("route", "x")
        answer = twin()("GET", "/metrics", headers={"accept": "text/plain"})
    assert answer.headers["content-type"].startswith("text/plain")
    assert total(answer.text, "agentobs_decisions_total") == 1
    assert total(answer.text, "orders_total") == 1
    assert total(answer.text, "target_info", service_name="shop") == 1


@TWINS
def test_openmetrics_has_exemplars(twin: Callable[..., Get]) -> None:
    tracers = TracerProvider(shutdown_on_exit=False)
    with agentobs.instrument(metrics="prometheus", registry=CollectorRegistry(), tracer_provider=tracers):
        model.client().chat.completions.create(**model.ask(1))
        answer = twin()("GET", "/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    samples = [sample for family in parse_openmetrics(answer.text) for sample in family.samples]
    assert any(sample.exemplar is not None and "trace_id" in sample.exemplar.labels for sample in samples)


@TWINS
def test_it_is_compressed_for_those_who_take_that(twin: Callable[..., Get]) -> None:
    with agentobs.instrument(metrics="prometheus", registry=CollectorRegistry()):
        get = twin()
        plain = get("GET", "/metrics", headers={"accept-encoding": "identity"})
        small = get("GET", "/metrics", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) == len(gzip.compress(plain.content))
    assert small.text == plain.text
    assert small.headers["vary"] == "Accept, Accept-Encoding"


@TWINS
def test_metrics_can_be_chosen_by_name(twin: Callable[..., Get]) -> None:
    with agentobs.instrument(metrics="prometheus", registry=CollectorRegistry()):
        agentobs.decision("route", "x")
        answer = twin()("GET", "/metrics", params={"name[]": "agentobs_info"})
    assert total(answer.text, "agentobs_info") == 1
    assert total(answer.text, "agentobs_decisions_total") == 0


@TWINS
def test_other_methods_are_refused(twin: Callable[..., Get]) -> None:
    answer = twin(registry=CollectorRegistry())("POST", "/metrics")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_it_can_be_mounted_or_be_a_route() -> None:
    with agentobs.instrument(metrics="prometheus", registry=CollectorRegistry()):
        get = asgi()
        assert [get("GET", path).status_code for path in ("/metrics", "/mounted", "/mounted/")] == [200, 200, 200]
        assert get("HEAD", "/metrics").content == b""


@pytest.mark.faults
@TWINS
def test_a_collector_that_raises_costs_the_answer_and_nothing_else(twin: Callable[..., Get]) -> None:
    class Broken:
        def describe(self) -> list[Any]:
            return []

        def collect(self) -> list[Any]:
            raise OSError("no such device")

    registry = CollectorRegistry()
    registry.register(Broken())  # type: ignore[arg-type]
    answer = twin(registry=registry)("GET", "/metrics")
    assert (answer.status_code, answer.text) == (500, "collecting the metrics failed\n")
