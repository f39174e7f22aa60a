"""An outage of the primary model moves breakers, fallbacks and alerts in order, to a real Alertmanager's webhook."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from agentobs.catalogue import own
from agentobs.demo.session import Session
from agentobs.packs import build
from tests.support import needs
from tests.support.stack import alertmanager, loopback, poll, prometheus
from tests.support.stack.loopback import Loopback
from tests.support.stack.servers import Prometheus

needs.module("openai")

CONFIG = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["{alertmanager}"]}}]
scrape_configs:
  - job_name: agentobs-demo
    static_configs: [{{targets: ["{target}"]}}]
"""
ROUTES = """
route: {{receiver: hook, group_wait: 0s, group_interval: 1s, repeat_interval: 1h, group_by: [alertname]}}
receivers:
  - name: hook
    webhook_configs: [{{url: "{url}", send_resolved: true}}]
"""
ALERT = "AgentObsBreakerOpen"


@pytest.fixture
def rules(tmp_path: Path) -> list[Path]:
    """The alerts in the time of a test: a storm of seconds instead of minutes."""
    paths = []
    for name, text in build(what="alerts").items():
        if name.endswith(".yaml"):
            path = tmp_path / Path(name).name
            quick = re.sub(r"for: \d+[smh]", "for: 2s", text.replace("interval: 60s", "interval: 1s"))
            path.write_text(quick, encoding="utf-8")
            paths.append(path)
    return paths


def states(server: Prometheus) -> set[str]:
    """The states in which Prometheus has had the alert."""
    found = server.query(f'count by (alertstate) (count_over_time(ALERTS{{alertname="{ALERT}"}}[5m]))')
    return {row["metric"]["alertstate"] for row in found}


def delivered(hook: Loopback) -> list[str]:
    """What the webhook was told of the alert, in order."""
    statuses = [
        alert["status"] for body in hook.json() for alert in body["alerts"] if alert["labels"]["alertname"] == ALERT
    ]
    return [status for status, before in zip(statuses, [None, *statuses], strict=False) if status != before]


def total(server: Prometheus, expr: str) -> float:
    found: list[Any] = server.query(f"sum({expr})")
    return float(found[0]["value"][1]) if found else 0.0


def test_a_storm_is_seen_told_and_over(rules: list[Path]) -> None:
    with (
        loopback() as hook,
        alertmanager(ROUTES.format(url=hook.url)) as manager,
        Session(seconds=40, rate=6) as session,
    ):
        assert session.metrics_url is not None
        target = session.metrics_url.removeprefix("http://").removesuffix("/metrics")
        with prometheus(2, CONFIG.format(alertmanager=manager.address, target=target), rules) as server:
            session.work()
            # On a busy machine a trial call may get through in the middle of the storm, and the alert comes twice.
            poll(lambda: delivered(hook)[-1:] == ["resolved"], "the end of the alert at the webhook", 60)
            assert delivered(hook)[0] == "firing"
            assert states(server) == {"pending", "firing"}
            # What happened is there to be drawn: the breaker opened, calls were rejected, fallbacks served, users told.
            opened = f'{own.BREAKER_TRANSITIONS.prom}{{{own.BREAKER_STATE.label}="open"}}'
            rejected = f'{own.BREAKER_CALLS.prom}{{{own.BREAKER_OUTCOME.label}="rejected"}}'
            fallen_back = f'{own.FALLBACKS.prom}{{{own.FALLBACK_REASON.label}="circuit_open"}}'
            degraded = f'{own.RUNS.prom}{{{own.DEGRADATION.label}="fallback_model"}}'
            for series in (opened, rejected, fallen_back, degraded, own.NOTICES.prom):
                assert total(server, series) > 0, series
            assert total(server, f'{own.BREAKER_STATES.prom}{{{own.BREAKER_STATE.label}="open"}}') == 0
            # The call that opens the breaker is no rejected one, and its caller falls back already.
            first = [_first(server, f"{series} > 0") for series in (opened, rejected, fallen_back)]
            assert first[0] == min(first)
        firing = next(a for body in hook.json() for a in body["alerts"] if a["labels"]["alertname"] == ALERT)
        assert firing["labels"]["severity"] == "warning"
        assert firing["annotations"]["runbook_url"].endswith("#agentobsbreakeropen")


def _first(server: Prometheus, expr: str) -> float:
    """When a series first had a value above 0, as a Unix time."""
    now = float(server.query("time()")[1])
    found = server.query_range(f"sum({expr})", now - 300, now, 1)
    return float(found[0]["values"][0][0])
