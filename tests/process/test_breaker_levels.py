"""How breakers stand is read when somebody collects: of one name the nearest to opening, by what is true now."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pybreaker
import pytest
import redis as redis_client

from agentobs.emit.exposition import answer
from agentobs.testing import Captured
from tests.support import model
from tests.support.process.programs import command, environ, run
from tests.support.scenario import total
from tests.support.stack import Redis, poll, redis


def fail(breaker: pybreaker.CircuitBreaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises((ValueError, pybreaker.CircuitBreakerError)):
            breaker.call(int, "no number")


def shown(seen: Captured, name: str) -> dict[str, float]:
    """State, failures and limit of a breaker, as a reader of the metrics sees them."""
    points = [p for p in seen.points if p.attributes.get("agentobs.circuit_breaker.name") == name]
    states = [p.attributes["agentobs.circuit_breaker.state"] for p in points if p.name.endswith(".state") and p.value]
    failures, limit = (
        next((p.value for p in points if p.name == f"agentobs.circuit_breaker.failures.{which}"), 0)
        for which in ("current", "limit")
    )
    return {"states": states, "failures": failures, "limit": limit}  # type: ignore[dict-item]


def test_of_two_with_one_name_the_nearest_to_opening_is_shown(seen: Captured) -> None:
    far, near = (pybreaker.CircuitBreaker(fail_max=5, name="payments") for _ in range(2))
    far.call(int)
    fail(near, 4)
    far.call(int)
    assert shown(seen, "payments") == {"states": ["closed"], "failures": 4, "limit": 5}
    fail(near, 1)
    assert shown(seen, "payments") == {"states": ["open"], "failures": 5, "limit": 5}
    del near
    gc.collect()  # the tracebacks of its errors know it
    assert shown(seen, "payments") == {"states": ["closed"], "failures": 0, "limit": 5}


def test_a_name_that_comes_later_is_taken(seen: Captured) -> None:
    breaker = pybreaker.CircuitBreaker(fail_max=3)
    breaker.name = "late"
    fail(breaker, 1)
    assert shown(seen, "late") == {"states": ["closed"], "failures": 1, "limit": 3}
    assert shown(seen, "default")["states"] == []
    breaker.name = "later"
    assert shown(seen, "later")["failures"] == 1
    assert shown(seen, "late") == {"states": [], "failures": 0, "limit": 0}
    assert seen.value("agentobs.circuit_breaker.calls", agentobs_circuit_breaker_name="late") == 1


def test_an_open_breaker_whose_time_is_over_waits_for_its_trial(seen: Captured) -> None:
    breaker = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=0.3, name="payments")
    fail(breaker, 1)
    assert shown(seen, "payments")["states"] in (["open"], ["half_open"])
    poll(lambda: shown(seen, "payments")["states"] == ["half_open"], "it is open in name only, though nobody calls it")
    assert breaker.current_state == "open"


@pytest.fixture
def server() -> Iterator[Redis]:
    with redis() as running:
        yield running


def in_redis(server: Redis, **options: Any) -> pybreaker.CircuitBreaker:
    client = redis_client.Redis.from_url(server.url)
    storage = pybreaker.CircuitRedisStorage(pybreaker.STATE_CLOSED, client, namespace="shop")
    return pybreaker.CircuitBreaker(fail_max=2, state_storage=storage, name="shared", **options)


OTHER = """
    import os, pybreaker, redis
    client = redis.Redis.from_url(os.environ["REDIS"])
    storage = pybreaker.CircuitRedisStorage("closed", client, namespace="shop")
    breaker = pybreaker.CircuitBreaker(fail_max=2, state_storage=storage)
    breaker.{verb}()
