"""What the agent decides, how sure it is, and what people say of it."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..config import PackConfig
from ..names import LE, Matcher, equals
from ..panels import PER_MINUTE, SHARE, WHOLE, Column, Limit, Panel, Query, Row, View, graph, stat, table
from . import figures
from .figures import FROM_USERS, NO_DECISIONS, NO_FEEDBACK
from .scope import ALL, DECISIONS, Scope, W

# Ratings are rare: a shorter window jumps between all and nothing.
_SMOOTH = "1h"
_ESCALATED = (equals(own.DECISION_OUTCOME, "escalated"),)
_AUTONOMOUS = (equals(own.DECISION_OUTCOME, "autonomous"),)


def view(config: PackConfig) -> View:
    scope = Scope(config)
    return scope.view(
        DECISIONS,
        "Agents: decisions and feedback",
        "What the agent decides, how sure it is, and what people say of it.",
        Row(
            "",
            (
                _decisions(scope),
                _share(
                    scope, "Decided alone", "Share of the decisions in the time range that no person saw.", _AUTONOMOUS
                ),
                _escalated(scope),
                _confidence(scope),
                _ratings(scope),
                figures.satisfaction(scope),
                _change(scope),
                _rejections(scope),
            ),
        ),
        Row("Decisions", (_outcomes(scope), _kinds(scope), _distribution(scope))),
        Row("", (_by_kind_table(scope),)),
        Row("Feedback", (_against_baseline(scope), _by_model(scope), _by_level(scope))),
        Row("", (_labels(scope), _by_source(scope))),
    )


def _decisions(scope: Scope) -> Panel:
    return stat(
        "Decisions",
        "Decisions in the time range.",
        scope.total(own.DECISIONS),
        WHOLE,
        nothing=NO_DECISIONS,
    )


def _share(scope: Scope, title: str, description: str, where: tuple[Matcher, ...], limit: Limit | None = None) -> Panel:
    return stat(
        title,
        description,
        q.share(scope.total(own.DECISIONS, where=where), scope.total(own.DECISIONS)),
        SHARE,
        nothing=NO_DECISIONS,
        limit=limit,
        decimals=1,
    )


def _escalated(scope: Scope) -> Panel:
    return _share(
        scope,
        "Escalated",
        "Share of the decisions in the time range that were handed to a person.",
        _ESCALATED,
        Limit(scope.config.thresholds.escalated_share),
    )


def _confidence(scope: Scope) -> Panel:
    return stat(
        "Confidence",
        "Median: half of the decisions in the time range were surer than this.",
        scope.quantile(0.5, own.DECISION_CONFIDENCE, window=ALL),
        SHARE,
        nothing="no confidence given",
        decimals=0,
    )


def _ratings(scope: Scope) -> Panel:
    return stat(
        "Ratings",
        "Feedback from users in the time range.",
        scope.total(own.FEEDBACK, where=FROM_USERS),
        WHOLE,
        nothing=NO_FEEDBACK,
    )


def _change(scope: Scope) -> Panel:
    return stat(
        "Vs last week",
        "Mean score of users in the day before, less that of the same day a week earlier, in points. Red below the "
        "limit of the alert.",
        scope.mean(own.FEEDBACK_SCORE, where=FROM_USERS, window="1d")
        - scope.mean(own.FEEDBACK_SCORE, where=FROM_USERS, window="1d", offset="7d"),
        SHARE,
        nothing="no baseline yet",
        limit=Limit(-scope.config.thresholds.feedback_drop, "below"),
        decimals=0,
    )


def _rejections(scope: Scope) -> Panel:
    return stat(
        "Rejected",
        "Requests to the feedback endpoint in the time range that were refused: forged, expired, too many, malformed.",
        q.or_zero(scope.total(own.FEEDBACK_REJECTED)),
        WHOLE,
        nothing="none",
    )


def _outcomes(scope: Scope) -> Panel:
    return graph(
        "Decisions by outcome",
        "Decisions per minute by what became of them: made alone, handed to a person, blocked by a rule, or not made.",
        PER_MINUTE,
        Query(scope.per_minute(own.DECISIONS, own.DECISION_OUTCOME), scope.name(own.DECISION_OUTCOME)),
        nothing=NO_DECISIONS,
        stack="normal",
        width=8,
    )


def _kinds(scope: Scope) -> Panel:
    return graph(
        "Decisions by kind",
        "Decisions per minute by what was decided, as the program names it.",
        PER_MINUTE,
        Query(scope.per_minute(own.DECISIONS, own.DECISION_KIND), scope.name(own.DECISION_KIND)),
        nothing=NO_DECISIONS,
        stack="normal",
        width=8,
    )


def _distribution(scope: Scope) -> Panel:
    metric = own.DECISION_CONFIDENCE
    buckets = q.sum_by(q.increase(metric, W, *scope.limits(metric), part="bucket"), LE)
    return Panel(
        kind="heatmap",
        title="Confidence distribution",
        description="How sure decisions were: each row is a band of confidence, bright cells hold the most decisions. "
        "A band that sinks over time means that the agent gets less sure.",
        unit=SHARE,
        width=8,
        height=8,
        nothing="no confidence given",
        queries=(Query(buckets, "{{le}}"),),
    )


def _against_baseline(scope: Scope) -> Panel:
    drop = scope.config.thresholds.feedback_drop
    before = scope.mean(own.FEEDBACK_SCORE, where=FROM_USERS, window="1d", offset="7d")
    return graph(
        "Satisfaction against last week",
        "Mean score of users: over the hour before, over the day before, and the same a week earlier. The alert fires "
        f"where the day is more than {drop:.0%} below the baseline.",
        SHARE,
        Query(scope.mean(own.FEEDBACK_SCORE, where=FROM_USERS, window=_SMOOTH), "now"),
        Query(scope.mean(own.FEEDBACK_SCORE, where=FROM_USERS, window="1d"), "over a day"),
        Query(before, "a week earlier"),
        Query(before - drop, "alert"),
        nothing=NO_FEEDBACK,
        top=1,
        width=8,
    )


def _by_model(scope: Scope) -> Panel:
    return graph(
        "Score by model",
        "Mean score of users over the hour before, by the model that answered them.",
        SHARE,
        Query(
            scope.mean(own.FEEDBACK_SCORE, genai.REQUEST_MODEL, where=FROM_USERS, window=_SMOOTH),
            scope.name(genai.REQUEST_MODEL),
        ),
        nothing=NO_FEEDBACK,
        top=1,
        width=8,
    )


def _by_level(scope: Scope) -> Panel:
    return graph(
        "Score by level of service",
        "Mean score of users over the hour before, by what they got: whether fallbacks and reduced answers please less "
        "than the full service.",
        SHARE,
        Query(
            scope.mean(own.FEEDBACK_SCORE, own.DEGRADATION, where=FROM_USERS, window=_SMOOTH),
            scope.name(own.DEGRADATION),
        ),
        nothing=NO_FEEDBACK,
        top=1,
        width=8,
    )


def _labels(scope: Scope) -> Panel:
    keys = (genai.EVALUATION_NAME, genai.SCORE_LABEL)
    return graph(
        "Feedback by label",
        "Feedback per minute by what was rated and by the word that was given.",
        PER_MINUTE,
        Query(scope.per_minute(own.FEEDBACK, *keys), scope.name(*keys)),
        nothing=NO_FEEDBACK,
        stack="normal",
        width=12,
    )


def _by_source(scope: Scope) -> Panel:
    return graph(
        "Score by source",
        "Mean score over the hour before, by who rated: users, what they did without saying so (implicit), reviewers, "
        "code, or another model.",
        SHARE,
        Query(scope.mean(own.FEEDBACK_SCORE, own.FEEDBACK_SOURCE, window=_SMOOTH), scope.name(own.FEEDBACK_SOURCE)),
        nothing=NO_FEEDBACK,
        top=1,
        width=12,
    )


def _by_kind_table(scope: Scope) -> Panel:
    keys = (genai.AGENT_NAME, own.DECISION_KIND)
    total = scope.total(own.DECISIONS, *keys)
    return table(
        "Kinds of decisions",
        "Every kind of decision in the time range: how often, how much of it was handed to a person, how sure it was.",
        ((genai.AGENT_NAME, "Agent"), (own.DECISION_KIND, "Kind")),
        Column("Decisions", total, WHOLE),
        Column(
            "Escalated",
            q.share(scope.total(own.DECISIONS, *keys, where=_ESCALATED), total),
            SHARE,
            Limit(scope.config.thresholds.escalated_share),
        ),
        Column("Confidence", scope.mean(own.DECISION_CONFIDENCE, *keys, window=ALL), SHARE),
        nothing=NO_DECISIONS,
        height=7,
    )
