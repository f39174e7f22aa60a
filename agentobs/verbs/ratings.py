"""`feedback()`: somebody says something of an answer."""

from __future__ import annotations

from ..catalogue import own
from ..catalogue.values import LEVELS, FeedbackSource, Level
from ..records.feedback import Feedback, Rated
from .arguments import emit, is_number, one_of


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

    Raises:
        ValueError: neither value nor label, a value that is not a finite number, a source or level that is not allowed,
            one id without the other.
    """
    if value is None and label is None:
        raise ValueError("feedback() needs a value or a label")
    if value is not None and not is_number(value):
        raise ValueError(f"value={value!r} is not allowed; allowed is a finite number")
    one_of("source", source, own.FEEDBACK_SOURCE.values)
    if level is not None:
        one_of("level", level, LEVELS)
    if (trace_id is None) != (span_id is None):
        raise ValueError("feedback() needs trace_id and span_id together")
    for option, text, length in (("trace_id", trace_id, 32), ("span_id", span_id, 16)):
        if text is not None and (len(text) != length or any(c not in "0123456789abcdefABCDEF" for c in text)):
            raise ValueError(f"{option}={text!r} is not allowed; allowed are {length} hexadecimal digits")
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
    given = Feedback(name, None if value is None else float(value), label, comment, source, id, rated=rated)
    emit("feedback", lambda emitters: emitters.feedback.emit(given))
