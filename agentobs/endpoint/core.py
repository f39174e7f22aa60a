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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from .. import guard
from ..privacy import redact_text
from ..privacy.plain import clean
from . import contract, links
from .assets import Assets
from .http import POST_HEADERS, Head, Response, sender
from .limits import RateLimit, network_of
from .options import Options
from .problems import MEDIA_TYPE, NOT_COUNTED, RefusedError
from .revisions import MOST_IDS, RevisionCache, receipt_of, state_from, too_many_ids
from .storage.errors import RateLimitedError, RowRefusedError, StorageError, TooManyIdsError
from .storage.outbox import Outbox
from .storage.rows import Limit, Row, Submission
from .telemetry import Telemetry
from .tokens import BadTokenError, Claims

log = logging.getLogger("agentobs")

_MINUTE_S = 60.0
_PREFLIGHT_S = 600
_RETRY_AFTER_S = 10
_MEDIA = re.compile(
    r'\s*(application/json|text/plain)\s*(?:;\s*charset\s*=\s*"?(utf-8|us-ascii)"?\s*)?;?\s*', re.IGNORECASE
)
_BAD_TOKENS = {
    "forged": "send the token as it was given",
    "expired": "get a new token with a new answer",
    "clock_skew": "the clock of the server that made the token is more than a minute ahead of this one's; set the clocks",
}


