"""What somebody says of an answer."""

from __future__ import annotations

from dataclasses import dataclass

from ..catalogue.values import FeedbackSource


@dataclass(frozen=True, slots=True)
class Rated:
    """What feedback is about. Without ids the answer was in no trace.

    `trace_id` and `span_id` are the ids of the span that is rated, in hexadecimal, `sampled` whether its trace was kept;
    `response_id` is the provider's id of the answer.
    """

    trace_id: str | None = None
    span_id: str | None = None
    sampled: bool = False
    conversation_id: str | None = None
    agent: str | None = None
    model: str | None = None
    level: str | None = None
    response_id: str | None = None


@dataclass(frozen=True, slots=True)
class Content:
    """What a rating is counted as: its score and its label."""

    value: float | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What somebody says of `rated`: `value` is a number (0 to 1 for the score metric), `label` a word; one of both.

    Without ids in `rated` the current span is meant, or none where `remote` says that the feedback came from outside and
    has nothing to do with the current span and run. `revision` is 0 for the first word on it. `free_label` is true for a
    label that somebody outside has made up: it goes into the event and not into the metrics. `previous` is what the
    revision before was counted as, `withdrawn` is true where there is nothing in its place; `correction` is the answer as
    it should have been.
    """

    name: str
    value: float | None = None
    label: str | None = None
    comment: str | None = None
    source: FeedbackSource = "end_user"
    id: str | None = None
    revision: int = 0
    late: bool = False
    rated: Rated = Rated()
    remote: bool = False
    free_label: bool = False
    withdrawn: bool = False
    previous: Content = Content()
    correction: str | None = None
