"""The endpoint without a transport: what a request is answered with. Both twins share it.

A request is looked at in three steps, so that a twin never reads a body that is going to be refused: `open` judges the
head, `examine` the body, `record` keeps and emits. Only `record` may wait for a database.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import guard, process
from ..privacy import redact_text
from ..privacy.plain import clean
from ..records.feedback import Feedback
from . import contract
from .assets import Assets
from .http import POST_HEADERS, Head, Response, sender
from .ledger import Ledger
from .limits import RateLimit, network_of
from .options import Options
from .problems import MEDIA_TYPE, NOT_COUNTED, RefusedError
from .store import Row, StoreError
from .tokens import BadTokenError, Claims

log = logging.getLogger("agentobs")

_MINUTE_S = 60.0
_PREFLIGHT_S = 600
_MEDIA = re.compile(
    r'\s*(application/json|text/plain)\s*(?:;\s*charset\s*=\s*"?(utf-8|us-ascii)"?\s*)?;?\s*', re.IGNORECASE
)
_CONTROLS = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 127), "\N{REPLACEMENT CHARACTER}")
_LOST = "feedback_storage"


@dataclass(frozen=True, slots=True)
class Entry:
    """Feedback that may be taken."""

    posted: contract.Posted
    claims: Claims
    key: str
    digest: str


class Endpoint:
    """Judges and takes feedback for one application."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._assets = Assets()
        self._ledger = Ledger()
        self._by_token = RateLimit(options.per_token, _MINUTE_S)
        self._by_address = RateLimit(options.per_address, _MINUTE_S)
        self._said_idle = False

    # --- the head ---
    def open(self, head: Head) -> Response | None:
        """The answer to a request that is told by its head alone; `None` for feedback whose body is to be read.

        Raises:
            RefusedError: the request is turned away.
        """
        if head.path not in ("", "/"):
            return self._assets.answer(head)
        if head.method not in ("POST", "OPTIONS"):
            raise RefusedError("method", "allowed are POST and OPTIONS", {"allow": "POST, OPTIONS"})
        if not self._may_post(head):
            raise RefusedError("origin", "the origin of the page is not in the allow list of the endpoint")
        if head.method == "OPTIONS":
            return Response(
                204,
                {
                    "allow": "POST, OPTIONS",
                    "access-control-allow-methods": "POST",
                    "access-control-allow-headers": "content-type",
                    "access-control-max-age": str(_PREFLIGHT_S),
                },
            )
        network = network_of(sender(head.headers, head.address, self.options.trusted_proxies))
        self._within(self._by_address, network, "this address")
        self._readable(head)
        return None

    def _may_post(self, head: Head) -> bool:
        origin = head.headers.get("origin")
        if origin is None or "*" in self.options.origins or origin.lower() in self.options.origins:
            return True
        # A page of the host itself; who ends TLS in front of us may have changed the scheme, so it is left out.
        scheme, found, host = origin.partition("://")
        return bool(found) and scheme in ("http", "https") and host.lower() == head.headers.get("host", "").lower()

    def _within(self, limit: RateLimit, key: str, whose: str) -> None:
        wait_s = limit.wait_s(key)
        if wait_s > 0:
            raise RefusedError("rate", f"too many requests of {whose}", {"retry-after": str(math.ceil(wait_s))})

    def _readable(self, head: Head) -> None:
        if not _MEDIA.fullmatch(head.headers.get("content-type", "")):
            accepted = "application/json, text/plain"
            raise RefusedError("media_type", f"allowed are {accepted}, in UTF-8", {"accept-post": accepted})
        if head.headers.get("content-encoding", "identity").lower() != "identity":
            raise RefusedError("media_type", "the body must not be encoded", {"accept-encoding": "identity"})
        length = head.headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()):
            raise RefusedError("malformed", "Content-Length is not a number")
        if len(length) > 18 or int(length) > self.options.body_limit_bytes:
            raise self.too_large()

    def too_large(self) -> RefusedError:
        """Why a body that goes on for too long is turned away."""
        return RefusedError("too_large", f"allowed are {self.options.body_limit_bytes} bytes")

    def too_slow(self) -> RefusedError:
        """Why a body that takes too long is turned away."""
        return RefusedError("timeout", f"allowed are {self.options.body_timeout_s:g} seconds")

    # --- the body ---
    def examine(self, body: bytes) -> Entry:
        """What the body says, where it may be taken.

        Raises:
            RefusedError: it is turned away.
        """
        posted = contract.read(body)
        try:
            claims = self.options.signer.read(posted.token)
        except BadTokenError as bad:
            detail = "get a new token with a new answer" if bad.code == "expired" else "send the token as it was given"
            raise RefusedError(bad.code, detail, {"www-authenticate": 'Bearer error="invalid_token"'}) from None
        self._within(self._by_token, claims.subject, "this token")
        if posted.name not in claims.names:
            raise RefusedError("scope", "the token was made for other names")
        posted = _redacted(posted)
        key = _digest(claims.subject, posted.name, posted.id)
        self._ledger.admit(claims.subject, key)
        return Entry(posted, claims, key, _digest(posted.value, posted.label, posted.comment, posted.source))

    # --- what becomes of it ---
    def record(self, entry: Entry) -> Response:
        """Keep the feedback where there is a store, emit it, and answer.

        Raises:
            RefusedError: it could not be kept, and is to be refused then.
        """
        revision = self._keep(entry)
        self._emit(entry, revision)
        return Response(202, {"content-type": "application/json"}, json.dumps({"id": entry.posted.id}).encode())

    def record_without_store(self, entry: Entry) -> Response:
        """`record` where the store has too much to do already.

        Raises:
            RefusedError: the options say that everything is to be kept.
        """
        self._storage_failed()
        self._emit(entry, self._ledger.put(entry.claims.subject, entry.key, entry.digest))
        return Response(202, {"content-type": "application/json"}, json.dumps({"id": entry.posted.id}).encode())

    def _keep(self, entry: Entry) -> int | None:
        subject, store = entry.claims.subject, self.options.store
        if store is not None:
            try:
                revision = store.put(_row(entry))
            except StoreError:
                self._storage_failed()
            else:
                self._ledger.learn(subject, entry.key, entry.digest, revision)
                return revision
        return self._ledger.put(subject, entry.key, entry.digest)

    def _storage_failed(self) -> None:
        if self.options.strict:
            raise RefusedError("storage", "try again later", {"retry-after": "10"})
        state = process.current()
        if state is not None:
            try:
                state.emitters.telemetry.dropped(_LOST)
            except Exception as error:  # noqa: BLE001
                guard.failed("feedback.lost", error)

    def _emit(self, entry: Entry, revision: int | None) -> None:
        state = process.current()
        if state is None:
            if not self._said_idle and self.options.store is None:
                self._said_idle = True
                log.warning("agentobs: feedback arrives and goes nowhere; call agentobs.instrument(), or give a store")
            return
        try:
            late = entry.claims.age_s > self.options.late_after_s
            state.emitters.feedback.accepted(_arrival(entry.claims, revision, late))
            if revision is not None:
                state.emitters.feedback.emit(self._feedback(entry, revision, late))
        except Exception as error:  # noqa: BLE001
            guard.failed("feedback.emit", error)

    def _feedback(self, entry: Entry, revision: int, late: bool) -> Feedback:
        posted, rated = entry.posted, entry.claims.rated
        return Feedback(
            posted.name,
            posted.value,
            posted.label,
            posted.comment,
            posted.source,
            entry.key,
            revision=revision,
            late=late,
            rated=rated,
            remote=True,
            free_label=self._is_free(posted.label),
        )

    def _is_free(self, label: str | None) -> bool:
        return label is not None and label not in contract.KNOWN_LABELS and label not in self.options.labels

    # --- answers ---
    def refused(self, refused: RefusedError) -> Response:
        """The answer to a request that is turned away, which is counted."""
        problem = refused.problem
        state = process.current()
        if state is not None and problem.code not in NOT_COUNTED:
            try:
                state.emitters.feedback.rejected(problem.code)
            except Exception as error:  # noqa: BLE001
                guard.failed("feedback.rejected", error)
        return Response(problem.status, {"content-type": MEDIA_TYPE, **refused.headers}, refused.body())

    def failed(self, error: Exception) -> Response:
        """The answer where the endpoint itself is at fault."""
        guard.failed("feedback", error)
        return self.refused(RefusedError("internal", "the error is in the log of the server"))

    def headers(self, head: Head, response: Response) -> Mapping[str, str]:
        """All headers of an answer: its own, the safe ones, and CORS for pages of origins that may post."""
        headers = {**POST_HEADERS, **response.headers}
        headers["content-length"] = str(len(response.body))
        if head.path in ("", "/"):
            headers["vary"] = "Origin"
            origin = head.headers.get("origin")
            if origin is not None and self._may_post(head):
                headers["access-control-allow-origin"] = "*" if "*" in self.options.origins else origin
                headers["access-control-expose-headers"] = "retry-after"
        return headers


def _redacted(posted: contract.Posted) -> contract.Posted:
    """What may be kept of the texts that a user wrote."""
    label, comment = _kept(posted.label), _kept(posted.comment)
    return contract.Posted(posted.token, posted.name, posted.value, label, comment, posted.id, posted.source)


def _kept(text: str | None) -> str | None:
    if text is None or text in contract.KNOWN_LABELS:
        return text
    return redact_text(clean(text).translate(_CONTROLS))[: contract.COMMENT_CHARS]


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _arrival(claims: Claims, revision: int | None, late: bool) -> str:
    if revision is None:
        return "repeated"
    if revision > 0:
        return "changed"
    if claims.rated.trace_id is None or not claims.rated.sampled:
        return "unknown_trace"
    return "late" if late else "on_time"


def _row(entry: Entry) -> Row:
    posted, rated, now_s = entry.posted, entry.claims.rated, time.time()
    return Row(
        entry.key,
        posted.name,
        posted.id,
        posted.value,
        posted.label,
        posted.comment,
        posted.source,
        rated.agent,
        rated.model,
        rated.level,
        rated.conversation_id,
        rated.trace_id,
        rated.span_id,
        entry.digest,
        now_s,
        now_s,
    )