_FORM = re.compile(links.MEDIA_TYPE + r'\s*(?:;\s*charset\s*=\s*"?utf-8"?\s*)?', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """Feedback that may be taken; `form` tells whether it came by the page of a link."""

    form: bool
    posted: contract.Posted
    claims: Claims
    key: str
    submission: Submission


class Endpoint:
    """Judges and takes feedback for one application."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._assets = Assets()
        self._revisions = RevisionCache()
        self._telemetry = Telemetry(options.labels, options.store is not None)
        self._outbox = (
            Outbox(options.store, options.spool, options.retention_days, self._telemetry)
            if options.store is not None
            else None
        )
        self._by_token = RateLimit(options.per_token, _MINUTE_S)
        self._by_address = RateLimit(options.per_address, _MINUTE_S)
        self._origin_logged = False

    @property
    def waits(self) -> bool:
        """Whether `record` may wait for a database."""
        return self._outbox is not None

    def wake(self) -> None:
        """Called by every request: send what an earlier process could not."""
        if self._outbox is not None:
            try:
                self._outbox.wake()
            except Exception as error:  # noqa: BLE001
                guard.failed("feedback.spool", error)

    # --- the head ---
    def open(self, head: Head) -> Response | None:
        """The answer to a request that is told by its head alone; `None` for feedback whose body is to be read.

        Raises:
            RefusedError: the request is turned away.
        """
        if head.path == links.PATH and head.method in ("GET", "HEAD"):
            with self._token_refused():
                return links.confirm(head, self.options.signer)
        if head.path not in ("", "/", links.PATH):
            return self._assets.answer(head)
        if head.path == links.PATH and head.method != "POST":
            raise RefusedError("method", "allowed are GET, HEAD and POST", {"allow": "GET, HEAD, POST"})
        if head.method not in ("POST", "OPTIONS"):
            raise RefusedError("method", "allowed are POST and OPTIONS", {"allow": "POST, OPTIONS"})
        if not self._may_post(head):
            self._explain_origin(head)
            raise RefusedError(
                "origin",
                "the origin of the page is neither in origins= nor that of the Host header as it reaches the endpoint; "
                "behind a proxy that rewrites Host, put the page's origin into origins=",
            )
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
        scheme, separator, host = origin.partition("://")
        return bool(separator) and scheme in ("http", "https") and host.lower() == head.headers.get("host", "").lower()

    def _explain_origin(self, head: Head) -> None:
        if not self._origin_logged:
            self._origin_logged = True
            log.warning(
                "agentobs: feedback of a page of origin %.100r is refused; it is not in origins=, and Host is %.100r",
                head.headers.get("origin"),
                head.headers.get("host"),
            )

    def _within(self, limit: RateLimit, key: str, whose: str) -> None:
        wait_s = limit.wait_s(key)
        if wait_s > 0:
            raise self._too_many(whose, wait_s)

    def _too_many(self, whose: str, wait_s: float) -> RefusedError:
        return RefusedError("rate", f"too many requests of {whose}", {"retry-after": str(max(1, math.ceil(wait_s)))})

    def _readable(self, head: Head) -> None:
        forms = head.path == links.PATH
        if not (_FORM if forms else _MEDIA).fullmatch(head.headers.get("content-type", "")):
            accepted = links.MEDIA_TYPE if forms else "application/json, text/plain"
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
    def examine(self, head: Head, body: bytes) -> Entry:
        """What the body says, where it may be taken.

        Raises:
            RefusedError: it is turned away.
        """
        form = head.path == links.PATH
        posted = contract.from_members(_form(body)) if form else contract.read(body)
        with self._token_refused():
            claims = self.options.signer.read(posted.token)
        self._within(self._by_token, claims.subject, "this token")
        if posted.name not in claims.names:
            raise RefusedError("scope", "the token was made for other names")
        posted = _redacted(posted)
        key = _digest(claims.subject, posted.name, posted.id)
        self._revisions.admit(claims.subject, key)
        late = claims.age_s > self.options.late_after_s
        return Entry(form, posted, claims, key, Submission(_row(posted, claims, key), claims.rated.sampled, late))

    @contextmanager
    def _token_refused(self) -> Iterator[None]:
        """Turn a token away that cannot be used."""
        try:
            yield
        except BadTokenError as bad:
            if bad.code == "malformed":
                raise RefusedError("malformed", "the token is signed and is not one of this version") from None
            raise RefusedError(
                bad.code, _BAD_TOKENS[bad.code], {"www-authenticate": 'Bearer error="invalid_token"'}
            ) from None

    # --- what becomes of it ---
    def record(self, entry: Entry) -> Response:
        """Keep the feedback where there is a store, emit it, and answer.

        Raises:
            RefusedError: it could not be kept.
        """
        row, subject = entry.submission.row, entry.claims.subject
        answer = {"id": entry.posted.id}
        if self._outbox is None:
            signer = self.options.signer
            receipt = state_from(signer, entry.key, entry.posted.receipt)
            revision, state = self._revisions.put(subject, row, receipt)
            answer["receipt"] = receipt_of(signer, entry.key, state)
        else:
            limit = Limit(f"token:{subject}", self._by_token.interval_s, self._by_token.burst_s)
            try:
                stored, revision = self._outbox.put(entry.submission, limit, MOST_IDS)
            except StorageError:
                raise self.out_of_reach() from None
            except RowRefusedError as error:
                log.warning("agentobs: feedback was refused by the store: %s", error)
                raise RefusedError("unstorable", "the database refuses a text in it or in its token") from None
            except RateLimitedError as error:
                raise self._too_many("this token", error.wait_s) from None
            except TooManyIdsError:
                raise too_many_ids() from None
            if not stored:
                return links.thanks() if entry.form else _accepted(answer)
            self._revisions.learn(subject, row, revision)
        self._telemetry.accepted(entry.submission, revision)
        return links.thanks() if entry.form else _accepted(answer)

    def out_of_reach(self) -> RefusedError:
        """Why feedback that cannot be kept now is turned away."""
        return RefusedError("storage", "try again later", {"retry-after": str(_RETRY_AFTER_S)})

    # --- answers ---
    def refused(self, refused: RefusedError, head: Head) -> Response:
        """The answer to a request that is turned away, which is counted."""
        problem = refused.problem
        if problem.code not in NOT_COUNTED:
            self._telemetry.rejected(problem.code)
        if head.path == links.PATH:
            return links.sorry(refused)
        return Response(problem.status, {"content-type": MEDIA_TYPE, **refused.headers}, refused.body())

    def failed(self, error: Exception, head: Head) -> Response:
        """The answer where the endpoint itself is at fault."""
        guard.failed("feedback", error)
        return self.refused(RefusedError("internal", "the error is in the log of the server"), head)

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


def _form(body: bytes) -> dict[str, str]:
    """The members of a posted form; browsers write line breaks of text areas as CRLF."""
    try:
        return links.members_of(body.decode("ascii"))
    except UnicodeDecodeError:
        raise RefusedError("malformed", "the form is not encoded") from None


def _accepted(answer: Mapping[str, str]) -> Response:
    return Response(202, {"content-type": "application/json"}, json.dumps(answer).encode())


def _redacted(posted: contract.Posted) -> contract.Posted:
    """What may be kept of the texts that a user wrote."""
    return replace(
        posted,
        label=_kept(posted.label, contract.LABEL_CHARS),
        comment=_kept(posted.comment, contract.COMMENT_CHARS),
        correction=_kept(posted.correction, contract.CORRECTION_CHARS),
    )


def _kept(text: str | None, longest: int) -> str | None:
    if text is None or text in contract.KNOWN_LABELS:
        return text
    return redact_text(clean(text))[:longest]


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _row(posted: contract.Posted, claims: Claims, key: str) -> Row:
    rated, now_s = claims.rated, time.time()
    # A rating without a correction has the digest that it had before there were corrections.
    content = [posted.value, posted.label, posted.comment, posted.source]
    content += [posted.correction] if posted.correction is not None else ["withdrawn"] if posted.withdraw else []
    return Row(
        key=key,
        name=posted.name,
        id=posted.id,
        value=posted.value,
        label=posted.label,
        comment=posted.comment,
        source=posted.source,
        agent=rated.agent,
        model=rated.model,
        level=rated.level,
        conversation_id=rated.conversation_id,
        trace_id=rated.trace_id,
        span_id=rated.span_id,
        digest=_digest(*content),
        created_s=now_s,
        updated_s=now_s,
        subject=claims.subject,
        correction=posted.correction,
        withdrawn_s=now_s if posted.withdraw else None,
    )
