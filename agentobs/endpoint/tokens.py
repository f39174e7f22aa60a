"""Tokens: signed, expiring words of the server that say what their bearer may rate.

A token carries everything that the endpoint must know of the answer, so that feedback can be taken days later by another
process without looking anything up. It is signed, not encrypted: its bearer can read agent, model and level in it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import re
import secrets as randomness
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import guard, process
from ..config import ConfigError
from ..context import current_run
from ..records.agents import Run
from ..records.feedback import Rated
from .contract import DEFAULT_NAMES, NAME, NOT_TEXT

SECRET_ENV = "AGENTOBS_FEEDBACK_SECRET"  # noqa: S105  the name of the variable
SECRET_LEAST_BYTES = 32
TTL_S = 7 * 86_400
SKEW_S = 60
"""How far the clock of the process that made a token may be ahead of ours."""

_MEMBERS = 9
_TRACE_ID = re.compile(r"[0-9a-f]{32}")
_SPAN_ID = re.compile(r"[0-9a-f]{16}")
_MOST_NAMES = 20
_LONGEST_TEXT = 200
MAKE_ONE = """make one with: python -c "import secrets; print(secrets.token_urlsafe(32))\""""


class BadTokenError(Exception):
    """A token that cannot be used; `code` is `forged`, `expired`, `clock_skew` or `malformed` (signed, and not a token)."""

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

        def serializer(salt: str) -> Any:
            return URLSafeTimedSerializer(
                list(reversed(secrets)),  # it wants the newest last
                salt=salt,
                signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
            )

        self._serializer = serializer("agentobs.feedback")
        self._receipts = serializer("agentobs.feedback.receipt")

    def mint(self, rated: Rated, names: tuple[str, ...], ttl_s: float) -> str:
        """A token for `rated`, good for `names` for `ttl_s` seconds."""
        # Without a trace two answers could look alike, so they are told apart by a number of their own.
        subject = rated.trace_id or randomness.token_hex(16)
        texts = [_fitting(text) for text in (rated.conversation_id, rated.agent, rated.model, rated.level)]
        token: str = self._serializer.dumps([subject, rated.span_id, int(rated.sampled), *texts, names, int(ttl_s)])
        return token

    def read(self, token: str) -> Claims:
        """What `token` says.

        Raises:
            BadTokenError: it was not signed with one of the secrets, is not of this time, or is not a token.
        """
        if not token.isascii():
            raise BadTokenError("forged")
        try:
            payload, stamp = self._serializer.loads(token, return_timestamp=True)
            age_s = time.time() - stamp.timestamp()
        except (self._bad, ValueError, TypeError, OverflowError, OSError):
            raise BadTokenError("forged") from None
        rated, subject, names, ttl_s = _checked(payload)
        if age_s > ttl_s:
            raise BadTokenError("expired")
        if age_s < -SKEW_S:
            raise BadTokenError("clock_skew")
        return Claims(rated, names, f"{subject}:{rated.span_id or ''}", max(age_s, 0.0))

    def seal(self, payload: Any) -> str:
        """A signed text that carries `payload`, and that no one takes for a token."""
        text: str = self._receipts.dumps(payload)
        return text

    def unseal(self, text: str) -> Any:
        """What `seal` was given; `None` for a text that it did not make."""
        if not text.isascii():
            return None
        try:
            return self._receipts.loads(text)
        except (self._bad, ValueError, TypeError, OverflowError):
            return None


