"""What people say of answers and decisions."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import chance
from .. import promql as q
from ..boards import DECISIONS
from ..config import PackConfig
from ..figure import POINTS, Alert, Figure, Graph, Stat, Subject
from ..names import Label, equals
from ..panels import PER_MINUTE, SHARE, WHOLE, Limit, Query
from ..recording import grown
from ..selection import Selection, over_all, over_range, over_time, series_name

_FROM_USERS = (equals(own.FEEDBACK_SOURCE, "end_user"),)
_NO_FEEDBACK = "no feedback yet"
_SMOOTH = "1h"
"""Ratings are rare: a shorter window jumps between all and nothing."""


def _score(over: Selection, /, *by: Label) -> q.Expr:
    """Mean score that users gave."""
    return over.mean(own.FEEDBACK_SCORE, *by, where=_FROM_USERS)


def _score_before(over: Selection, offset: str, *by: Label) -> q.Expr:
    return over.mean(own.FEEDBACK_SCORE, *by, where=_FROM_USERS, offset=offset)


def satisfaction(config: PackConfig) -> Figure:
    """Mean score that users gave, by the model that answered them."""
    keys = (genai.REQUEST_MODEL,)
    return Figure(
        measure=_score,
        unit=SHARE,
        empty=_NO_FEEDBACK,
        stat=Stat(
            "Satisfaction",
            "Mean score that users gave in the time range, from 0 (bad) to 100 % (good).",
            decimals=0,
        ),
        graph=Graph(
            "Score by model",
            "Mean score of users over the hour before, by the model that answered them.",
            queries=(Query(_score(over_time(config, _SMOOTH), *keys), series_name(config, *keys)),),
            top=1,
        ),
    )


def against_last_week(config: PackConfig) -> Figure:
    """The score of users beside that of a week ago, with the alert on its fall."""
    by = (config.service, genai.EVALUATION_NAME)
    hour, day, drop = over_time(config, _SMOOTH), over_time(config, "1d"), config.thresholds.feedback_drop
    before = _score_before(day, "7d")
    everywhere = over_all(config, "1d")
    ratings, ratings_before = (
        q.sum_by(q.increase(own.FEEDBACK_SCORE, "1d", *_FROM_USERS, part="count", offset=offset), *by)
        for offset in ("", "1w")
    )

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return _score(over, *by) - _score_before(over, "7d", *by)

    return Figure(
        measure=measure,
        unit=SHARE,
        empty=_NO_FEEDBACK,
        limit=Limit(-drop, "below"),
        stat=Stat(
            "Vs last week",
            "Mean score of users in the day before, less that of the same day a week earlier, in points. Red below the "
            "limit of the alert.",
            measure(day),
            empty="no baseline yet",
            decimals=0,
        ),
        graph=Graph(
            "Satisfaction against last week",
            "Mean score of users: over the hour before, over the day before, and the same a week earlier. The alert "
            f"fires where the day is more than {drop:.0%} below the baseline.",
            queries=(
                Query(_score(hour), "now"),
                Query(_score(day), "over a day"),
                Query(before, "a week earlier"),
                Query(before - drop, "alert"),
            ),
            limited=False,
            top=1,
        ),
        alerts=(
            Alert(
                name="AgentObsFeedbackDrop",
                expr=chance.fallen(
                    _score_before(everywhere, "1w", *by) - _score(everywhere, *by), drop, ratings, ratings_before
                ),
                by=by,
                for_="15m",
                severity="warning",
                summary="Users rate answers much lower than a week ago.",
                description=f"The mean score of {{1}} in {{0}} is {POINTS} (on a scale of 0 to 1) below that of a week "
                "ago.",
                meaning="The mean score that users gave in a day is more than `thresholds.feedback_drop` below that of "
                "the same day a week ago, and by more than chance makes of so few ratings: 400 a day show a fall of 0.15, "
                "100 one of 0.28, 30 one of 0.52.",
                impact="Something that users notice has become worse, whatever the other figures say.",
                check=(
                    "Score by model and by level of service: is it a new model, or a fallback?",
                    "Read the traces of badly rated answers; the collector keeps them.",
                ),
                fix=("Undo the change of model, prompt or tools that goes with the fall.",),
                options=("thresholds.feedback_drop",),
            ),
        ),
    )


def by_level(config: PackConfig) -> Figure:
    """Mean score that users gave, by what they got."""
    keys = (own.DEGRADATION,)
    return Figure(
        measure=_score,
        unit=SHARE,
        empty=_NO_FEEDBACK,
        graph=Graph(
            "Score by level of service",
            "Mean score of users over the hour before, by what they got: whether fallbacks and reduced answers please "
            "less than the full service.",
            queries=(Query(_score(over_time(config, _SMOOTH), *keys), series_name(config, *keys)),),
            top=1,
        ),
    )


def by_rater(config: PackConfig) -> Figure:
    """Mean score, by who gave it."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.mean(own.FEEDBACK_SCORE, *by)

    keys = (own.FEEDBACK_SOURCE,)
    return Figure(
        measure=measure,
        unit=SHARE,
        empty=_NO_FEEDBACK,
        graph=Graph(
            "Score by source",
            "Mean score over the hour before, by who rated: users, what they did without saying so (implicit), "
            "reviewers, code, or another model.",
            queries=(Query(measure(over_time(config, _SMOOTH), *keys), series_name(config, *keys)),),
            top=1,
        ),
    )


