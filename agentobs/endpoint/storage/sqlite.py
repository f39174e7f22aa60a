"""Feedback in a SQLite file: for one machine, several processes."""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ...config import ConfigError
from .errors import RowRefusedError, StorageError, first_line
from .schema import Statements

_BUSY_S = 1.0
_OLDEST = (3, 35, 0)
_ROW_ERRORS = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
_VALUE_ERRORS = (UnicodeError, OverflowError)
_REASONS = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_IOERR: "io",
    sqlite3.SQLITE_READONLY: "read_only",
    sqlite3.SQLITE_PERM: "denied",
    sqlite3.SQLITE_AUTH: "denied",
    sqlite3.SQLITE_CANTOPEN: "unreachable",
    sqlite3.SQLITE_BUSY: "timeout",
    sqlite3.SQLITE_LOCKED: "timeout",
    sqlite3.SQLITE_INTERRUPT: "timeout",
    sqlite3.SQLITE_NOTADB: "corrupt",
    sqlite3.SQLITE_CORRUPT: "corrupt",
    sqlite3.SQLITE_ERROR: "schema",
}
_REASONS_OF_SYSTEM = {
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.EROFS: "read_only",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EFBIG: "full",
}


class _Connection(sqlite3.Connection):
    """A connection that knows which file it has opened."""

    file: tuple[int, int] | None = None


class SQLite:
    """`sqlite:///relative/file` or `sqlite:////absolute/file`."""

    statements = Statements("?", "max", "((julianday('now') - 2440587.5) * 86400.0)")
    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError, UnicodeError, OverflowError)
    local = True

    def __init__(self, url: str) -> None:
        host, slash, path = url.removeprefix("sqlite://").partition("/")
        if host or not slash or not path or path == ":memory:":
            raise ConfigError(
                f"store={url!r} names no file; allowed are sqlite:///RELATIVE/FILE and sqlite:////ABSOLUTE/FILE"
            )
        if sqlite3.sqlite_version_info < _OLDEST:
            raise ConfigError(
                f"store={url!r} needs SQLite 3.35 or newer; Python was built with {sqlite3.sqlite_version}"
            )
        self._path = os.path.abspath(unquote(path))
        self.where = f"sqlite:///{self._path}"

    def create(self) -> bool:
        # What users write is for its owner only.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
        if os.stat(self._path).st_size:
            return False
        with closing(self.connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        return True

    def connect(self) -> Any:
        uri = f"{Path(self._path).as_uri()}?mode=rw"
        connection = sqlite3.connect(
            uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, factory=_Connection
        )
        connection.file = self._file()
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")
        return connection

    def _file(self) -> tuple[int, int] | None:
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def intact(self, connection: Any) -> bool:
        # A file that was deleted or replaced goes on taking rows, which nobody will ever read.
        return connection.file is not None and connection.file == self._file()

    def abort(self, connection: Any) -> None:
        connection.interrupt()

    def columns(self, connection: Any, table: str) -> frozenset[str] | None:
        return frozenset(row[1] for row in connection.execute(f"PRAGMA table_info({table})")) or None

    @contextmanager
    def alone(self, connection: Any) -> Iterator[None]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    @contextmanager
    def stream(self, connection: Any, statement: str, values: tuple[object, ...]) -> Iterator[Iterator[Any]]:
        yield iter(connection.execute(statement, values))

    def explain(self, error: Exception) -> Exception:
        if isinstance(error, (*_ROW_ERRORS, *_VALUE_ERRORS)):
            return RowRefusedError(first_line(error))
        if isinstance(error, OSError):
            return StorageError(_REASONS_OF_SYSTEM.get(error.errno or 0, "unreachable"), first_line(error))
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_IOERR) & 0xFF
        if code == sqlite3.SQLITE_TOOBIG:
            return RowRefusedError(first_line(error))
        return StorageError(_REASONS.get(code, "other"), first_line(error))

    def is_stale(self, error: Exception) -> bool:
        return False
