"""What is particular to the prometheus_client sink: exemplars, hostile names, bounds, registries, forks."""

from __future__ import annotations

import os
import re
import subprocess

import prometheus_client
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics

import agentobs
from tests.support import model
from tests.support.scenario import exposition, play, series, total
from tests.support.stack import require

HOSTILE = (
    'quo"te',
    "back\\slash",
    "new\nline",
    "carriage\rreturn",
    "é漢🦊",
    "lone\ud83d",
    "nul\0",
    "x" * 5_000,
    '{a="b"}',
    " ",
)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def _exemplars(registry: CollectorRegistry) -> dict[str, dict[str, str]]:
    text: str = openmetrics(registry).decode()
    return {
        sample.name: sample.exemplar.labels
        for family in parse_openmetrics(text)
        for sample in family.samples
        if sample.exemplar is not None
    }


def test_exemplars_name_the_trace_of_a_call(registry: CollectorRegistry) -> None:
    tracers = TracerProvider(shutdown_on_exit=False)
    with agentobs.instrument(metrics="prometheus", registry=registry, tracer_provider=tracers):
        with agentobs.agent("support") as scope:
            model.client().chat.completions.create(**model.ask(1))
        ids = scope.run.span_ids
        found = _exemplars(registry)
    of_call = found["gen_ai_client_inference_duration_seconds_bucket"]
    assert ids is not None
    assert of_call["trace_id"] == f"{ids.trace_id:032x}"
    assert re.fullmatch("[0-9a-f]{16}", of_call["span_id"])
    assert found["gen_ai_invoke_agent_duration_seconds_bucket"]["span_id"] == f"{ids.span_id:016x}"


def test_a_trace_that_is_not_kept_is_no_exemplar(registry: CollectorRegistry) -> None:
    tracers = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    with agentobs.instrument(metrics="prometheus", registry=registry, tracer_provider=tracers):
        model.client().chat.completions.create(**model.ask(1))
        assert _exemplars(registry) == {}
        assert total(exposition(registry), "gen_ai_client_inference_duration_seconds_count") == 1


@pytest.mark.parametrize("version", [2, 3])
def test_promtool_accepts_the_exposition(registry: CollectorRegistry, version: int) -> None:
    with agentobs.instrument(service="shop", conventions="both", metrics="prometheus", registry=registry):
        breaker = play()
        text = exposition(registry)
    assert breaker.current_state == "open"
    command = [require(f"prometheus{version}", "promtool"), "check", "metrics"]
    checked = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode in (0, 3), checked.stderr
    # Names end as the conventions have them, which is not always as promtool's style guide likes.
    assert "error while linting" not in checked.stderr


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_make_one_series_that_can_be_read(registry: CollectorRegistry, name: str) -> None:
    with agentobs.instrument(metrics="prometheus", registry=registry), agentobs.agent(name):
        agentobs.decision(name, "x")
        found = [labels for metric, labels in series(exposition(registry)) if metric == "agentobs_decisions_total"]
        openmetrics(registry).decode()
    (labels,) = map(dict, found)
    for value in labels.values():
        assert len(value) <= 200
        assert value.isprintable()


def test_ten_thousand_models_are_bounded(registry: CollectorRegistry) -> None:
    def answer(request: object) -> object:
        return model.http.Response(404, json={"error": {"message": "no such model", "type": "not_found"}})

    api = model.client(answer)
    with agentobs.instrument(metrics="prometheus", registry=registry):
        for number in range(10_000):
            agentobs.feedback(label="up", model=f"model-{number}")
        for number in range(9_000, 9_200):
            with pytest.raises(Exception, match="no such model"):
                api.chat.completions.create(model=f"model-{number}", messages=[])
        text = exposition(registry)
    models = {dict(labels).get("gen_ai_request_model") for _, labels in series(text)} - {None}
    assert (len(models), "_other" in models) == (101, True)
    assert total(text, "agentobs_feedback_received_total") == 10_000
    assert total(text, "agentobs_feedback_received_total", gen_ai_request_model="_other") == 9_900
    assert total(text, "agentobs_calls_total", gen_ai_request_model="_other") == 200
    assert total(text, "agentobs_calls_active") == 0


def test_a_registry_that_holds_such_a_name_already_is_named(registry: CollectorRegistry) -> None:
    prometheus_client.Counter("agentobs_calls", "Somebody else's.", registry=registry)
    with pytest.raises(agentobs.ConfigError, match=r"agentobs_calls\b.*registry="):
        agentobs.instrument(metrics="prometheus", registry=registry)
    agentobs.instrument(metrics="prometheus", registry=CollectorRegistry()).uninstrument()


def test_counters_go_on_after_uninstrument(registry: CollectorRegistry) -> None:
    for _ in range(2):
        with agentobs.instrument(metrics="prometheus", registry=registry):
            agentobs.decision("a", "b")
            seen = exposition(registry)
        assert exposition(registry) == ""
    assert total(seen, "agentobs_decisions_total") == 2
    assert total(seen, "agentobs_info") == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_counts_its_own(registry: CollectorRegistry) -> None:
    with agentobs.instrument(metrics="prometheus", registry=registry):
        with agentobs.agent("support"):
            agentobs.decision("a", "b", confidence=0.5)
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                agentobs.decision("a", "b")
                text = exposition(registry)
                names = ("agentobs_decisions_total", "agentobs_decision_confidence_count", "agentobs_agent_runs_total")
                os.write(writer, repr([total(text, name) for name in names]).encode())
            finally:
                os._exit(0)
        os.close(writer)
        with os.fdopen(reader) as seen:
            assert seen.read() == "[1.0, 0, 0.0]"
        assert os.waitpid(child, 0)[1] == 0
        assert total(exposition(registry), "agentobs_decisions_total") == 1
