"""`fallback()` and `notice()`: something else answers, and the user is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..catalogue import own
from ..catalogue.values import LEVELS, FallbackKind, FallbackReason, Level, NoticeKind
from ..records.fallbacks import Fallback
from .arguments import emit, one_of
from .block import Block, Opened

if TYPE_CHECKING:
    from ..emit import Emitters

_LEVEL_OF_KIND: dict[str, Level] = {
    "model": "fallback_model",
    "function": "reduced",
    "cache": "reduced",
    "static": "static",
    "human": "reduced",
    "none": "unavailable",
}


class FallbackBlock(Block):
    """The time in which something else answers; counts as a success unless the code inside raises."""

    _stage = "fallback"

    def __init__(self, fallback: Fallback) -> None:
        super().__init__()
        self._fallback = fallback

    def _fresh(self) -> FallbackBlock:
        return FallbackBlock(self._fallback)

    def _open(self, emitters: Emitters) -> Opened:
        return emitters.fallbacks.open(self._fallback)


def reason_of(error: BaseException) -> FallbackReason:
    """Why something has to fall back, told from the exception of the first choice; `other` where that is not clear."""
    from ..integrations.errors import class_of

    if type(error).__name__ == "CircuitBreakerError":
        return "circuit_open"
    status = getattr(error, "status_code", None)
    body = getattr(error, "body", None)
    reported = body.get("error", body) if isinstance(body, dict) else None
    codes = tuple(reported.get(key) for key in ("code", "type")) if isinstance(reported, dict) else ()
    return class_of(status if isinstance(status, int) else None, codes, error, str(error))


def fallback(
    name: str,
    *,
    kind: FallbackKind = "model",
    reason: FallbackReason | BaseException = "other",
    level: Level | None = None,
    origin: str | None = None,
    target: str | None = None,
) -> FallbackBlock:
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
    one_of("kind", kind, own.FALLBACK_KIND.values)
    one_of("reason", reason, own.FALLBACK_REASON.values)
    level_ = level if level is not None else _LEVEL_OF_KIND[kind]
    one_of("level", level_, LEVELS)
    return FallbackBlock(Fallback(name, kind, reason, level_, origin, target))


def notice(kind: NoticeKind = "degraded") -> None:
    """Note that the user was told what they get: degraded, fallback, unavailable, escalated, ai_disclosure.

    Raises:
        ValueError: a kind that is not allowed.
    """
    one_of("kind", kind, own.NOTICE_KIND.values)
    emit("notice", lambda emitters: emitters.fallbacks.notice(kind))
