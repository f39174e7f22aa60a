"""What the collector accepted reaches the backend: though the collector is killed, though the backend is away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.packs.backend import Backend, backend
from tests.support.packs.sender import Load, counter, load, log, send, span
from tests.support.stack import Collector, fetch, poll

from .conftest import Configs

SIGNALS: dict[str, tuple[Callable[[str], Any], Callable[[Backend], set[str]]]] = {
    "traces": (lambda name: span(name=name), lambda behind: {s.name for s in behind.spans()}),
    "logs": (log, lambda behind: {record.body.string_value for record in behind.logs()}),
    "metrics": (lambda name: counter(name, 1), lambda behind: {m.name for m in behind.metrics()}),
}
ITEMS = 200


def missing(accepted: list[str], arrived: set[str]) -> list[str]:
    return [name for name in accepted if name not in arrived]


def check_that_kills_lose_nothing(server: Collector, signal: str, behind: Backend) -> None:
    """Kill the collector twice under load, then see that nothing it had accepted is missing.

    After a restart the load waits for the health check: collector 0.155 opens its receiver before all of its queues are
    read back, and can lose a request that comes in between (README.md says so).
    """
    make, arrived = SIGNALS[signal]
    with load(server.ports[4318], make) as sent:
        for goal in (ITEMS, 2 * ITEMS):
            reached(sent, goal)
            before = sent.refused
            server.kill()
            poll(lambda before=before: sent.refused > before, "the load notices")  # type: ignore[misc]
            sent.open.clear()
            server.start()
            sent.open.set()
        reached(sent, 3 * ITEMS)
    poll(lambda: not missing(sent.accepted, arrived(behind)), "everything accepted at the backend", 60)


def reached(sent: Load, goal: int) -> None:
    poll(lambda: len(sent.accepted) >= goal, f"{goal} accepted")


@pytest.mark.parametrize("signal", ["logs", "metrics"])
def test_gateway_killed_under_load_loses_nothing_it_accepted(signal: str, configs: Configs) -> None:
    with backend() as behind, configs.gateway(behind) as server:
        check_that_kills_lose_nothing(server, signal, behind)


@pytest.mark.parametrize("signal", list(SIGNALS))
def test_agent_with_a_queue_on_disk_killed_under_load_loses_nothing_it_accepted(signal: str, configs: Configs) -> None:
    with backend() as behind, configs.agent(behind.url, persistent=True) as server:
        check_that_kills_lose_nothing(server, signal, behind)


@pytest.mark.parametrize("signal", list(SIGNALS))
def test_gateway_keeps_everything_while_the_backend_is_away(signal: str, configs: Configs) -> None:
    make, arrived = SIGNALS[signal]
    with backend(up=False) as behind, configs.gateway(behind, AGENTOBS_SAMPLE_PERCENT="100") as server:
        with load(server.ports[4318], make) as sent:
            poll(lambda: len(sent.accepted) >= ITEMS, f"{ITEMS} accepted")
        assert sent.refused == 0
        behind.up()
        poll(lambda: not missing(sent.accepted, arrived(behind)), "everything accepted at the backend", 60)


@pytest.mark.parametrize("signal", list(SIGNALS))
def test_agent_keeps_everything_while_the_gateway_is_away(signal: str, configs: Configs) -> None:
    make, arrived = SIGNALS[signal]
    with backend(up=False) as behind, configs.agent(behind.url) as server:
        with load(server.ports[4318], make) as sent:
            poll(lambda: len(sent.accepted) >= ITEMS, f"{ITEMS} accepted")
        assert sent.refused == 0
        behind.up()
        poll(lambda: not missing(sent.accepted, arrived(behind)), "everything accepted at the backend", 60)


def test_traces_that_were_decided_survive_a_kill_while_the_backend_is_away(configs: Configs) -> None:
    names = [f"decided-{number}" for number in range(50)]
    with backend(up=False) as behind, configs.gateway(behind) as server:
        assert send(server.ports[4318], *(span(name=name, error=True) for name in names))
        poll(lambda: sampled(server) == len(names), "decisions")
        server.kill()
        server.start()
        behind.up()
        poll(lambda: Counter(s.name for s in behind.spans()).keys() == set(names), "all decided traces", 60)


def test_stop_in_order_decides_about_what_is_left(configs: Configs) -> None:
    with backend() as behind, configs.gateway(behind, AGENTOBS_DECISION_WAIT="5m") as server:
        assert send(server.ports[4318], span(name="undecided", parent=b"elsewher", error=True))
        server.stop()
        server.start()
        poll(lambda: [s.name for s in behind.spans()] == ["undecided"], "the trace that was waiting")


def test_full_queue_refuses_instead_of_losing(configs: Configs) -> None:
    with backend(up=False) as behind, configs.agent(behind.url, AGENTOBS_QUEUE_BYTES="20000") as server:
        with load(server.ports[4318], log) as sent:
            poll(lambda: sent.refused, "a refusal")
        behind.up()
        arrived = SIGNALS["logs"][1]
        poll(lambda: not missing(sent.accepted, arrived(behind)), "everything accepted at the backend", 60)


def sampled(server: Collector) -> float:
    """Traces for which the sampler has decided to keep them and that have left it."""
    _, body = fetch(server.ports[8888], "/metrics")
    lines = [
        line
        for line in body.decode().splitlines()
        if line.startswith("otelcol_processor_tail_sampling_global_count_traces_sampled") and 'sampled="true"' in line
    ]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)
