"""One rating as it is kept, and what a write says of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields


@dataclass(frozen=True, slots=True)
class Row:
    """One rating in its newest revision. Times are seconds of the epoch; `digest` is that of its content.

    `subject` is the rated answer. `previous_value` and `previous_label` are the content of the revision before. A rating
    that was withdrawn has a time `withdrawn_s` and no content.
    """

    key: str
    name: str
    id: str
    value: float | None
    label: str | None
    comment: str | None
    source: str
    agent: str | None
    model: str | None
    level: str | None
    conversation_id: str | None
    trace_id: str | None
    span_id: str | None
    digest: str
    created_s: float
    updated_s: float
    revision: int = 0
    subject: str | None = None
    correction: str | None = None
    withdrawn_s: float | None = None
    previous_value: float | None = None
    previous_label: str | None = None


COLUMNS = tuple(field.name for field in fields(Row))
CONTENT = ("value", "label", "comment", "correction", "source", "digest", "updated_s", "withdrawn_s")
"""The columns that a new revision replaces."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A rating on its way into the store, with what its telemetry needs and the store does not keep."""

    row: Row
    sampled: bool = True
    late: bool = False

    def to_json(self) -> str:
        """The submission as it waits in the spool."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Submission:
        """The submission that `to_json` wrote, by this version of agentobs or another one.

        Raises:
            ValueError: it is none.
        """
        try:
            members = json.loads(text)
            known = {name: value for name, value in members["row"].items() if name in COLUMNS}
            return cls(Row(**known), bool(members["sampled"]), bool(members["late"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not a submission") from error


@dataclass(frozen=True, slots=True)
class Revision:
    """What a rating is after a write: the number of its revision, and what the one before had as score and label.

    Agent, model and level are those of the first revision, so that what is taken out of a metric is what went into it.
    """

    number: int
    value: float | None = None
    label: str | None = None
    agent: str | None = None
    model: str | None = None
    level: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """A rate that all processes share: one more each `interval_s`, and as many at once as fit into `burst_s`."""

    key: str
    interval_s: float
    burst_s: float


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows an operator means: those that fit every condition that is given."""

    conversation_id: str | None = None
    trace_id: str | None = None
    key: str | None = None
    before_s: float | None = None

    @property
    def empty(self) -> bool:
        """Whether no condition is given."""
        return all(value is None for value in (self.conversation_id, self.trace_id, self.key, self.before_s))

    def fits(self, row: Row) -> bool:
        """Whether `row` is meant."""
        return (
            (self.conversation_id is None or row.conversation_id == self.conversation_id)
            and (self.trace_id is None or row.trace_id == self.trace_id)
            and (self.key is None or row.key == self.key)
            and (self.before_s is None or row.updated_s < self.before_s)
        )
