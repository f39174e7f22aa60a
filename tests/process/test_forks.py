"""What a forked child shows is its own, and its figures agree, on every path that metrics take."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.process.programs import run
from tests.support.process.receiver import Receiver
from tests.support.stack import poll

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")

METRICS = ("agentobs.calls", "gen_ai.client.inference.duration", "agentobs.info")
PLAY = """
    import json, os, sys
    import agentobs
    from tests.support import model
    from tests.support.scenario import trip

    def work(number):
        for each in range(number):
            with agentobs.agent("support"):
                model.client().chat.completions.create(**model.ask(each))

    def fork(child):
        pid = os.fork()
        if pid == 0:
            try:
                child()
                sys.stdout.flush()
            except BaseException:
                import traceback
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_into_otlp_cumulative(received: Receiver, protocol: str) -> None:
    service = f"fork-{protocol}"
    program = f"""{PLAY}
    handle = agentobs.instrument()
    work(3)
    assert handle.flush()
    def child():
        work(1)
        assert handle.flush()
    fork(child)
    work(1)
    handle.uninstrument()
    """
    _export(received, program, service, OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
    for metric in METRICS[:2]:
        poll(lambda metric=metric: sum(received.last(service, metric).values()) == 5, f"all of {metric}")
        assert sorted(received.last(service, metric).values()) == [1, 4]
    assert len(received.last(service, "agentobs.info")) == 2
    spans = received.items("traces", service)
    assert len(spans) == 10, "none is sent twice"
    assert len({span.resource["service.instance.id"] for span in spans}) == 2


def test_into_otlp_delta(received: Receiver) -> None:
    program = f"""{PLAY}
    handle = agentobs.instrument()
    work(2)
    handle.flush()
    work(1)
    def child():
        work(1)
        assert handle.flush()
    fork(child)
    handle.uninstrument()
    """
    _export(received, program, "fork-delta", OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE="delta")
    for metric in METRICS[:2]:
        poll(lambda metric=metric: sum(p.value for p in received.points("fork-delta", metric)) == 4, metric)
        assert min(point.value for point in received.points("fork-delta", metric)) >= 0


@pytest.mark.parametrize("temporality", ["CUMULATIVE", "DELTA"])
def test_into_a_provider_of_the_program(temporality: str) -> None:
    program = f"""{PLAY}
    from opentelemetry.sdk import metrics
    from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
    which = AggregationTemporality.{temporality}
    kinds = (metrics.Counter, metrics.ObservableCounter, metrics.Histogram)
    reader = InMemoryMetricReader(dict.fromkeys(kinds, which))
    agentobs.instrument(meter_provider=metrics.MeterProvider([reader], shutdown_on_exit=False), metrics="otel")

    def shown():
        found = {{}}
        for resource in reader.get_metrics_data().resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    points = metric.data.data_points
                    found[metric.name] = sum(p.count if hasattr(p, "count") else p.value for p in points)
        return found

    work(2)
    shown()
    work(1)
    def child():
        work(1)
        print(json.dumps(shown()))
    fork(child)
    print(json.dumps(shown()))
    """
    child, parent = (json.loads(line) for line in run(program).stdout.splitlines())
    assert [child[name] for name in METRICS] == [1, 1, 1]
    here = 3 if temporality == "CUMULATIVE" else 1
    assert [parent[name] for name in METRICS] == [here, here, 1]


SCRAPE = """
    from prometheus_client import generate_latest
    from tests.support.scenario import series, total

    def shown(text):
        return {
            "calls": total(text, "agentobs_calls_total"),
            "durations": total(text, "gen_ai_client_inference_duration_seconds_count"),
            "runs": total(text, "agentobs_agent_runs_total"),
            "info": total(text, "agentobs_info"),
            "active": total(text, "agentobs_calls_active"),
        }
"""


def test_into_prometheus_client() -> None:
    program = f"""{PLAY}{SCRAPE}
    import prometheus_client
    agentobs.instrument(metrics="prometheus")
    work(3)
    def child():
        work(1)
        print(json.dumps(shown(generate_latest().decode())))
    fork(child)
    print(json.dumps(shown(generate_latest().decode())))
    """
    child, parent = (json.loads(line) for line in run(program).stdout.splitlines())
    assert child == {"calls": 1, "durations": 1, "runs": 1, "info": 1, "active": 0}
    assert parent == {"calls": 3, "durations": 3, "runs": 3, "info": 1, "active": 0}


def test_into_files_that_processes_share(tmp_path: Path) -> None:
    program = f"""{PLAY}{SCRAPE}
    from agentobs.emit.exposition import answer
    agentobs.instrument(metrics="prometheus")
    work(3)
    def page():
        return shown(answer("GET", "", "", "").body.decode())
    def child():
        work(1)
        print(json.dumps(page()))
    fork(child)
    print(json.dumps(page()))
    """
    both, alone = (
        json.loads(line) for line in run(program, PROMETHEUS_MULTIPROC_DIR=str(tmp_path)).stdout.splitlines()
    )
    assert both == {"calls": 4, "durations": 4, "runs": 4, "info": 2, "active": 0}
    assert alone == {"calls": 4, "durations": 4, "runs": 4, "info": 1, "active": 0}, "counts stay, levels go"


def test_a_call_under_way_in_the_parent_is_not_under_way_in_the_child() -> None:
    program = f"""{PLAY}{SCRAPE}
    import prometheus_client
    agentobs.instrument(metrics="prometheus")
    stream = model.client().chat.completions.create(**model.ask(12), stream=True)
    next(iter(stream))
    def child():
        before = shown(generate_latest().decode())["active"]
        list(stream)
        print(json.dumps([before, shown(generate_latest().decode())["active"]]))
    fork(child)
    print(json.dumps([shown(generate_latest().decode())["active"]]))
    """
    child, parent = (json.loads(line) for line in run(program).stdout.splitlines())
    assert (child, parent) == ([0, 0], [1])


def test_what_the_parent_has_not_sent_yet_is_sent_once(received: Receiver) -> None:
    program = f"""{PLAY}
    handle = agentobs.instrument()
    work(2)
    fork(handle.flush)
    handle.uninstrument()
    """
    _export(received, program, "unsent")
    poll(lambda: len(received.items("traces", "unsent")) == 4, "spans")
    assert sum(received.last("unsent", "agentobs.calls").values()) == 2


def test_an_instance_id_that_is_given_is_kept_by_the_parent_only(received: Receiver) -> None:
    program = f"""{PLAY}
    handle = agentobs.instrument()
    work(1)
    def child():
        work(1)
        handle.flush()
    fork(child)
    handle.uninstrument()
    """
    _export(received, program, "given", OTEL_RESOURCE_ATTRIBUTES="service.instance.id=web-1")
    poll(lambda: sum(received.last("given", "agentobs.calls").values()) == 2, "calls")
    ids: Any = received.last("given", "agentobs.calls")
    assert len(ids) == 2
    assert "web-1" in ids


def _export(received: Receiver, program: str, service: str, **env: str) -> None:
    grpc = env.get("OTEL_EXPORTER_OTLP_PROTOCOL") == "grpc"
    done = run(
        program,
        OTEL_EXPORTER_OTLP_ENDPOINT=received.grpc if grpc else received.http,
        OTEL_SERVICE_NAME=service,
        **env,
    )
    assert not done.stderr, done.stderr
