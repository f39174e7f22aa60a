"""Metrics leave the gateway to be scraped and to be pushed, with the names that the catalogue gives them."""

from __future__ import annotations

from typing import Any

import pytest

from agentobs.catalogue import own
from tests.support.packs.backend import backend
from tests.support.packs.sender import counter, send
from tests.support.stack import Collector, poll, prometheus

from .conftest import Configs

SCRAPE = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: gateway
    honor_labels: true
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
CALLS = f'{own.CALLS.prom}{{job="support",instance="one"}}'


def value(found: list[Any]) -> list[str]:
    return [sample["value"][1] for sample in found]


def sent(server: Collector) -> bool:
    return send(server.ports[4318], counter(own.CALLS.name, 42))


def test_scraped_by_prometheus_2(configs: Configs) -> None:
    with backend() as behind, configs.gateway(behind, AGENTOBS_METRICS_EXPORTERS="[prometheus]") as server:
        assert sent(server)
        with prometheus(2, SCRAPE.format(port=server.ports[8889])) as p:
            poll(lambda: value(p.query(CALLS)) == ["42"], "the counter in Prometheus")


def test_pushed_to_prometheus_3_by_otlp(configs: Configs) -> None:
    with prometheus(3, "global: {}") as p, backend() as behind:
        address = {"AGENTOBS_METRICS_ENDPOINT": f"{p.url}/api/v1/otlp"}
        with configs.gateway(behind, **address) as server:
            assert sent(server)
            poll(lambda: value(p.query(CALLS)) == ["42"], "the counter in Prometheus")


@pytest.mark.parametrize("version", [2, 3])
def test_pushed_by_remote_write(version: int, configs: Configs) -> None:
    receiver = ["--web.enable-remote-write-receiver"]
    with prometheus(version, "global: {}", flags=receiver) as p, backend() as behind:
        chosen = {
            "AGENTOBS_METRICS_EXPORTERS": "[prometheus_remote_write]",
            "AGENTOBS_REMOTE_WRITE_ENDPOINT": f"{p.url}/api/v1/write",
        }
        with configs.gateway(behind, **chosen) as server:
            assert sent(server)
            poll(lambda: value(p.query(CALLS)) == ["42"], "the counter in Prometheus")
            assert behind.metrics() == []


def test_agent_hands_metrics_to_the_gateway_or_shows_them_itself(configs: Configs) -> None:
    with backend() as behind:
        with configs.agent(behind.url) as server:
            assert sent(server)
            poll(lambda: [m.name for m in behind.metrics()] == [own.CALLS.name], "the counter at the gateway")
        with configs.agent(behind.url, AGENTOBS_METRICS_EXPORTERS="[prometheus]") as server:
            assert sent(server)
            poll(lambda: own.CALLS.prom in server.metrics(), "the counter on the agent's own page")
