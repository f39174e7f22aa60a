"""One running demo, two ways into Prometheus: scraped by 2.42, and as OTLP through the collector into 3."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from agentobs.catalogue import genai, own
from agentobs.demo.ledger import Totals
from agentobs.demo.session import Session
from agentobs.packs import build
from tests.support import needs
from tests.support.packs.boards import Asked, asked, filled
from tests.support.stack import collector, poll, prometheus
from tests.support.stack.servers import Prometheus

needs.module("openai")

SCRAPE = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: agentobs-demo
    static_configs: [{{targets: ["{target}"]}}]
"""
OTLP_IN = """
global: {}
otlp:
  promote_resource_attributes: [service.name, service.instance.id]
"""
RIGHT_TO_BE_EMPTY = (
    "offset 7d",  # a week of history
    "ALERTS",  # an alert that fires
    own.INTERNAL_ERRORS.prom,  # agentobs did nothing wrong
    own.DROPPED.prom,
    own.FEEDBACK_STORAGE.prom,  # the demo keeps no ratings in a database
    own.FEEDBACK_STORAGE_ERRORS.prom,
    f'{genai.AGENT_NAME.label}=""',  # calls outside of any agent
)


@dataclass
class End:
    """One Prometheus, asked as of one moment (`None`: now)."""

    server: Prometheus
    moment: float | None

    def query(self, expr: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.server.query(expr, self.moment)
        return found


@dataclass
class Paths:
    """Both ends of one run, and what the provider really served."""

    scraped: End
    pushed: End
    served: Totals


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paths]:
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "gateway.yaml").write_text(build(what="collector")["collector/gateway.yaml"], encoding="utf-8")
    os.environ["OTEL_METRIC_EXPORT_INTERVAL"] = "1000"
    try:
        with ExitStack() as stack:
            pushed = stack.enter_context(prometheus(3, OTLP_IN))
            settings = {
                "AGENTOBS_QUEUE_DIR": str(folder / "queue"),
                "AGENTOBS_METRICS_ENDPOINT": f"{pushed.url}/api/v1/otlp",
                # Traces and logs are not asked for here; nobody listens there.
                "AGENTOBS_TRACES_ENDPOINT": "http://127.0.0.1:9",
                "AGENTOBS_LOGS_ENDPOINT": "http://127.0.0.1:9",
            }
            gateway = stack.enter_context(collector([folder / "gateway.yaml"], env=settings))
            with Session(seconds=24, rate=6, seed=11, otlp=gateway.otlp_http) as session:
                assert session.metrics_url is not None
                target = session.metrics_url.removeprefix("http://").removesuffix("/metrics")
                scraped = stack.enter_context(prometheus(2, SCRAPE.format(target=target)))
                session.work()
                assert session.comparison().equal
                assert session.handle.flush()
                served = session.provider.ledger.totals()
                for server in (scraped, pushed):
                    end = End(server, None)
                    poll(lambda end=end: total(end, own.CALLS.prom) == served.calls, "all calls in Prometheus")
                # From now on everything is asked for as of this moment: the program that told it ends here.
                moment = time.time()
            yield Paths(End(scraped, moment), End(pushed, moment), served)
    finally:
        del os.environ["OTEL_METRIC_EXPORT_INTERVAL"]


def total(end: End, series: str) -> float:
    found = end.query(f"sum({series})")
    return float(found[0]["value"][1]) if found else 0.0


@pytest.fixture(params=["scraped", "pushed"])
def end(request: pytest.FixtureRequest, paths: Paths) -> End:
    chosen: End = getattr(paths, request.param)
    return chosen


def test_totals_are_those_of_the_ledger(end: End, paths: Paths) -> None:
    served = paths.served
    tokens, label = own.TOKENS.prom, own.TOKEN_KIND.label
    assert total(end, f'{tokens}{{{label}="output"}}') == served.output_tokens
    assert total(end, f'{tokens}{{{label}!="output"}}') == served.input_tokens
    assert total(end, f'{tokens}{{{label}="cache_read"}}') == served.cache_read_tokens
    assert total(end, own.CALL_RETRIES.prom) == served.retries
    assert total(end, f'{own.CALLS.prom}{{{own.OUTCOME.label}="error"}}') == served.errors
    assert math.isclose(total(end, own.COST.prom), float(served.cost_usd), rel_tol=1e-9)


@pytest.mark.parametrize("one", [pytest.param(one, id=one.where) for one in asked()])
def test_every_query_returns_data(one: Asked, end: End) -> None:
    expr = filled(one.expr, interval="20s")
    # What an annotation marks is over by the end.
    found = end.query(f"max_over_time(({expr})[5m:1s])" if "annotation" in one.where else expr)
    assert any(word in one.expr for word in RIGHT_TO_BE_EMPTY) or any(
        math.isfinite(float(row["value"][1])) for row in found
    )
