"""`decision()`: the agent decided."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from ..catalogue import own
from ..catalogue.values import DecisionOutcome
from ..records.decisions import Decision
from .arguments import emit, is_number, not_allowed, one_of, text_or_unknown, texts, unknown


def _fraction(value: object) -> float | None:
    if value is None:
        return None
    if is_number(value) and 0 <= value <= 1:
        return float(value)
    unknown("confidence", not_allowed("confidence", value, "is a number from 0 to 1"))
    return None


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

    A confidence, a choice or alternatives that cannot be taken, as they come from a model, are kept as unknown.

    Raises:
        ValueError: an outcome that is not allowed.
    """
    one_of("outcome", outcome, own.DECISION_OUTCOME.values)
    made = Decision(
        uuid.uuid4().hex,
        kind,
        text_or_unknown("chosen", chosen),
        outcome,
        texts("alternatives", alternatives),
        None if reason is None else text_or_unknown("reason", reason),
        None if policy is None else text_or_unknown("policy", policy),
        _fraction(confidence),
        confidence_source,
    )
    emit("decision", lambda emitters: emitters.decisions.emit(made))
    return made.id
