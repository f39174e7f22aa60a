"""Stores for the tests: rows, a PostgreSQL that is shared by a module, and faults that come and go."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agentobs.config import ConfigError
from agentobs.endpoint.storage.errors import StorageError
from agentobs.endpoint.storage.rows import Row
from agentobs.endpoint.storage.schema import LIMITS, TABLE, VERSIONS
from agentobs.endpoint.storage.store import Store, open_store
from agentobs.testing import Captured
from tests.support.stack import PostgreSQL

from .twins import token

OLD_TABLE = (
    f"CREATE TABLE {TABLE} (key text PRIMARY KEY, name text NOT NULL, id text NOT NULL, value double precision, "
    "label text, comment text, source text NOT NULL, agent text, model text, level text, conversation_id text, "
    "trace_id text, span_id text, digest text NOT NULL, created_s double precision NOT NULL, "
    "updated_s double precision NOT NULL, revision integer NOT NULL)"
)
"""The table of schema version 1."""


def row(**changes: Any) -> Row:
    """A row with as little in it as may be, and `changes`."""
    least = {"key": "k", "name": "user_feedback", "id": "i", "source": "end_user", "digest": "d"}
    optional = ("value", "label", "comment", "agent", "model", "level", "conversation_id", "trace_id", "span_id")
    return Row(**{**dict.fromkeys(optional), **least, "created_s": 1.0, "updated_s": 1.0, **changes})


def rows(url: str) -> list[Row]:
    """What the store at `url` has."""
    return list(open_store(url).rows())


def reachable_rows(url: str) -> list[Row]:
    """What the store at `url` has; nothing where it is out of reach, or has no table yet."""
    try:
        return rows(url)
    except (StorageError, ConfigError):
        return []


def checked(url: str) -> Store:
    """The store at `url` with its tables."""
    store = open_store(url)
    store.check()
    return store


def empty(server: PostgreSQL) -> str:
    """The URL of a PostgreSQL without tables of ours."""
    server.psql(f"DROP TABLE IF EXISTS {TABLE}, {VERSIONS}, {LIMITS}")
    return server.dsn


@contextmanager
def frozen(server: PostgreSQL) -> Iterator[None]:
    """Stop a PostgreSQL with all of its processes, as a virtual machine that is moved, or a dead network, would."""
    pids = [server.process.pid, *_children(server.process.pid)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _children(pid: int) -> list[int]:
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def outcomes(seen: Captured) -> dict[str, float]:
    """How many ratings came to which end."""
    return _values(seen, "agentobs.feedback.storage.rows", "agentobs.feedback.storage.outcome")


def errors(seen: Captured) -> set[str]:
    """Why the store has failed."""
    return set(_values(seen, "agentobs.feedback.storage.errors", "agentobs.feedback.storage.error"))


def _values(seen: Captured, name: str, label: str) -> dict[str, float]:
    return {str(point.attributes[label]): point.value for point in seen.points if point.name == name}


def thumb(**more: Any) -> dict[str, Any]:
    """A thumb up for an answer of its own, as it is posted."""
    return {"token": token(), "label": "thumbs_up", **more}
