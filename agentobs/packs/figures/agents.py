"""Runs of agents: whether they serve their users, how long they take, what they call, what they cost."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import chance
from .. import promql as q
from ..boards import OVERVIEW
from ..burn import FAST, SLOW, Burn, burning
from ..config import PackConfig
from ..figure import FACTOR, PERCENT, Alert, Figure, Graph, Stat, Subject, Table
from ..names import Label, differs, equals
from ..panels import COUNT, PER_MINUTE, SECONDS, SHARE, WHOLE, Column, Limit, Query
from ..recording import WINDOW
from ..selection import Selection, over_all, over_range, over_time, series_name
from . import cost, degradation
from .conditions import FAILED, NO_RUNS

_UNAVAILABLE = (differs(own.OUTCOME, "error"), equals(own.DEGRADATION, "unavailable"))


def not_served(over: Selection, /, *by: Label) -> q.Expr:
    """Runs that ended in an error, or whose user got nothing; 0 where there were other runs only."""
    none = over.growth(own.RUNS, *by) * 0
    failed, unavailable = (over.growth(own.RUNS, *by, where=where) for where in (FAILED, _UNAVAILABLE))
    return (failed | none) + (unavailable | none)


def run_rate(config: PackConfig) -> q.Recorded:
    """Runs a second, by service and agent."""
    expr = over_all(config, WINDOW).growth(own.RUNS, config.service, genai.AGENT_NAME)
    return q.Recorded("agentobs:runs:rate5m", expr, "Agent runs a second.")


def not_served_rate(config: PackConfig) -> q.Recorded:
    """Runs a second that did not serve the user, by service and agent."""
    expr = not_served(over_all(config, WINDOW), config.service, genai.AGENT_NAME)
    return q.Recorded("agentobs:runs_not_served:rate5m", expr, "Agent runs a second that did not serve the user.")


def served(config: PackConfig) -> Figure:
    """Share of the runs that served the user, with the alerts on its error budget."""
    by, keys = (config.service, genai.AGENT_NAME), (own.OUTCOME,)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.match("-", q.Number(1), not_served(over, *by) / (over.growth(own.RUNS, *by) > 0))

    def failing(burns: tuple[Burn, ...]) -> q.Expr:
        return burning(config, not_served_rate(config), run_rate(config), 1 - config.slo.runs, burns)

    outcomes = over_time(config).growth(own.RUNS, *keys) * 60
    return Figure(
        measure=measure,
        unit=SHARE,
        empty=NO_RUNS,
        limit=Limit(config.slo.runs, "below"),
        stat=Stat(
            "Runs that served",
            "Share of the agent runs in the time range that served their user: neither failed nor left the user with "
            "nothing. Retried calls and good fallbacks do not count against it. Red below the objective.",
            decimals=2,
        ),
        graph=Graph(
            "Runs by outcome",
            "Agent runs per minute by how they ended.",
            queries=(Query(outcomes, series_name(config, *keys)),),
            unit=PER_MINUTE,
            limited=False,
            stack="normal",
        ),
        alerts=(
            Alert(
                name="AgentObsRunsBurnFast",
                expr=failing(FAST),
                by=by,
                for_="2m",
                severity="critical",
                summary="Runs of an agent fail so often that the error budget of 30 days is gone within days.",
                description=f"{PERCENT} of the runs of {{1}} in {{0}} did not serve their user.",
                meaning="The share of runs that raised an error, or ended with nothing for the user, burns the budget of "
                "`slo.runs` at 14.4 times (1 h and 5 min) or 6 times (6 h and 30 min) the rate that would spend it in "
                "30 days. The calls of the agent may all succeed: it is the run that fails.",
                impact="Users of the agent get nothing.",
                check=(
                    "Do model calls fail, tools, or neither? See model calls by outcome and failures by tool.",
                    "Neither: the agent's own code. Look at traces of runs with an error; the collector keeps them.",
                    "Did a deployment go out when it began?",
                ),
                fix=(
                    "Deployment: roll back.",
                    "Provider or tool down: a fallback in its place, and a notice to the user.",
                ),
                options=("slo.runs", "slo.minimum_bad"),
            ),
            Alert(
                name="AgentObsRunsBurnSlow",
                expr=failing(SLOW),
                by=by,
                for_="1h",
                severity="warning",
                summary="Runs of an agent fail more often than the error budget allows in the long run.",
                description=f"{PERCENT} of the runs of {{1}} in {{0}} did not serve their user.",
                meaning="The share of runs that did not serve burns the budget of `slo.runs` at 3 times (1 d and 2 h) or "
                "at the very rate (3 d and 6 h) that spends it in 30 days.",
                impact="No outage, but the objective will be missed if nothing changes.",
                check=("Which errors end most of the runs, and since which change?",),
                fix=("Treat the most frequent error first; give what fails a fallback.",),
                options=("slo.runs", "slo.minimum_bad"),
            ),
        ),
    )


def duration(config: PackConfig) -> Figure:
    """How long runs take."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.quantile(0.95, genai.AGENT_DURATION, *by)

    return Figure(
        measure=measure,
        unit=SECONDS,
        empty=NO_RUNS,
        stat=Stat("Run duration, p95", "95 % of the agent runs in the time range took less than this."),
        graph=Graph(
            "Duration of runs",
            "How long agent runs take, from beginning to end: median and slow ends; the dots are single runs that lead "
            "to their traces.",
            queries=over_time(config).percentiles(genai.AGENT_DURATION),
        ),
    )


