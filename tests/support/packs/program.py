"""A program that emits the whole catalogue, for a Prometheus to scrape."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from agentobs.catalogue import Attribute, Kind, Metric, genai, metrics
from tests.support.stack import loopback, poll, prometheus
from tests.support.stack.servers import Prometheus

CONFIG = """
global: {{scrape_interval: 2s}}
scrape_configs:
  - job_name: support
    static_configs: [targets: ["127.0.0.1:{port}"]]
"""


class Program:
    """Every metric with every combination of its closed labels; all grow with each scrape.

    The open labels (models, agents, breakers and so on) take the same name at a time, of each of `names` in turn.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._registry = CollectorRegistry()
        self._names = names
        self._children = [child for metric in metrics("latest") for child in self._of(metric)]

    def page(self) -> str:
        for child in self._children:
            if isinstance(child, Histogram):
                child.observe(0.5)
            elif isinstance(child, Gauge):
                child.set(1)
            else:
                child.inc()
        return generate_latest(self._registry).decode()

    def _of(self, metric: Metric) -> Iterator[Any]:
        labels = [label.label for label in metric.labels]
        family: Any
        if metric.kind is Kind.HISTOGRAM:
            family = Histogram(metric.prom, "-", labels, buckets=metric.buckets, registry=self._registry)
        else:
            kind = Counter if metric.kind is Kind.COUNTER else Gauge
            family = kind(metric.prom.removesuffix("_total"), "-", labels, registry=self._registry)
        for name, closed in itertools.product(self._names, _combinations(metric)):
            values = [_value(label, name, closed) for label in metric.labels]
            yield family.labels(*values) if values else family


def _combinations(metric: Metric) -> Iterator[Mapping[Attribute, str]]:
    # Operations would only multiply the series: all views but one sum over them.
    closed = [label for label in metric.labels if label.values and label is not genai.OPERATION]
    for values in itertools.product(*(label.values for label in closed)):
        yield dict(zip(closed, values, strict=True))


def _value(label: Attribute, name: str, closed: Mapping[Attribute, str]) -> str:
    """An error type is empty, as on calls that ended well; a status is one that providers send."""
    fixed = {"error.type": "", "agentobs.retry.status": "429", "gen_ai.operation.name": "chat"}
    return closed.get(label, fixed.get(label.name, name))


@contextmanager
def scraped(version: int, names: Sequence[str]) -> Iterator[Prometheus]:
    """A Prometheus that has scraped the program some times."""
    program = Program(names)
    with loopback(program.page) as page, prometheus(version, CONFIG.format(port=page.port)) as server:
        poll(lambda: server.query("count_over_time(agentobs_info[1m]) > 2"), "three scrapes")
        yield server