def given(config: PackConfig) -> Figure:
    """Feedback that came in."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.FEEDBACK, *by)

    return Figure(
        measure=measure,
        unit=WHOLE,
        empty=_NO_FEEDBACK,
        stat=Stat(
            "Ratings",
            "Feedback from users in the time range.",
            over_range(config).growth(own.FEEDBACK, where=_FROM_USERS),
        ),
        graph=Graph(
            "Feedback by label",
            "Feedback per minute by what was rated and by the word that was given.",
            by=(genai.EVALUATION_NAME, genai.SCORE_LABEL),
            unit=PER_MINUTE,
            stack="normal",
        ),
    )


def refused(config: PackConfig) -> Figure:
    """Requests that the feedback endpoint refused."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.FEEDBACK_REJECTED, *by)

    return Figure(
        measure=measure,
        unit=WHOLE,
        empty="none",
        stat=Stat(
            "Rejected",
            "Requests to the feedback endpoint in the time range that were refused: forged, expired, too many, "
            "malformed.",
            q.or_zero(measure(over_range(config))),
        ),
    )


def storage(config: PackConfig) -> Figure:
    """Ratings on their way into the store of the endpoint, with the alert on its failing."""
    failed_by, over = (config.service, own.FEEDBACK_STORAGE_ERROR), over_time(config)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.FEEDBACK_STORAGE, *by)

    return Figure(
        measure=measure,
        unit=WHOLE,
        empty="no store",
        graph=Graph(
            "Feedback into the store",
            "Ratings per minute by what became of them: stored; spooled, because the store was out of reach, and sent "
            "when it was back; refused, which the sender is told; lost, because the store will never take it; and the "
            "failures of the store by reason.",
            queries=(
                Query(
                    measure(over, own.FEEDBACK_STORAGE_OUTCOME) * 60, series_name(config, own.FEEDBACK_STORAGE_OUTCOME)
                ),
                Query(
                    over.growth(own.FEEDBACK_STORAGE_ERRORS, own.FEEDBACK_STORAGE_ERROR) * 60,
                    f"failed: {series_name(config, own.FEEDBACK_STORAGE_ERROR)}",
                ),
            ),
            unit=PER_MINUTE,
        ),
        alerts=(
            Alert(
                name="AgentObsFeedbackStoreFailing",
                expr=grown(config, own.FEEDBACK_STORAGE_ERRORS, "10m", *failed_by) > 0,
                by=failed_by,
                for_="15m",
                severity="warning",
                summary="The store of feedback fails.",
                description="The store of feedback of {0} has failed for 15 minutes: {1}.",
                meaning="The feedback endpoint could not use its database again and again. What comes meanwhile waits "
                "in a spool on the machine that took it, which is bounded; with `strict`, or where the spool is full, "
                "it is refused with 503 and the widget tries again.",
                impact="Ratings are missing in the store and in the figures until it is back; those refused for good "
                "when the sender has gone.",
                check=(
                    "The reason in the description, and the log of the service, which says it once.",
                    "`spooled` against `sent` in the panel: how many wait.",
                    "unreachable, timeout: does the database answer? full, io, spool_full: is there room on the disk? "
                    "schema: was agentobs updated? denied: does the account have its rights?",
                ),
                fix=(
                    "Bring the database back: what waits goes out by itself, and nothing else is to be done.",
                    "schema: run `agentobs feedback migrate`.",
                ),
            ),
        ),
    )


SUBJECT = Subject(
    "feedback",
    "Feedback",
    DECISIONS,
    (against_last_week, satisfaction, by_level, by_rater, given, refused, storage),
)
