"""What the program itself has to say: decisions, fallbacks, words to the user, feedback.

None of these can fail because of telemetry. An argument that is not allowed raises, so that a typing error is found in
the first test and not as an empty panel.
"""

from __future__ import annotations

import math
import numbers
import uuid
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, Literal

from . import guard, runtime
from .catalogue import Attribute, own
from .record import LEVELS, Decision, Fallback, Feedback
from .scope import Scope

Outcome = Literal["autonomous", "escalated", "blocked", "abstained"]
FallbackKind = Literal["model", "function", "cache", "static", "human", "none"]
Level = Literal["full", "fallback_model", "reduced", "static", "unavailable"]
NoticeKind = Literal["degraded", "fallback", "unavailable", "escalated", "ai_disclosure"]
Source = Literal["end_user", "implicit", "reviewer", "code", "llm"]

_LEVEL_OF_KIND = {
    "model": "fallback_model",
    "function": "reduced",
    "cache": "reduced",
    "static": "static",
    "human": "reduced",
    "none": "unavailable",
}


def _allowed(option: str, value: object, allowed: Iterable[str]) -> None:
    values = tuple(allowed)
    if value not in values:
        raise ValueError(f"{option}={value!r} is not allowed; allowed are {', '.join(values)}")


def _from(option: str, value: object, attribute: Attribute) -> None:
    _allowed(option, value, attribute.values)


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)


def _fraction(option: str, value: float | None) -> None:
    if value is not None and not (_is_number(value) and 0 <= value <= 1):
        raise ValueError(f"{option}={value!r} is not allowed; allowed is a number from 0 to 1")


def _emit(stage: str, work: Callable[[Any], None]) -> None:
    emitter = runtime.current()
    if emitter is not None:
        try:
            work(emitter.agents)
        except Exception as error:  # noqa: BLE001
            guard.failed(stage, error)


def decision(
    kind: str,
    chosen: str,
    *,
    outcome: Outcome = "autonomous",
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
    _from("outcome", outcome, own.DECISION_OUTCOME)
    _fraction("confidence", confidence)
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
    _emit("decision", lambda agents: agents.decision(made))
    return made.id


class FallbackScope(Scope):
    """The time in which something else answers; counts as a success unless the code inside raises."""

    _stage = "fallback"

    def __init__(self, fallback: Fallback) -> None:
        super().__init__()
        self._fallback = fallback

    def _fresh(self) -> FallbackScope:
        return FallbackScope(replace(self._fallback))

    def _open(self, agents: Any) -> Any:
        return agents.begin_fallback(self._fallback)

    def _close(self, agents: Any, outcome: str, error: BaseException | None, duration_s: float) -> None:
        # Whoever leaves a generator early has been served by it.
        served = outcome in ("success", "abandoned")
        self._fallback.outcome = "success" if served else "failure"
        agents.end_fallback(self._fallback, self._span, None if served else error)


def reason_of(error: BaseException) -> str:
    """Why something has to fall back, told from the exception of the first choice; `other` where that is not clear."""
    from .integrations.errors import class_of

    if type(error).__name__ == "CircuitBreakerError":
        return "circuit_open"
    status = getattr(error, "status_code", None)
    body = getattr(error, "body", None)
    said = body.get("error", body) if isinstance(body, dict) else None
    codes = tuple(said.get(key) for key in ("code", "type")) if isinstance(said, dict) else ()
    return class_of(status if isinstance(status, int) else None, codes, error, str(error))


def fallback(
    name: str,
    *,
    kind: FallbackKind = "model",
    reason: str | BaseException = "other",
    level: Level | None = None,
    origin: str | None = None,
    target: str | None = None,
) -> FallbackScope:
    """Something else answers than what should have: `with fallback("answer", reason=error, target="claude-haiku-4-5"):`.

    Args:
        name: the chain of fallbacks, of a small number; it is a metric label.
        kind: model, function, cache, static, human or none (nothing can answer).
        reason: why, as a word of the catalogue or as the exception that the first choice raised.
        level: what the user gets: fallback_model, reduced, static, unavailable; without it, what the kind implies.
        origin, target: what should have answered and what does; metric labels, so names of models, not of users.

    Raises:
        ValueError: a kind, reason or level that is not allowed.
    """
    if isinstance(reason, BaseException):
        reason = reason_of(reason)
    _from("kind", kind, own.FALLBACK_KIND)
    _from("reason", reason, own.FALLBACK_REASON)
    level_ = level if level is not None else _LEVEL_OF_KIND[kind]
    _allowed("level", level_, LEVELS)
    return FallbackScope(Fallback(name, kind, reason, level_, origin, target))


def notice(kind: NoticeKind = "degraded") -> None:
    """Note that the user was told what they get: degraded, fallback, unavailable, escalated, ai_disclosure.

    Raises:
        ValueError: a kind that is not allowed.
    """
    _from("kind", kind, own.NOTICE_KIND)
    _emit("notice", lambda agents: agents.notice(kind))


def feedback(
    name: str = "user_feedback",
    *,
    value: float | None = None,
    label: str | None = None,
    comment: str | None = None,
    source: Source = "end_user",
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
    if value is not None and not _is_number(value):
        raise ValueError(f"value={value!r} is not allowed; allowed is a finite number")
    _from("source", source, own.FEEDBACK_SOURCE)
    if level is not None:
        _allowed("level", level, LEVELS)
    if (trace_id is None) != (span_id is None):
        raise ValueError("feedback() needs trace_id and span_id together")
    for option, text, length in (("trace_id", trace_id, 32), ("span_id", span_id, 16)):
        if text is not None and (len(text) != length or any(c not in "0123456789abcdefABCDEF" for c in text)):
            raise ValueError(f"{option}={text!r} is not allowed; allowed are {length} hexadecimal digits")
    said = Feedback(
        name,
        None if value is None else float(value),
        label,
        comment,
        source,
        id,
        response_id=response_id,
        trace_id=trace_id,
        span_id=span_id,
        agent=agent,
        model=model,
        level=level,
        conversation_id=conversation_id,
    )
    _emit("feedback", lambda agents: agents.ratings.emit(said))
