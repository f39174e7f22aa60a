"""Tools: which fail, and how long they take."""

from __future__ import annotations

from agentobs.catalogue import genai

from .. import promql as q
from ..boards import OVERVIEW
from ..config import PackConfig
from ..figure import PERCENT, Alert, Figure, Graph, Stat, Subject
from ..names import Label, differs
from ..panels import SHARE, Limit
from ..selection import Selection, over_all

_FAILED = (differs(genai.ERROR_TYPE, ""),)


def failed(config: PackConfig) -> Figure:
    """Share of the tool calls that failed, with the alert on it."""
    limits, by = config.thresholds, (config.service, genai.TOOL_NAME)
    limit, window = Limit(limits.tool_error_share), "10m"

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        bad = over.growth(genai.TOOL_DURATION, *by, where=_FAILED, part="count")
        return q.share(bad, over.growth(genai.TOOL_DURATION, *by, part="count"))

    failures = q.sum_by(q.increase(genai.TOOL_DURATION, window, *_FAILED, part="count"), *by)
    return Figure(
        measure=measure,
        unit=SHARE,
        empty="no tool calls yet",
        limit=limit,
        decimals=1,
        stat=Stat("Failed tool calls", "Share of the tool calls in the time range that failed."),
        graph=Graph(
            "Failed tool calls by tool",
            "Share of the calls of each tool that failed. The dashed line is the limit of the alert.",
            by=by,
        ),
        alerts=(
            Alert(
                name="AgentObsToolErrors",
                expr=limit.past(measure(over_all(config, window), *by)) & (failures >= limits.minimum_failures),
                by=by,
                for_="5m",
                severity="warning",
                summary="A tool fails in a large share of its calls.",
                description=f"{PERCENT} of the calls of the tool {{1}} in {{0}} in 10 minutes failed.",
                meaning="More than `thresholds.tool_error_share` of the calls of one tool raised an error, and at least "
                "`thresholds.minimum_failures` of them. Runs may go on without it: agents try again, or answer anyway.",
                impact="Answers are made up or worse without what the tool knows; runs take longer and cost more.",
                check=(
                    "The error types of the tool's spans.",
                    "What the tool calls: is it down, or was its interface changed?",
                ),
                fix=("Repair what the tool calls, or take the tool away from the agent until it works.",),
                options=("thresholds.tool_error_share", "thresholds.minimum_failures"),
            ),
        ),
    )


SUBJECT = Subject("tools", "Tools", OVERVIEW, (failed,))