def calls_per_run(config: PackConfig) -> Figure:
    """Model calls of a run, with the alert on their growth."""
    limits, by = config.thresholds, (config.service, genai.AGENT_NAME)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.mean(genai.AGENT_INFERENCE_CALLS, *by)

    hour, day = over_all(config, "1h"), over_all(config, "1d")
    in_both = (
        q.sum_by(q.increase(genai.AGENT_INFERENCE_CALLS, "1h", part="count"), *by),
        q.sum_by(q.increase(genai.AGENT_INFERENCE_CALLS, "1d", part="count", offset="1h"), *by),
    )
    growth = measure(hour, *by) / day.mean(genai.AGENT_INFERENCE_CALLS, *by, offset="1h")
    return Figure(
        measure=measure,
        unit=COUNT,
        empty=NO_RUNS,
        graph=Graph(
            "Calls of a run",
            f"Mean number of model calls of an agent run. The alert fires where an hour has {limits.calls_growth:g} times "
            "those of the day before: a loop, most likely.",
            by=by,
        ),
        alerts=(
            Alert(
                name="AgentObsCallsPerRun",
                expr=chance.grown(growth, limits.calls_growth, *in_both),
                by=by,
                for_="5m",
                severity="warning",
                summary="Runs of an agent make many more model calls than the day before.",
                description=f"A run of {{1}} in {{0}} makes {FACTOR} times the model calls of the day before.",
                meaning="The mean number of model calls of a run in an hour is more than `thresholds.calls_growth` times "
                "that of the day before it, and more than chance makes of so few runs: 100 an hour show three times the "
                "calls, 25 eight times.",
                impact="Cost and duration rise with it; an agent that does not come to an end spends without limit.",
                check=(
                    "A trace of a long run: which call or tool comes again and again?",
                    "Was the prompt, the model or a tool changed?",
                ),
                fix=("Undo the change; set a limit of steps for a run.",),
                options=("thresholds.calls_growth",),
            ),
        ),
    )


def runs(config: PackConfig) -> Figure:
    """Every agent with its runs."""
    agent, over = genai.AGENT_NAME, over_range(config)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.RUNS, *by)

    return Figure(
        measure=measure,
        unit=WHOLE,
        empty=NO_RUNS,
        table=Table(
            "Agents",
            "Every agent in the time range: its runs, how many served their user, how many were degraded, how long they "
            "took and what they cost. Cost is of runs whose calls are all priced.",
            ((agent, "Agent"),),
            row=(OVERVIEW, "agent"),
            columns=(
                Column("Runs", measure(over, agent), WHOLE),
                served(config).column("Served", config, agent),
                degradation.degraded(config).column("Degraded", config, agent),
                Column("p95 duration", over.quantile(0.95, genai.AGENT_DURATION, agent), SECONDS),
                cost.per_run(config).column("Cost of a run", config, agent),
            ),
        ),
    )


SUBJECT = Subject("agents", "Agents", OVERVIEW, (served, duration, calls_per_run, runs))
