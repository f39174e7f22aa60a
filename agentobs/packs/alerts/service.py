"""Alerts on what users get: degraded runs, untold ones, escalations, falling satisfaction."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..config import PackConfig
from ..names import differs, equals
from .model import PERCENT, POINTS, Alert
from .providers import enough


def alerts(config: PackConfig) -> tuple[Alert, ...]:
    return (*_degradation(config), *_people(config))


def _degradation(config: PackConfig) -> tuple[Alert, ...]:
    limits, by = config.thresholds, (config.service, genai.AGENT_NAME)
    reduced = differs(own.DEGRADATION, "full")
    degraded = q.sum_by(q.rate(own.RUNS, "15m", reduced), *by)
    runs = q.sum_by(q.rate(own.RUNS, "15m"), *by)
    untold = q.sum_by(q.rate(own.RUNS, "1h", reduced, equals(own.NOTICE, "missing")), *by)
    degraded_hour = q.sum_by(q.rate(own.RUNS, "1h", reduced), *by)
    return (
        Alert(
            name="AgentObsFallbackShare",
            expr=(q.share(degraded, runs) > limits.fallback_share) & enough(own.RUNS, "15m", limits.minimum_calls, *by),
            by=by,
            for_="5m",
            severity="warning",
            summary="A large share of an agent's runs is not served in full.",
            description=f"{PERCENT} of the runs of {{1}} in {{0}} in 15 minutes were degraded.",
            meaning="More than `thresholds.fallback_share` of the runs ended on a fallback model, with reduced or canned "
            "answers, or unavailable.",
            impact="Users get answers, but worse ones; calls without error hide it.",
            check=("Which level, and why: fallbacks by reason.", "Which breaker is open, which provider fails?"),
            mend=(
                "Treat the reason: see AgentObsProviderErrors and AgentObsBreakerOpen.",
                "If the fallback is good enough for long, make it the first choice.",
            ),
            dashboard="breakers",
            panel="What users got",
            options=("thresholds.fallback_share", "thresholds.minimum_calls"),
        ),
        Alert(
            name="AgentObsDegradedUntold",
            expr=(q.share(untold, degraded_hour) > limits.missing_notice_share)
            & enough(own.RUNS, "1h", limits.minimum_calls, *by, where=(reduced,)),
            by=by,
            for_="5m",
            severity="warning",
            summary="Users of an agent get a degraded service and are not told.",
            description=f"{PERCENT} of the degraded runs of {{1}} in {{0}} in an hour had no notice to the user.",
            meaning="Runs were degraded, and in more than `thresholds.missing_notice_share` of them the program showed "
            "no notice.",
            impact="Users trust a weaker answer like a full one.",
            check=(
                "Which fallback has no notice? Look at traces of runs whose notice is `missing`.",
                "Did the notice get lost in a new user interface?",
            ),
            mend=("Show a notice on every path of the fallback ladder, and report it to agentobs.",),
            dashboard="breakers",
            panel="Degraded runs: was the user told",
            options=("thresholds.missing_notice_share", "thresholds.minimum_calls"),
        ),
    )


def _people(config: PackConfig) -> tuple[Alert, ...]:
    limits = config.thresholds
    agent, rated = (config.service, genai.AGENT_NAME), (config.service, genai.EVALUATION_NAME)
    escalated = q.sum_by(q.rate(own.DECISIONS, "1h", equals(own.DECISION_OUTCOME, "escalated")), *agent)
    decided = q.sum_by(q.rate(own.DECISIONS, "1h"), *agent)

    users = equals(own.FEEDBACK_SOURCE, "end_user")
    fall = q.mean(own.FEEDBACK_SCORE, "1d", users, by=rated, offset="1w") - q.mean(
        own.FEEDBACK_SCORE, "1d", users, by=rated
    )
    ratings = q.sum_by(q.increase(own.FEEDBACK_SCORE, "1d", users, part="count"), *rated)
    ratings_before = q.sum_by(q.increase(own.FEEDBACK_SCORE, "1d", users, part="count", offset="1w"), *rated)
    return (
        Alert(
            name="AgentObsEscalationShare",
            expr=(q.share(escalated, decided) > limits.escalated_share)
            & enough(own.DECISIONS, "1h", limits.minimum_calls, *agent),
            by=agent,
            for_="15m",
            severity="warning",
            summary="An agent hands a large share of its decisions to people.",
            description=f"{PERCENT} of the decisions of {{1}} in {{0}} in an hour were escalated.",
            meaning="More than `thresholds.escalated_share` of the decisions were handed to a person.",
            impact="People behind the agent get more than they can do; users wait for them.",
            check=(
                "Which kind of decision, and did its confidence fall?",
                "Was a threshold, a policy or a model changed?",
            ),
            mend=(
                "Confidence fell with a model or prompt: undo the change.",
                "The cases are new: let people decide, and teach the agent from what they decide.",
            ),
            dashboard="decisions",
            panel="Decisions by outcome",
            options=("thresholds.escalated_share", "thresholds.minimum_calls"),
        ),
        Alert(
            name="AgentObsFeedbackDrop",
            expr=(fall > limits.feedback_drop)
            & (ratings >= limits.minimum_ratings)
            & (ratings_before >= limits.minimum_ratings),
            by=rated,
            for_="15m",
            severity="warning",
            summary="Users rate answers much lower than a week ago.",
            description=f"The mean score of {{1}} in {{0}} is {POINTS} (on a scale of 0 to 1) below that of a week ago.",
            meaning="The mean score that users gave in a day is more than `thresholds.feedback_drop` below that of the "
            "same day a week ago, with enough ratings on both days.",
            impact="Something that users notice has become worse, whatever the other figures say.",
            check=(
                "Score by model and by level of service: is it a new model, or a fallback?",
                "Read the traces of badly rated answers; the collector keeps them.",
            ),
            mend=("Undo the change of model, prompt or tools that goes with the fall.",),
            dashboard="decisions",
            panel="Satisfaction against last week",
            options=("thresholds.feedback_drop", "thresholds.minimum_ratings"),
        ),
    )
