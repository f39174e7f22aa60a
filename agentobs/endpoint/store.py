"""Keeping the feedback itself, for review and export: one table in SQLite or PostgreSQL.

Both take the same statements. A row is written by one `INSERT ... ON CONFLICT`, so processes that write the same feedback
at once agree on its revision.
"""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields
from typing import Any, Protocol

from ..config import ConfigError

log = logging.getLogger("agentobs")
_REST_S = 5.0
"""How long a database that failed is left alone."""


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of feedback as it is kept. Times are seconds of the epoch; `digest` is that of its content."""

    key: str
    name: str
    id: str
    value: float | None
    label: str | None
    comment: str | None
    source: str
    agent: str | None
    model: str | None
    level: str | None
    conversation_id: str | None
    trace_id: str | None
    span_id: str | None
    digest: str
    created_s: float
    updated_s: float
    revision: int = 0


COLUMNS = tuple(f.name for f in fields(Row))
_TYPES = {"value": "double precision", "created_s": "double precision", "updated_s": "double precision"}
_OPTIONAL = ("value", "label", "comment", "agent", "model", "level", "conversation_id", "trace_id", "span_id")
_SAID = ("value", "label", "comment", "source", "digest", "updated_s")

TABLE = "agentobs_feedback"


def _column(name: str) -> str:
    if name == "key":
        return "key text PRIMARY KEY"
    type_ = "integer" if name == "revision" else _TYPES.get(name, "text")
    return f"{name} {type_}" + ("" if name in _OPTIONAL else " NOT NULL")


CREATE = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} ({', '.join(_column(name) for name in COLUMNS)})",
    f"CREATE INDEX IF NOT EXISTS {TABLE}_updated ON {TABLE} (updated_s)",
)


def upsert(mark: str) -> str:
    """The statement that writes a row and returns its revision, or nothing where it said the same before."""
    return (
        f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) VALUES ({', '.join(mark for _ in COLUMNS)}) "  # noqa: S608
        f"ON CONFLICT (key) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _SAID)}, "
        f"revision = {TABLE}.revision + 1 WHERE {TABLE}.digest <> excluded.digest RETURNING revision"
    )


def select(mark: str, names: int) -> str:
    """The statement that reads rows from a time on, oldest first, of so many names or of all."""
    only = f" AND name IN ({', '.join(mark for _ in range(names))})" if names else ""
    return f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE updated_s >= {mark}{only} ORDER BY updated_s, key"  # noqa: S608


class Database(Protocol):
    """What differs between databases."""

    mark: str
    """The placeholder for a value."""
    errors: tuple[type[Exception], ...]
    """What its driver raises."""
    where: str
    """The database in words, without a password."""

    def create(self) -> None:
        """Make the database where it is missing and can be made."""
        ...

    def connect(self) -> Any:
        """A new connection in autocommit mode that gives up after a few seconds."""
        ...

    def prepare(self, connection: Any) -> None:
        """Make the table where it is missing."""
        ...

    def stream(
        self, connection: Any, statement: str, values: tuple[object, ...]
    ) -> AbstractContextManager[Iterator[Any]]:
        """The rows of a query, a few at a time."""
        ...


class StoreError(Exception):
    """The database cannot be used at the moment."""


class _Held:
    """The connection of one process."""

    def __init__(self) -> None:
        self.connection: Any = None
        self.process = 0
        self.inherited: list[Any] = []

    def close(self) -> None:
        """Close the connection, where it is ours and not that of a parent process."""
        connection, self.connection = self.connection, None
        if connection is not None and self.process == os.getpid():
            try:
                connection.close()
            except Exception:
                log.debug("agentobs: closing the feedback store", exc_info=True)


class Store:
    """One table of feedback. A connection is opened when it is first needed, so that processes can fork after `check`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._upsert = upsert(database.mark)
        self._lock = threading.Lock()
        self._held = _Held()
        weakref.finalize(self, self._held.close)
        self._rest_until_s = 0.0
        self._lost = 0

    @property
    def where(self) -> str:
        """The database in words, without a password."""
        return self._database.where

    def check(self) -> None:
        """Connect once, and make the table where it is missing.

        Raises:
            ConfigError: that cannot be done.
        """
        try:
            self._database.create()
            connection = self._database.connect()
            try:
                self._database.prepare(connection)
            finally:
                connection.close()
        except self._database.errors as error:
            raise ConfigError(f"the feedback store {self.where} cannot be used: {_first_line(error)}") from error

    def put(self, row: Row) -> int | None:
        """Write a row; its revision, or `None` where the database holds the same content already.

        Raises:
            StoreError: the database failed, or did so a moment ago.
        """
        with self._lock:
            if time.monotonic() < self._rest_until_s:
                self._lost += 1
                raise StoreError(f"{self.where} failed a moment ago")
            try:
                found = self._open().execute(self._upsert, [getattr(row, name) for name in COLUMNS]).fetchone()
            except self._database.errors as error:
                self._failed(error)
                raise StoreError(_first_line(error)) from error
            if self._lost:
                log.warning("agentobs: the feedback store %s works again; %d were not kept", self.where, self._lost)
                self._lost = 0
            return None if found is None else int(found[0])

    def rows(self, since_s: float = 0.0, names: tuple[str, ...] = ()) -> Iterator[Row]:
        """The rows that were written or changed since a time, oldest first; on a connection of its own.

        Raises:
            StoreError: the database failed.
        """
        statement = select(self._database.mark, len(names))
        try:
            connection = self._database.connect()
            try:
                with self._database.stream(connection, statement, (since_s, *names)) as found:
                    for values in found:
                        yield Row(*values)
            finally:
                connection.close()
        except self._database.errors as error:
            raise StoreError(f"{self.where}: {_first_line(error)}") from error

    def close(self) -> None:
        """Close the connection; the next row opens a new one."""
        with self._lock:
            self._held.close()

    def _open(self) -> Any:
        held = self._held
        if held.process != os.getpid():
            # A connection that a parent process has opened is the parent's: it is neither used nor closed here.
            held.inherited.append(held.connection)
            held.connection, held.process = None, os.getpid()
        if held.connection is None:
            held.connection = self._database.connect()
        return held.connection

    def _failed(self, error: Exception) -> None:
        self._held.close()
        self._rest_until_s = time.monotonic() + _REST_S
        if not self._lost:
            log.warning("agentobs: the feedback store %s failed, telemetry goes on: %s", self.where, _first_line(error))
        self._lost += 1


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def open_store(url: str) -> Store:
    """The store at `url`, which nobody has connected to yet.

    Raises:
        ConfigError: the URL is of no known kind, or its driver is not installed.
    """
    scheme, found, _ = url.partition("://")
    if found and scheme == "sqlite":
        from .sqlite import SQLite

        return Store(SQLite(url))
    if found and scheme in ("postgresql", "postgres"):
        from .postgresql import PostgreSQL

        return Store(PostgreSQL(url))
    raise ConfigError(
        f"store={scheme + '://...' if found else url!r} is not allowed; allowed are sqlite:///FILE and "
        "postgresql://USER@HOST/DATABASE"
    )


def store_at(url: str) -> Store:
    """The store at `url`, ready to be written to.

    Raises:
        ConfigError: as `open_store`; or the database cannot be reached, or has no table and does not let us make it.
    """
    store = open_store(url)
    store.check()
    return store
