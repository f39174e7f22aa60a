"""Every service on one line: does it serve, what does it cost, what is wrong with it."""

from __future__ import annotations

from agentobs.catalogue import own

from .. import promql as q
from ..boards import OVERVIEW
from ..config import PackConfig
from ..figure import Figure, Subject, Table
from ..names import Label
from ..panels import USD, WHOLE, Column, Limit
from ..selection import Selection, over_range, rate_of_range
from . import agents, breakers, calls, cost, latency, telemetry


def fleet(config: PackConfig) -> Figure:
    """Services with their objectives, spending, breakers and alerts."""
    service, over = config.service, over_range(config)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.sum_by(over.gauge(own.INFO), *by)

    open_ = q.sum_by(breakers.states(config).measure(over, service, own.BREAKER_NAME), service)
    return Figure(
        measure=measure,
        unit=WHOLE,
        empty="no process reports",
        table=Table(
            "Services",
            "Every service that reports: its processes now, what became of its runs and calls in the time range, what it "
            "spent for each hour of it, and its open breakers and firing alerts now. Its name leads to this dashboard "
            "for it alone.",
            ((service, "Service"),),
            (
                Column("Processes", measure(over, service), WHOLE),
                agents.served(config).column("Runs that served", config, service, decimals=2),
                calls.availability(config).column("Calls answered", config, service, decimals=2),
                latency.duration(config).column(f"Latency p{config.slo.latency * 100:g}", config, service),
                Column("Cost per hour", cost.per_hour(rate_of_range(config), service), USD, decimals=2),
                Column("Open breakers", open_, WHOLE, Limit(1)),
                Column("Alerts", q.count_by(telemetry.firing_by(config), service), WHOLE, Limit(1)),
            ),
            row=(OVERVIEW, "service"),
            height=6,
        ),
    )


SUBJECT = Subject("services", "Services", OVERVIEW, (fleet,))
