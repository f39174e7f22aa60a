"""Runs of agents: how many, how they end, how long they take, what they cost."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..boards import OVERVIEW
from ..config import PackConfig
from ..figure import Figure, Subject, Table
from ..names import Label
from ..panels import SECONDS, SHARE, WHOLE, Column
from ..selection import Selection, over_range
from . import cost, degradation
from .conditions import FAILED, NO_RUNS


def runs(config: PackConfig) -> Figure:
    """Every agent with its runs."""
    agent, over = genai.AGENT_NAME, over_range(config)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.RUNS, *by)

    failed = q.share(over.growth(own.RUNS, agent, where=FAILED), measure(over, agent))
    return Figure(
        measure=measure,
        unit=WHOLE,
        empty=NO_RUNS,
        table=Table(
            "Agents",
            "Every agent in the time range: its runs, how many failed, how many were degraded, how long they took and "
            "what they cost. Cost is of runs whose calls are all priced.",
            ((agent, "Agent"),),
            (
                Column("Runs", measure(over, agent), WHOLE),
                Column("Failed", failed, SHARE),
                degradation.degraded(config).column("Degraded", config, agent),
                Column("p95 duration", over.quantile(0.95, genai.AGENT_DURATION, agent), SECONDS),
                cost.per_run(config).column("Cost of a run", config, agent),
            ),
        ),
    )


SUBJECT = Subject("agents", "Agents", OVERVIEW, (runs,))
