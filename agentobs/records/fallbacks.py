"""What happens when the first choice does not serve: retries and fallbacks."""

from __future__ import annotations

from dataclasses import dataclass

from ..catalogue.values import FallbackKind, FallbackReason, Level, RetryLayer


@dataclass(frozen=True, slots=True)
class Fallback:
    """Something else answers, or tries to, than what should have (`origin`): `target`, at the service level `level`."""

    name: str
    kind: FallbackKind
    reason: FallbackReason
    level: Level
    origin: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt is made again. `cause` is what the failed one got: its HTTP status, else timeout, connection, ...

    `layer` says who retries: the client library (`sdk`), a framework, or the program (`app`).
    """

    cause: str
    layer: RetryLayer = "sdk"
