"""The OpenTelemetry path and the prometheus_client path give the same series: both real exporters are compared."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry

import agentobs
from agentobs import catalogue
from agentobs.config import Conventions
from tests.support.scenario import exposition, families, play, series
from tests.support.scenario import total as total_of

EVERY: tuple[Conventions, ...] = ("latest", "compat", "both")


class Both:
    """One program, observed on both paths."""

    def __init__(self, conventions: Conventions) -> None:
        through_sdk, ours = CollectorRegistry(), CollectorRegistry()
        self.conventions = conventions
        self.meters = MeterProvider(
            [PrometheusMetricReader(registry=through_sdk)], resource=Resource({"service.name": "shop"})
        )
        with agentobs.instrument(
            service="shop", conventions=conventions, metrics="both", meter_provider=self.meters, registry=ours
        ):
            breaker = play(f"payments-{conventions}")
            self.breaker = breaker.name
            self.through_sdk, self.ours = exposition(through_sdk), exposition(ours)
            del breaker


@pytest.fixture(params=EVERY, scope="module")
def both(request: pytest.FixtureRequest) -> Iterator[Both]:
    made = Both(request.param)
    yield made
    made.meters.shutdown()


def test_series_labels_and_values_are_the_same(both: Both) -> None:
    # The way that they took is told by the one label in which they differ.
    through_sdk = series(both.through_sdk.replace("otel_of_both", "either"))
    ours = series(both.ours.replace("prometheus_of_both", "either"))
    assert set(ours) == set(through_sdk)
    assert ours == pytest.approx(through_sdk, rel=1e-9)
    assert len(ours) > 300


def test_types_and_descriptions_are_the_same(both: Both) -> None:
    assert families(both.ours) == families(both.through_sdk)


def test_names_and_labels_are_those_of_the_catalogue(both: Both) -> None:
    allowed = {name: {label.label for label in metric.labels} for metric in catalogue.METRICS for name in metric.series}
    of_conventions = {name for metric in catalogue.metrics(both.conventions) for name in metric.series}
    for name, labels in series(both.ours):
        if name != "target_info":
            assert name in of_conventions
            assert {label for label, _ in labels} - {"le"} <= allowed[name]


def test_what_was_done_is_what_is_counted(both: Both) -> None:
    def total(name: str, **labels: str) -> float:
        return total_of(both.ours, name, **labels)

    assert total("agentobs_calls_total") == 9
    assert total("agentobs_calls_total", agentobs_outcome="error", agentobs_error_class="invalid_request") == 1
    assert total("agentobs_calls_total", agentobs_outcome="abandoned", agentobs_streamed="true") == 1
    assert total("agentobs_calls_active") == 0
    assert total("agentobs_calls_unpriced_total", agentobs_unpriced_reason="unknown_model") == 1
    assert total("agentobs_agent_runs_total") == 3
    assert total("agentobs_decisions_total", gen_ai_agent_name="support") == 2
    assert total("agentobs_fallbacks_total", agentobs_fallback_reason="timeout") == 1
    assert total("agentobs_feedback_received_total") == 1
    breaker = {"agentobs_circuit_breaker_name": both.breaker}
    assert total("agentobs_circuit_breaker_calls_total", agentobs_circuit_breaker_outcome="rejected", **breaker) == 1
    assert total("agentobs_circuit_breaker_state", agentobs_circuit_breaker_state="open", **breaker) == 1
    assert total("agentobs_info") == 1
    assert total("target_info", service_name="shop") == 1


def test_each_generation_of_names_has_its_own(both: Both) -> None:
    names = {name for name, _ in series(both.ours)}
    has = ("gen_ai_client_inference_duration_seconds_count" in names, "gen_ai_client_token_usage_count" in names)
    assert has == {"latest": (True, False), "compat": (False, True), "both": (True, True)}[both.conventions]


# Made by parts that this scenario does not have: the feedback endpoint, an error of agentobs, a provider that retries or
# reports cache tokens and modalities. Their own tests show them.
_ELSEWHERE = {
    "agentobs.feedback.rejected",
    "agentobs.feedback.accepted",
    "agentobs.feedback.revised",
    "agentobs.feedback.revised.score",
    "agentobs.feedback.storage.rows",
    "agentobs.feedback.storage.errors",
    "agentobs.internal.errors",
    "agentobs.dropped",
    "agentobs.retry.attempts",
    "gen_ai.client.inference.usage.cache_read.input_tokens",
    "gen_ai.client.inference.usage.cache_write.input_tokens",
    "gen_ai.client.inference.usage.reasoning.output_tokens",
}


def test_every_metric_of_the_catalogue_is_emitted_here_or_listed(both: Both) -> None:
    emitted = {name for name, _ in series(both.ours)}
    silent = {m.name for m in catalogue.metrics(both.conventions) if not set(m.series) & emitted}
    assert silent <= _ELSEWHERE
    assert silent == _ELSEWHERE & {m.name for m in catalogue.metrics(both.conventions)}