def _checked(payload: Any) -> tuple[Rated, str, tuple[str, ...], float]:
    """What a token rates, its subject, the names it allows, and its lifetime.

    Raises:
        BadTokenError: somebody who knows the secret signed something else.
    """
    if not isinstance(payload, list) or len(payload) != _MEMBERS:
        raise BadTokenError("malformed")
    subject, span_id, sampled, *texts, names, ttl_s = payload
    whole = (
        isinstance(subject, str)
        and _TRACE_ID.fullmatch(subject) is not None
        and (span_id is None or (isinstance(span_id, str) and _SPAN_ID.fullmatch(span_id) is not None))
        and isinstance(sampled, int)
        and all(text is None or (isinstance(text, str) and _fitting(text) is not None) for text in texts)
        and isinstance(names, list)
        and 0 < len(names) <= _MOST_NAMES
        and all(isinstance(name, str) and NAME.fullmatch(name) for name in names)
        and isinstance(ttl_s, (int, float))
        and not isinstance(ttl_s, bool)
        and ttl_s > 0
    )
    if not whole:
        raise BadTokenError("malformed")
    conversation_id, agent, model, level = texts
    rated = Rated(subject if span_id else None, span_id, bool(sampled), conversation_id, agent, model, level)
    return rated, subject, tuple(names), ttl_s


def _fitting(text: str | None) -> str | None:
    """`text` where it fits into a header and into a database; one that was changed would name something else."""
    if text is None or len(text) > _LONGEST_TEXT or NOT_TEXT.search(text):
        return None
    return text if text.isascii() or text.encode("utf-8", "replace").decode() == text else None


@functools.lru_cache(maxsize=16)
def signer_of(secrets: tuple[str, ...]) -> Signer:
    """The signer of these secrets, made once."""
    return Signer(secrets)


_adopted: Signer | None = None


def adopt(signer: Signer | None) -> None:
    """Have tokens signed by `signer` where nothing else is given: the endpoint of this process will read them."""
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
        where, secrets = SECRET_ENV, tuple(filter(None, map(str.strip, os.environ.get(SECRET_ENV, "").split(","))))
    else:
        secrets = (given,) if isinstance(given, str) else tuple(given)
        if not secrets:
            raise ConfigError(f"secret is an empty list; {MAKE_ONE}")
    for number, secret in enumerate(secrets, 1):
        which = where if len(secrets) == 1 else f"{where} (number {number} of {len(secrets)})"
        if not isinstance(secret, str):
            raise ConfigError(f"{which} is a {type(secret).__name__}; allowed is a text")
        length = len(secret.encode("utf-8", "surrogatepass"))
        if length < SECRET_LEAST_BYTES:
            raise ConfigError(
                f"{which} is {length} bytes long; allowed is a random one of {SECRET_LEAST_BYTES} or more; {MAKE_ONE}"
            )
    return secrets


def require_agreement(secret: str | Iterable[str] | None, maker: str) -> None:
    """Check that what is signed elsewhere in the program with the variable's secret is believed by `maker`.

    Raises:
        ConfigError: the option and AGENTOBS_FEEDBACK_SECRET have different secrets.
    """
    if secret is None:
        return
    signing, believed = secrets_from(None)[:1], secrets_from(secret)
    if signing and signing[0] not in believed:
        raise ConfigError(
            f"secret= of {maker} is another one than {SECRET_ENV}: every token that is signed with the one would be "
            f"refused by the other; unset one of them, or give both: secret=[NEW, OLD]"
        )


def signer_for(secret: str | Iterable[str] | None, maker: str) -> Signer:
    """The signer for an optional `secret=` of `maker`: that one, else the endpoint's of this process, else the variable's.

    Raises:
        ConfigError: there is none, or it is too short.
    """
    if secret is None and _adopted is not None:
        return _adopted
    secrets = secrets_from(secret)
    if not secrets:
        raise ConfigError(f"{maker} needs a secret: give secret=, or set {SECRET_ENV}; there is no default; {MAKE_ONE}")
    return signer_of(secrets)


def names_from(names: Iterable[str]) -> tuple[str, ...]:
    """`names` as a token may carry them.

    Raises:
        ValueError: there is none, there are too many, or one is not a name.
    """
    unique = (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
    if not unique or len(unique) > _MOST_NAMES:
        raise ValueError(f"names={unique!r} is not allowed; allowed are 1 to {_MOST_NAMES} names")
    for name in unique:
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise ValueError(
                f"names has {name!r}, which is not allowed; allowed are a letter and up to 63 letters, digits, . _ or -"
            )
    return unique


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
    return mint_for(current_run(), signer_for(secret, "feedback_token()"), names_from(names), lifetime_from(ttl_s))
