"""`decision()`: the agent decided."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from ..catalogue import own
from ..catalogue.values import DecisionOutcome
from ..records.decisions import Decision
from .arguments import emit, is_number, one_of


def _check_fraction(option: str, value: float | None) -> None:
    if value is not None and not (is_number(value) and 0 <= value <= 1):
        raise ValueError(f"{option}={value!r} is not allowed; allowed is a number from 0 to 1")


def decision(
    kind: str,
    chosen: str,
    *,
    outcome: DecisionOutcome = "autonomous",
    alternatives: Iterable[str] = (),
    confidence: float | None = None,
    confidence_source: str | None = None,
    reason: str | None = None,
    policy: str | None = None,
) -> str:
    """Note that the agent decided: `decision("refund", "approve", confidence=0.93, confidence_source="verifier")`.

    Args:
        kind: what was decided, of a small number of kinds; it is a metric label.
        chosen: what was chosen; `alternatives` are what was not.
        outcome: autonomous, escalated (to a person), blocked (by a rule), abstained.
        confidence: 0 to 1, with its source (`self_consistency`, `logprobs`, ...); `None` where nobody measured it.
        reason: free text, kept only where content capture is on.
        policy: the policy that was applied, with its version.

    Returns:
        The id of the decision, new for each.

    Raises:
        ValueError: an outcome, a confidence or alternatives that are not allowed.
    """
    one_of("outcome", outcome, own.DECISION_OUTCOME.values)
    _check_fraction("confidence", confidence)
    if isinstance(alternatives, str):
        raise ValueError(f"alternatives={alternatives!r} is not allowed; allowed is a list of texts")  # noqa: TRY004
    made = Decision(
        uuid.uuid4().hex,
        kind,
        chosen,
        outcome,
        tuple(alternatives),
        reason,
        policy,
        None if confidence is None else float(confidence),
        confidence_source,
    )
    emit("decision", lambda emitters: emitters.decisions.emit(made))
    return made.id
