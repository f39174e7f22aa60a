"""What agents decide, how sure they are, what they hand to people."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import chance
from .. import promql as q
from ..boards import DECISIONS
from ..config import PackConfig
from ..figure import PERCENT, Alert, Figure, Graph, Stat, Subject, Table
from ..names import LE, Label, equals
from ..panels import PER_MINUTE, SHARE, WHOLE, Column, Limit, Query
from ..selection import Selection, over_all, over_range, over_time, series_name

_ESCALATED = (equals(own.DECISION_OUTCOME, "escalated"),)
_AUTONOMOUS = (equals(own.DECISION_OUTCOME, "autonomous"),)
_NO_DECISIONS = "no decisions yet"
_NO_CONFIDENCE = "no confidence given"


def _made(over: Selection, /, *by: Label) -> q.Expr:
    return over.growth(own.DECISIONS, *by)


def made(config: PackConfig) -> Figure:
    """Decisions by kind."""
    keys, over = (genai.AGENT_NAME, own.DECISION_KIND), over_range(config)
    confidence = over.mean(own.DECISION_CONFIDENCE, *keys)
    return Figure(
        measure=_made,
        unit=WHOLE,
        empty=_NO_DECISIONS,
        stat=Stat("Decisions", "Decisions in the time range."),
        graph=Graph(
            "Decisions by kind",
            "Decisions per minute by what was decided, as the program names it.",
            by=(own.DECISION_KIND,),
            unit=PER_MINUTE,
            stack="normal",
        ),
        table=Table(
            "Kinds of decisions",
            "Every kind of decision in the time range: how often, how much of it was handed to a person, how sure it "
            "was.",
            ((genai.AGENT_NAME, "Agent"), (own.DECISION_KIND, "Kind")),
            (
                Column("Decisions", _made(over, *keys), WHOLE),
                escalated(config).column("Escalated", config, *keys),
                Column("Confidence", confidence, SHARE),
            ),
            height=7,
        ),
    )


def alone(config: PackConfig) -> Figure:
    """Share of the decisions that no person saw."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.share(over.growth(own.DECISIONS, *by, where=_AUTONOMOUS), _made(over, *by))

    return Figure(
        measure=measure,
        unit=SHARE,
        empty=_NO_DECISIONS,
        stat=Stat("Decided alone", "Share of the decisions in the time range that no person saw.", decimals=1),
    )


def escalated(config: PackConfig) -> Figure:
    """Share of the decisions that were handed to a person."""
    by = (config.service, genai.AGENT_NAME)
    limit, keys = Limit(config.thresholds.escalated_share), (own.DECISION_OUTCOME,)

    decided = q.sum_by(q.increase(own.DECISIONS, "1h"), *by)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.share(over.growth(own.DECISIONS, *by, where=_ESCALATED), _made(over, *by))

    return Figure(
        measure=measure,
        unit=SHARE,
        empty=_NO_DECISIONS,
        limit=limit,
        stat=Stat("Escalated", "Share of the decisions in the time range that were handed to a person.", decimals=1),
        graph=Graph(
            "Decisions by outcome",
            "Decisions per minute by what became of them: made alone, handed to a person, blocked by a rule, or not "
            "made.",
            queries=(Query(_made(over_time(config), *keys) * 60, series_name(config, *keys)),),
            unit=PER_MINUTE,
            limited=False,
            stack="normal",
        ),
        alerts=(
            Alert(
                name="AgentObsEscalationShare",
                expr=chance.past(measure(over_all(config, "1h"), *by), limit, decided)
                & (decided >= config.thresholds.minimum_calls),
                by=by,
                for_="15m",
                severity="warning",
                summary="An agent hands a large share of its decisions to people.",
                description=f"{PERCENT} of the decisions of {{1}} in {{0}} in an hour were escalated.",
                meaning="More than `thresholds.escalated_share` of the decisions were handed to a person, and by more than "
                "chance makes of so few: of 100 in an hour by 18 points, of 20 by 41.",
                impact="People behind the agent get more than they can do; users wait for them.",
                check=(
                    "Which kind of decision, and did its confidence fall?",
                    "Was a threshold, a policy or a model changed?",
                ),
                fix=(
                    "Confidence fell with a model or prompt: undo the change.",
                    "The cases are new: let people decide, and teach the agent from what they decide.",
                ),
                options=("thresholds.escalated_share", "thresholds.minimum_calls"),
            ),
        ),
    )


def confidence(config: PackConfig) -> Figure:
    """How sure decisions were."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.quantile(0.5, own.DECISION_CONFIDENCE, *by)

    counted = Selection(config, q.RATE_INTERVAL, "increase", filtered=True)
    buckets = counted.growth(own.DECISION_CONFIDENCE, LE, part="bucket")
    return Figure(
        measure=measure,
        unit=SHARE,
        empty=_NO_CONFIDENCE,
        stat=Stat("Confidence", "Median: half of the decisions in the time range were surer than this.", decimals=0),
        graph=Graph(
            "Confidence distribution",
            "How sure decisions were: each row is a band of confidence, bright cells hold the most decisions. A band "
            "that sinks over time means that the agent gets less sure.",
            queries=(Query(buckets, "{{le}}"),),
            type="heatmap",
        ),
    )


SUBJECT = Subject("decisions", "Decisions", DECISIONS, (escalated, made, alone, confidence))
