"""What differs between databases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Protocol

from .schema import MIGRATIONS, SCHEMA_VERSION, TABLE, VERSIONS, Statements, outdated, version_of


class Database(Protocol):
    """One kind of database at one address."""

    statements: Statements
    errors: tuple[type[Exception], ...]
    """What its driver raises."""
    where: str
    """The database in words, without a password."""
    local: bool
    """Whether it is a file of this machine: that it cannot be opened is then a fault of the configuration."""

    def create(self) -> bool:
        """Make the database where it is missing and can be made; whether it was made now."""
        ...

    def connect(self) -> Any:
        """A new connection in autocommit mode that gives up after a few seconds."""
        ...

    def intact(self, connection: Any) -> bool:
        """Whether what the connection writes to is still what others read."""
        ...

    def abort(self, connection: Any) -> None:
        """Have whatever another thread waits for on this connection fail now."""
        ...

    def columns(self, connection: Any, table: str) -> frozenset[str] | None:
        """The names of a table's columns, `None` where there is no such table."""
        ...

    def alone(self, connection: Any) -> AbstractContextManager[None]:
        """A transaction that no other process is in at the same time."""
        ...

    def stream(
        self, connection: Any, statement: str, values: tuple[object, ...]
    ) -> AbstractContextManager[Iterator[Any]]:
        """The rows of a query, a few at a time."""
        ...

    def explain(self, error: Exception) -> Exception:
        """The driver's error as one of ours: `StorageError` or `RowRefusedError`."""
        ...

    def is_stale(self, error: Exception) -> bool:
        """Whether the error is that of a connection which was fine once and is of no use any more."""
        ...


def schema_version(database: Database, connection: Any) -> int | None:
    """The version of the tables, `None` where there are none.

    Raises:
        StorageError: there is a table of that name which is not ours.
    """
    columns = database.columns(connection, TABLE)
    if columns is None:
        return None
    recorded = None
    if database.columns(connection, VERSIONS) is not None:
        row = connection.execute(database.statements.version).fetchone()
        recorded = None if row is None else int(row[0])
    return version_of(columns, recorded)


def prepare(database: Database, connection: Any, create: tuple[str, ...]) -> None:
    """Make the tables where they are missing, and check their version.

    Raises:
        StorageError: they are older or newer than this agentobs, or not ours.
    """
    version = schema_version(database, connection)
    if version is None:
        # To create what exists needs the right to create it, which the account of a web application may not have.
        with database.alone(connection):
            for statement in create:
                connection.execute(statement)
        version = schema_version(database, connection)
    if version != SCHEMA_VERSION:
        raise outdated(version or 0, database.where)


def migrate(database: Database, connection: Any) -> int | None:
    """Bring the tables to the newest version; the version that they had, `None` where there are none.

    Raises:
        StorageError: there is a table of that name which is not ours, or is newer than this agentobs.
    """
    with database.alone(connection):
        before = version = schema_version(database, connection)
        while version is not None and version < SCHEMA_VERSION:
            for statement in MIGRATIONS[version]:
                connection.execute(statement)
            version += 1
    return before