"""


def test_what_another_process_does_to_a_shared_breaker_is_shown(seen: Captured, server: Redis) -> None:
    breaker = in_redis(server)
    fail(breaker, 2)
    assert shown(seen, "shared") == {"states": ["open"], "failures": 2, "limit": 2}
    run(OTHER.format(verb="close"), REDIS=server.url)
    assert shown(seen, "shared")["states"] == ["closed"], "this process has made no call since"
    run(OTHER.format(verb="open"), REDIS=server.url)
    assert shown(seen, "shared")["states"] == ["open"]
    assert breaker.current_state == "open"


@pytest.mark.faults
def test_a_storage_that_does_not_answer_costs_a_scrape_a_moment_and_a_call_nothing(
    seen: Captured, server: Redis
) -> None:
    shared, own = in_redis(server), pybreaker.CircuitBreaker(name="own")
    shared.call(int)
    own.call(int)
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        started_s = time.monotonic()
        assert shown(seen, "shared")["states"] == [], "nobody knows"
        assert shown(seen, "own")["states"] == ["closed"]
        assert time.monotonic() - started_s < 20
        own.call(int)
        model.client().chat.completions.create(**model.ask(1))
        assert seen.value("agentobs.internal.errors", agentobs_stage="breaker.storage") > 0
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    poll(lambda: shown(seen, "shared")["states"] == ["closed"], "Redis answers again")
    assert shared.current_state == "closed"


def test_a_storage_that_is_away_is_unknown_and_not_closed(seen: Captured, server: Redis) -> None:
    breaker = in_redis(server)
    fail(breaker, 2)
    server.process.stop()
    assert shown(seen, "shared")["states"] == []


FORK = """
    import json, os, sys
    import agentobs, pybreaker
    from tests.support.scenario import total, trip
    {imports}
    agentobs.instrument(metrics={metrics!r})
    breaker = trip("payments")

    def shown(text):
        name = "agentobs_circuit_breaker_"
        states = ("closed", "half_open", "open")
        levels = [total(text, name + level) for level in ("failures_current", "failures_limit")]
        held = {{s: total(text, name + "state", agentobs_circuit_breaker_state=s) for s in states}}
        return [held, *levels, total(text, "agentobs_info")]

    pid = os.fork()
    if pid == 0:
        before = shown(page())
        breaker.close()
        print(json.dumps([before, shown(page())]), flush=True)
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    print(json.dumps(shown(page())))
"""
PAGES = {
    "prometheus": "from prometheus_client import generate_latest\n    page = lambda: generate_latest().decode()",
    "otel": """
    import prometheus_client
    from opentelemetry import metrics
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from opentelemetry.sdk.metrics import MeterProvider
    metrics.set_meter_provider(MeterProvider([PrometheusMetricReader()]))
    page = lambda: prometheus_client.generate_latest().decode()
    """,
}


@pytest.mark.parametrize("path", PAGES)
def test_a_forked_child_shows_its_own_breakers(path: str) -> None:
    done = run(FORK.format(imports=PAGES[path], metrics=path))
    child, parent = (json.loads(line) for line in done.stdout.splitlines())
    opened = [{"closed": 0, "half_open": 0, "open": 1}, 2, 2, 1]
    assert child == [opened, [{"closed": 1, "half_open": 0, "open": 0}, 0, 2, 1]]
    assert parent == opened


def test_a_breaker_that_an_idle_worker_left_open_is_shown_as_waiting_once_its_time_is_over(tmp_path: Path) -> None:
    idle = """
    import sys, os
    import agentobs, pybreaker
    agentobs.instrument(metrics="prometheus")
    breaker = pybreaker.CircuitBreaker(fail_max=1, reset_timeout=float(sys.argv[1]), name=sys.argv[2])
    try:
        breaker.call(int, "no number")
    except pybreaker.CircuitBreakerError:
        pass
    open(os.environ["READY"], "w").close()
    sys.stdin.read()
    """
    shared = tmp_path / "shared"
    shared.mkdir()
    workers = []
    for name, reset_s in (("short", "0.2"), ("long", "600")):
        ready = tmp_path / name
        env = environ({"PROMETHEUS_MULTIPROC_DIR": str(shared), "READY": str(ready)})
        workers.append(subprocess.Popen(command(idle, reset_s, name), env=env, stdin=subprocess.PIPE))
        poll(ready.exists, f"the worker with the {name} breaker")

    def states(name: str) -> dict[str, float]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PROMETHEUS_MULTIPROC_DIR", str(shared))
            text = answer("GET", "", "", "").body.decode()
        return {
            state: total(
                text,
                "agentobs_circuit_breaker_state",
                agentobs_circuit_breaker_state=state,
                agentobs_circuit_breaker_name=name,
            )
            for state in ("open", "half_open", "closed")
        }

    try:
        poll(lambda: states("short") == {"open": 0, "half_open": 1, "closed": 0}, "it waits for its trial")
        assert states("long") == {"open": 1, "half_open": 0, "closed": 0}
    finally:
        for worker in workers:
            worker.communicate(b"", timeout=30)
    assert states("long") == {"open": 0, "half_open": 0, "closed": 0}, "a worker that is gone has no breakers"
