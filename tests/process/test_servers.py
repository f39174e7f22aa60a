"""Real servers of several processes: figures add up to what was asked, and stopping in order loses nothing."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import model
from tests.support.process.apps import ASGI, WSGI
from tests.support.process.programs import Served, served
from tests.support.process.receiver import Receiver
from tests.support.scenario import total
from tests.support.stack import free_port, poll, prometheus

CALLS = tuple(range(1, 13))
COST = sum(model.cost_usd(number) for number in CALLS)


@contextmanager
def gunicorn(*options: str, **env: str) -> Iterator[Served]:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "shop:app", "--bind", f"127.0.0.1:{port}", *options]
    with served(command, {"shop.py": WSGI}, port, **env) as server:
        yield server


@contextmanager
def uvicorn(*options: str, **env: str) -> Iterator[Served]:
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "shop:app", "--port", str(port), *options]
    with served(command, {"shop.py": ASGI}, port, **env) as server:
        yield server


SERVERS = {
    "gunicorn": lambda **env: gunicorn("--workers", "2", **env),
    "gunicorn-preload": lambda **env: gunicorn("--workers", "2", "--preload", **env),
    "gunicorn-threads": lambda **env: gunicorn("--workers", "2", "--threads", "4", **env),
    "uvicorn": uvicorn,
    "uvicorn-workers": lambda **env: uvicorn("--workers", "2", **env),
}


def agree(received: Receiver, service: str, calls: int) -> None:
    """Every figure of this service says that there were `calls` calls, and no more."""
    for metric in ("agentobs.calls", "gen_ai.client.inference.duration", "agentobs.decisions", "agentobs.agent.runs"):
        seen = received.last(service, metric)
        assert sum(seen.values()) == calls, (metric, seen)
    assert len([item for item in received.items("traces", service) if item.name.startswith("chat")]) == calls
    assert len(received.items("logs", service)) == calls


@pytest.mark.parametrize("name", SERVERS)
def test_stopping_in_order_loses_nothing(received: Receiver, name: str) -> None:
    service = f"stopped-{name}"
    with SERVERS[name](**received.otlp(service)) as server:
        server.call(*CALLS)
        server.stop()
    poll(lambda: sum(received.last(service, "agentobs.calls").values()) == len(CALLS), "every call")
    poll(lambda: len(received.items("logs", service)) == len(CALLS), "every event")
    agree(received, service, len(CALLS))
    assert not any(received.last(service, "agentobs.info").values()), "it has said goodbye"


def test_an_application_whose_server_nobody_knows_has_sent_everything_when_it_has_shut_down(
    received: Receiver,
) -> None:
    with uvicorn(AGENTOBS_LIBRARIES="-uvicorn", **received.otlp("unknown-server")) as server:
        server.call(*CALLS)
        server.stop()
    poll(lambda: sum(received.last("unknown-server", "agentobs.calls").values()) == len(CALLS), "every call")
    poll(lambda: len(received.items("logs", "unknown-server")) == len(CALLS), "every event")
    agree(received, "unknown-server", len(CALLS))


@pytest.mark.parametrize("preload", [(), ("--preload",)], ids=["", "preload"])
def test_gunicorn_that_is_told_to_reload(received: Receiver, preload: tuple[str, ...]) -> None:
    service = f"reloaded-{len(preload)}"
    with gunicorn("--workers", "2", *preload, **received.otlp(service)) as server:
        before = server.pids()
        server.call(*CALLS)
        os.kill(server.process.pid, signal.SIGHUP)
        poll(lambda: not server.pids() & before, "new workers")
        server.call(*CALLS)
        server.stop()
    poll(lambda: sum(received.last(service, "agentobs.calls").values()) == 2 * len(CALLS), "every call")
    agree(received, service, 2 * len(CALLS))


def test_a_worker_that_is_killed_takes_only_its_last_moment_along(received: Receiver) -> None:
    fast = {"OTEL_METRIC_EXPORT_INTERVAL": "200", "OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_BLRP_SCHEDULE_DELAY": "100"}
    with gunicorn("--workers", "2", "--preload", **received.otlp("killed"), **fast) as server:
        server.call(*CALLS)
        poll(lambda: sum(received.last("killed", "agentobs.calls").values()) == len(CALLS), "every call")
        poll(lambda: len(received.items("logs", "killed")) == len(CALLS), "every event")
        killed = server.pids().pop()
        os.kill(killed, signal.SIGKILL)
        poll(lambda: len(server.pids() - {killed}) == 2, "another worker")
        server.call(*CALLS)
        server.stop()
    poll(lambda: sum(received.last("killed", "agentobs.calls").values()) == 2 * len(CALLS), "every call")
    agree(received, "killed", 2 * len(CALLS))


@pytest.mark.parametrize("name", ["gunicorn", "gunicorn-preload", "uvicorn-workers"])
@pytest.mark.parametrize("version", [2, 3])
def test_a_scrape_of_any_worker_gets_the_figures_of_all(version: int, name: str, tmp_path: Path) -> None:
    with SERVERS[name](PROMETHEUS_MULTIPROC_DIR=str(tmp_path), AGENTOBS_SERVICE="shop") as server:
        server.call(*CALLS)
        config = f"""
        scrape_configs:
          - job_name: shop
            scrape_interval: 1s
            static_configs: [{{targets: ["127.0.0.1:{server.port}"]}}]
        """
        with prometheus(version, config) as prom:
            cost = poll(lambda: prom.query("sum(agentobs_cost_usd_total)"), "a scrape")
            assert float(cost[0]["value"][1]) == pytest.approx(COST)
            (target,) = prom.query("target_info")
            assert target["metric"]["service_name"] == "shop"
            expected = 3 if name == "gunicorn-preload" else 2
            assert float(prom.query("sum(agentobs_info)")[0]["value"][1]) == expected, "processes that run agentobs"


def test_what_a_killed_worker_left_behind_is_cleared(tmp_path: Path) -> None:
    with gunicorn("--workers", "2", PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as server:
        server.call(*CALLS)
        assert server.get("/trip")[1] == "open"

        def opened() -> float:
            text = server.get("/metrics")[1]
            return total(text, "agentobs_circuit_breaker_state", agentobs_circuit_breaker_state="open")

        assert opened() == 1
        for pid in server.pids():
            os.kill(pid, signal.SIGKILL)
        poll(lambda: opened() == 0, "the breaker of a worker that is gone is gone")
        text = server.get("/metrics")[1]
        assert total(text, "agentobs_calls_total") == len(CALLS), "what was counted stays"


def test_several_workers_that_share_nothing_are_told_once() -> None:
    with gunicorn("--workers", "2") as server:
        server.call(1)
        report = server.get("/report")[1]
        log = server.process.log()
    told = "gunicorn runs 2 worker processes, and a scrape of /metrics gets those of one of them"
    assert told in report
    assert 1 <= log.count(told) <= 2, "once for each worker"
    with uvicorn("--workers", "2") as server:
        report = server.get("/report")[1]
    assert "uvicorn runs 2 worker processes" in report


def test_one_worker_is_nothing_to_tell() -> None:
    with uvicorn() as server:
        assert "worker processes" not in server.get("/report")[1] + server.process.log()
