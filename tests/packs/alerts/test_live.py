"""A real Prometheus computes every rule without an error, whatever labels the path and the users bring along."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from agentobs.catalogue import METRICS, Attribute, Kind, Metric, own
from agentobs.packs import build
from tests.support.stack import loopback, poll, prometheus

SCRAPE = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
scrape_configs:
  - job_name: 'support "desk" & co'
    static_configs: [{{targets: ["{a}", "{b}"]}}]
"""
HOSTILE = ('quote " and \\ and {brace}', "line\nbreak", "snowman \u2603 \U0001f600", "{{ $value }}", "")
"""Values that a program may put into names of agents and models; the last one means no label at all."""


def labels(metric: Metric, number: int) -> str:
    """Labels of the metric with a hostile value each, and those that collectors add."""
    pairs = {label.label: value(label, number) for label in metric.labels}
    pairs |= {"otel_scope_name": "agentobs", "otel_scope_version": str(number)}
    escaped = {k: v.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for k, v in pairs.items()}
    return ",".join(f'{name}="{text}"' for name, text in escaped.items())


def value(label: Attribute, number: int) -> str:
    return label.values[number % len(label.values)] if label.values else HOSTILE[number % len(HOSTILE)]


class Page:
    """A metrics page on which everything grows with each scrape."""

    def __init__(self) -> None:
        self.scrapes = 0

    def __call__(self) -> str:
        self.scrapes += 1
        return "".join(self._metric(metric) for metric in METRICS)

    def _metric(self, metric: Metric) -> str:
        kind = {Kind.COUNTER: "counter", Kind.HISTOGRAM: "histogram"}.get(metric.kind, "gauge")
        lines = [f"# TYPE {metric.prom} {kind}\n"]
        for number in range(7):
            lines += self._series(metric, labels(metric, number))
        return "".join(lines)

    def _series(self, metric: Metric, text: str) -> list[str]:
        count = self.scrapes * 100
        if metric.kind is not Kind.HISTOGRAM:
            return [f"{metric.prom}{{{text}}} {count if metric.kind is Kind.COUNTER else 1}\n"]
        bounds = [*(f"{bound:g}" for bound in metric.buckets), "+Inf"]
        buckets = [f'{metric.prom}_bucket{{{text},le="{bound}"}} {count}\n' for bound in bounds]
        return [*buckets, f"{metric.prom}_sum{{{text}}} {count}\n", f"{metric.prom}_count{{{text}}} {count}\n"]


@pytest.fixture
def rules(tmp_path: Path) -> list[Path]:
    """The rules, computed each second instead of each minute."""
    paths = []
    for name, text in build(what="alerts").items():
        if name.endswith(".yaml"):
            assert "interval: 60s" in text
            paths.append(tmp_path / Path(name).name)
            paths[-1].write_text(text.replace("interval: 60s", "interval: 1s"))
    return paths


def computed(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All rules, once each has been computed."""
    found = [rule for group in groups for rule in group["rules"]]
    return [] if any(rule["health"] == "unknown" for rule in found) else found


@pytest.mark.parametrize("version", [2, 3])
def test_every_rule_is_healthy_and_alerts_carry_hostile_values(version: int, rules: list[Path]) -> None:
    with (
        loopback(Page()) as a,
        loopback(Page()) as b,
        prometheus(version, SCRAPE.format(a=a.address, b=b.address), rules) as p,
    ):
        poll(lambda: p.query(f"count({own.CALLS.prom}) > 1") and p.query("agentobs:calls:rate5m"), "recorded rates")
        since = p.query("time()")[1]
        poll(lambda: all_after(p.api("rules")["groups"], float(since)), "an evaluation with data")
        sick = {r["name"]: r.get("lastError") for r in computed(p.api("rules")["groups"]) if r["health"] != "ok"}
        assert sick == {}
        open_ = poll(lambda: [x for x in p.alerts() if x["labels"]["alertname"] == "AgentObsBreakerOpen"], "an alert")
    named = {alert["labels"].get("agentobs_circuit_breaker_name", "") for alert in open_}
    assert named <= set(HOSTILE)
    link = open_[0]["annotations"]["dashboard"]
    assert "var-service=support+%22desk%22+%26+co&" in link


def all_after(groups: list[dict[str, Any]], moment: float) -> bool:
    """Whether every group has been computed since."""
    return all(datetime.fromisoformat(group["lastEvaluation"]).timestamp() > moment + 1 for group in groups)
