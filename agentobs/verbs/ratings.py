"""`feedback()`: somebody says something of an answer."""

from __future__ import annotations

from ..catalogue import own
from ..catalogue.values import LEVELS, FeedbackSource, Level
from ..records.feedback import Feedback, Rated
from .arguments import emit, is_number, not_allowed, one_of, text_or_unknown, unknown

_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


def feedback(
    name: str = "user_feedback",
    *,
    value: float | None = None,
    label: str | None = None,
    comment: str | None = None,
    source: FeedbackSource = "end_user",
    id: str | None = None,  # noqa: A002  the word of the endpoint's contract
    response_id: str | None = None,
    trace_id: str | None = None,
    span_id: str | None = None,
    agent: str | None = None,
    model: str | None = None,
    level: Level | None = None,
    conversation_id: str | None = None,
) -> None:
    """Note what somebody says of an answer: `feedback(label="thumbs_down", value=0)`.

    Args:
        name: what is rated, of a small number of names; it is a metric label.
        value: the score; from 0 to 1 it goes into the score histogram, and any number into the event.
        label: the score in a word, of a small number of words.
        comment: free text; secrets and personal data are replaced before it goes into the event.
        source: end_user, implicit, reviewer, code or llm.
        response_id: the provider's id of the answer, where that is what is known.
        trace_id, span_id: the rated span in hexadecimal; without them the current one.
        agent, model, level, conversation_id: what answered, how much of the service it gave, and where; without
            trace_id, what is not given is taken from the current run.

    Values that cannot be taken, as they come from a model or a user, are kept as unknown; a rating of which nothing is
    left is dropped.

    Raises:
        ValueError: a source or level that is not allowed.
    """
    one_of("source", source, own.FEEDBACK_SOURCE.values)
    if level is not None:
        one_of("level", level, LEVELS)
    score = _score(value)
    word = None if label is None else text_or_unknown("label", label)
    if score is None and word is None:
        if value is None and label is None:
            unknown("value", "feedback() needs a value or a label")
        return
    astray = not _are_ids(trace_id, span_id)
    if astray:
        # Not the current span either: nobody knows which answer is meant.
        trace_id = span_id = None
    rated = Rated(
        trace_id,
        span_id,
        sampled=trace_id is not None,
        conversation_id=conversation_id,
        agent=agent,
        model=model,
        level=level,
        response_id=response_id,
    )
    told = None if comment is None else text_or_unknown("comment", comment)
    given = Feedback(name, score, word, told, source, id, rated=rated, remote=astray)
    emit("feedback", lambda emitters: emitters.feedback.emit(given))


def _score(value: object) -> float | None:
    if value is None:
        return None
    if is_number(value):
        return float(value)
    unknown("value", not_allowed("value", value, "is a finite number"))
    return None


def _are_ids(trace_id: object, span_id: object) -> bool:
    """Whether these are the ids of a span, or no ids at all."""
    if trace_id is None and span_id is None:
        return True
    if trace_id is None or span_id is None:
        missing = "trace_id" if trace_id is None else "span_id"
        unknown(missing, "feedback() needs trace_id and span_id together")
        return False
    for option, text, length in (("trace_id", trace_id, 32), ("span_id", span_id, 16)):
        if not isinstance(text, str) or len(text) != length or set(text) - _HEXADECIMAL:
            unknown(option, not_allowed(option, text, f"are {length} hexadecimal digits"))
            return False
    return True
