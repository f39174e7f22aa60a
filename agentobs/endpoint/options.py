"""The options of `feedback_app()` and `feedback_wsgi()`, checked when the application is made."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..config import ConfigError
from . import tokens
from .contract import BODY_BYTES, LABEL_CHARS
from .storage.errors import StorageError
from .storage.store import Store, open_store

if TYPE_CHECKING:
    from .storage.spool import Spool

log = logging.getLogger("agentobs")

STORE_ENV = "AGENTOBS_FEEDBACK_STORE"
SPOOL_ENV = "AGENTOBS_FEEDBACK_SPOOL"
LATE_AFTER_S = 3_600.0
BODY_TIMEOUT_S = 10.0
PER_TOKEN = 30
PER_ADDRESS = 300

_ORIGIN = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class Options:
    """What the endpoint goes by; `feedback_app` says what each means. Times are seconds, rates are requests a minute."""

    signer: tokens.Signer
    origins: frozenset[str]
    labels: frozenset[str]
    store: Store | None
    spool: Spool | None
    retention_days: float | None
    per_token: int
    per_address: int
    trusted_proxies: int
    body_limit_bytes: int
    body_timeout_s: float
    late_after_s: float


def resolve(
    *,
    secret: str | Iterable[str] | None = None,
    origins: Iterable[str] = (),
    labels: Iterable[str] = (),
    store: str | None = None,
    strict: bool = False,
    spool: str | None = None,
    retention_days: float | None = None,
    per_token: int = PER_TOKEN,
    per_address: int = PER_ADDRESS,
    trusted_proxies: int = 0,
    body_limit_bytes: int = BODY_BYTES,
    body_timeout_s: float = BODY_TIMEOUT_S,
    late_after_s: float = LATE_AFTER_S,
) -> Options:
    """The options in force.

    Raises:
        ConfigError: no secret, a short one or two different ones, a malformed allow list, a store that cannot be used, a
            number that is not allowed, `strict`, `spool` or `retention_days` without a store.
    """
    secrets = tokens.secrets_from(secret)
    if not secrets:
        raise ConfigError(
            f"the feedback endpoint needs a secret: give secret=, or set {tokens.SECRET_ENV}; there is no default; "
            f"{tokens.MAKE_ONE}"
        )
    tokens.require_agreement(secret, "the feedback endpoint")
    signer = tokens.signer_of(secrets)
    url = store or os.environ.get(STORE_ENV) or None
    if url is None:
        for option, value in (("strict", strict or None), ("spool", spool), ("retention_days", retention_days)):
            if value is not None:
                raise ConfigError(f"{option}={value!r} needs a store: give store=, or set {STORE_ENV}")
    if strict and spool is not None:
        raise ConfigError(f"strict=True answers 503 instead of using a spool; leave out spool={spool!r}")
    opened = _store(url) if url is not None else None
    options = Options(
        signer,
        _origins(origins),
        _labels(labels),
        opened,
        _spool(opened, spool) if opened is not None and not strict else None,
        None if retention_days is None else _number("retention_days", retention_days, 0.001),
        int(_number("per_token", per_token, 1)),
        int(_number("per_address", per_address, 1)),
        int(_number("trusted_proxies", trusted_proxies, 0)),
        int(_number("body_limit_bytes", body_limit_bytes, 256)),
        _number("body_timeout_s", body_timeout_s, 0.01),
        _number("late_after_s", late_after_s, 0),
    )
    tokens.adopt(signer)
    return options


def _store(url: str) -> Store:
    store = open_store(url)
    try:
        store.check()
    except StorageError as error:
        # The product must start without its feedback store; what comes meanwhile waits in the spool.
        log.warning("agentobs: the feedback store %s is out of reach at start: %s", store.where, error)
    return store


def _spool(store: Store, given: str | None) -> Spool | None:
    from .storage.spool import Spool, default_path

    path = given or os.environ.get(SPOOL_ENV) or default_path(store.where)
    if path is None:
        log.warning(
            "agentobs: no folder for the spool of feedback can be written to, so what the store does not take is answered "
            "with 503; set %s",
            SPOOL_ENV,
        )
        return None
    if not os.path.isdir(os.path.dirname(os.path.abspath(path))):
        raise ConfigError(f"spool={path!r} is not allowed: its folder does not exist")
    return Spool(path)


def _number(option: str, value: float, least: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < 2**31:
        raise ConfigError(f"{option}={value!r} is not allowed; allowed is a number from {least:g} up")
    return value


def _labels(labels: Iterable[str]) -> frozenset[str]:
    if isinstance(labels, str):
        raise ConfigError(f"labels={labels!r} is a text; allowed is a list of them")
    texts = frozenset(labels)
    for label in texts:
        if not isinstance(label, str) or not 0 < len(label) <= LABEL_CHARS:
            raise ConfigError(f"labels has {label!r}; allowed is a text of 1 to {LABEL_CHARS} characters")
    return texts


def _origins(origins: Iterable[str]) -> frozenset[str]:
    if isinstance(origins, str):
        raise ConfigError(f"origins={origins!r} is a text; allowed is a list such as [{origins!r}]")
    return frozenset(_origin(origin) for origin in origins)


def _origin(origin: object) -> str:
    """An origin as browsers write it: in lower case, without a port that goes without saying."""
    if origin == "*":
        return "*"
    text = origin.lower() if isinstance(origin, str) else ""
    parts = urlsplit(text) if _ORIGIN.fullmatch(text) else None
    if parts is None or not _port_fits(text):
        raise ConfigError(
            f"origins has {origin!r}, which is not an origin; allowed are a scheme, a host and perhaps a port, without a "
            'path or a wildcard, such as "https://shop.example" or "http://localhost:8000", or "*" for every page'
        )
    return text.removesuffix(_DEFAULT_PORTS[parts.scheme])


def _port_fits(origin: str) -> bool:
    try:
        port = urlsplit(origin).port
    except ValueError:
        return False
    return port is None or port > 0
