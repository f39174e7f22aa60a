"""Tokens: signed, expiring words of the server that say what their bearer may rate.

A token carries everything that the endpoint must know of the answer, so that feedback can be taken days later by another
process without looking anything up. It is signed, not encrypted: its bearer can read agent, model and level in it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import secrets as random
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import guard, process
from ..config import ConfigError
from ..context import RUN
from ..records.agents import Run
from ..records.feedback import Rated
from .contract import DEFAULT_NAMES, NAME

SECRET_ENV = "AGENTOBS_FEEDBACK_SECRET"  # noqa: S105  the name of the variable
SECRET_LEAST_BYTES = 32
TTL_S = 7 * 86_400
SKEW_S = 60
"""How far the clock of the process that made a token may be ahead of ours."""

_MOST_NAMES = 20
_LONGEST_TEXT = 200
MAKE_ONE = """make one with: python -c "import secrets; print(secrets.token_urlsafe(32))\""""


class BadTokenError(Exception):
    """A token that cannot be used; `code` is `forged` or `expired`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `subject` is what it rates, the same for every token of one span; `age_s` is since minting."""

    rated: Rated
    names: tuple[str, ...]
    subject: str
    age_s: float


class Signer:
    """Makes and reads tokens with a list of secrets: the first one signs, all of them are believed."""

    def __init__(self, secrets: Sequence[str]) -> None:
        try:
            from itsdangerous import BadData, URLSafeTimedSerializer
        except ImportError as error:
            raise ConfigError("feedback needs itsdangerous: pip install itsdangerous") from error
        self._bad = BadData
        self._serializer: Any = URLSafeTimedSerializer(
            list(reversed(secrets)),  # it wants the newest last
            salt="agentobs.feedback",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def mint(self, rated: Rated, names: tuple[str, ...], ttl_s: float) -> str:
        """A token for `rated`, good for `names` for `ttl_s` seconds."""
        # Without a trace two answers could look alike, so they are told apart by a number of their own.
        subject = rated.trace_id or random.token_hex(16)
        texts = [_short(text) for text in (rated.conversation_id, rated.agent, rated.model, rated.level)]
        token: str = self._serializer.dumps([subject, rated.span_id, int(rated.sampled), *texts, names, int(ttl_s)])
        return token

    def read(self, token: str) -> Claims:
        """What `token` says.

        Raises:
            BadTokenError: it was not signed with one of the secrets, or its time is over.
        """
        if not token.isascii():
            raise BadTokenError("forged")
        try:
            payload, stamp = self._serializer.loads(token, return_timestamp=True)
            subject, span_id, sampled, conversation_id, agent, model, level, names, ttl_s = payload
            age_s = time.time() - stamp.timestamp()
        except (self._bad, ValueError, TypeError, OverflowError):
            raise BadTokenError("forged") from None
        if age_s > ttl_s or age_s < -SKEW_S:
            raise BadTokenError("expired")
        rated = Rated(subject if span_id else None, span_id, bool(sampled), conversation_id, agent, model, level)
        return Claims(rated, tuple(names), f"{subject}:{span_id or ''}", max(age_s, 0.0))


def _short(text: str | None) -> str | None:
    """`text` where it fits into a header; a cut one would name something else."""
    return text if text is not None and len(text) <= _LONGEST_TEXT else None


@functools.lru_cache(maxsize=16)
def signer_of(secrets: tuple[str, ...]) -> Signer:
    """The signer of these secrets, made once."""
    return Signer(secrets)


_adopted: Signer | None = None


def adopt(signer: Signer) -> None:
    """Have tokens signed by `signer` where nothing else is said: the endpoint of this process will read them."""
    global _adopted  # noqa: PLW0603  one default for the process
    _adopted = signer


def secrets_from(given: str | Iterable[str] | None) -> tuple[str, ...]:
    """The secrets in force: those given, else AGENTOBS_FEEDBACK_SECRET; empty where there is neither.

    The variable may hold several, separated by commas, the newest first.

    Raises:
        ConfigError: one of them is too short, or is not a text.
    """
    where = "secret"
    if given is None:
        where, found = SECRET_ENV, tuple(filter(None, map(str.strip, os.environ.get(SECRET_ENV, "").split(","))))
    else:
        found = (given,) if isinstance(given, str) else tuple(given)
        if not found:
            raise ConfigError(f"secret is an empty list; {MAKE_ONE}")
    for number, secret in enumerate(found, 1):
        which = where if len(found) == 1 else f"{where} (number {number} of {len(found)})"
        if not isinstance(secret, str):
            raise ConfigError(f"{which} is a {type(secret).__name__}; allowed is a text")
        length = len(secret.encode("utf-8", "surrogatepass"))
        if length < SECRET_LEAST_BYTES:
            raise ConfigError(
                f"{which} is {length} bytes long; allowed is a random one of {SECRET_LEAST_BYTES} or more; {MAKE_ONE}"
            )
    return found


def signer_for(secret: str | Iterable[str] | None, maker: str) -> Signer:
    """The signer for an optional `secret=` of `maker`: that one, else the endpoint's of this process, else the variable's.

    Raises:
        ConfigError: there is none, or it is too short.
    """
    if secret is None and _adopted is not None:
        return _adopted
    found = secrets_from(secret)
    if not found:
        raise ConfigError(f"{maker} needs a secret: give secret=, or set {SECRET_ENV}; there is no default; {MAKE_ONE}")
    return signer_of(found)


def names_from(names: Iterable[str]) -> tuple[str, ...]:
    """`names` as a token may carry them.

    Raises:
        ValueError: there is none, there are too many, or one is not a name.
    """
    found = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
    if not found or len(found) > _MOST_NAMES:
        raise ValueError(f"names={found!r} is not allowed; allowed are 1 to {_MOST_NAMES} names")
    for name in found:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ValueError(
                f"names has {name!r}, which is not allowed; allowed are a letter and up to 63 letters, digits, . _ or -"
            )
    return found


def lifetime_from(ttl_s: float) -> float:
    """`ttl_s` as a token may carry it.

    Raises:
        ValueError: it is not a number of seconds from 1 up.
    """
    if isinstance(ttl_s, bool) or not isinstance(ttl_s, (int, float)) or not 1 <= ttl_s < 2**53:
        raise ValueError(f"ttl_s={ttl_s!r} is not allowed; allowed is a number of seconds from 1 up")
    return ttl_s


def mint_for(run: Run | None, signer: Signer, names: tuple[str, ...], ttl_s: float) -> str | None:
    """A token for `run`, else for the current span; `None` where there is neither, or agentobs is not in force."""
    state = process.current()
    if state is None:
        return None
    try:
        rated = state.emitters.feedback.rated(run)
        return None if rated is None else signer.mint(rated, names, ttl_s)
    except Exception as error:  # noqa: BLE001
        guard.failed("feedback.token", error)
        return None


def feedback_token(
    *, names: Iterable[str] = DEFAULT_NAMES, ttl_s: float = TTL_S, secret: str | Iterable[str] | None = None
) -> str | None:
    """A token with which the current run may be rated, to be given to the user together with the answer.

    It carries trace, span, conversation, agent, model and degradation level as they are at this moment; made at the end of
    a run it knows more than at its beginning. It is signed, not encrypted.

    Args:
        names: what may be rated with it; the names of `agentobs.feedback`.
        ttl_s: seconds until it expires.
        secret: as for `feedback_app`; without it that of the newest `feedback_app()` of this process, else that of
            AGENTOBS_FEEDBACK_SECRET.

    Returns:
        Printable ASCII without spaces, or `None` where there is nothing to rate: no run and no span, or no
        `instrument()`.

    Raises:
        ConfigError: there is no secret, or a short one.
        ValueError: a name or a lifetime that is not allowed.
    """
    return mint_for(RUN.get(), signer_for(secret, "feedback_token()"), names_from(names), lifetime_from(ttl_s))
