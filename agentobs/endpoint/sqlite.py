"""Feedback in a SQLite file: for one machine, several processes."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ..config import ConfigError
from .store import CREATE

_BUSY_S = 3.0
_LEAST = (3, 35, 0)


class SQLite:
    """`sqlite:///relative/file` or `sqlite:////absolute/file`."""

    mark = "?"
    errors: tuple[type[Exception], ...] = (sqlite3.Error, OSError)

    def __init__(self, url: str) -> None:
        host, slash, path = url.removeprefix("sqlite://").partition("/")
        if host or not slash or not path or path == ":memory:":
            raise ConfigError(
                f"store={url!r} names no file; allowed are sqlite:///RELATIVE/FILE and sqlite:////ABSOLUTE/FILE"
            )
        if sqlite3.sqlite_version_info < _LEAST:
            raise ConfigError(
                f"store={url!r} needs SQLite 3.35 or newer; Python was built with {sqlite3.sqlite_version}"
            )
        self._path = os.path.abspath(unquote(path))
        self.where = f"sqlite:///{self._path}"

    def create(self) -> None:
        # What users say is for its owner only.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))

    def connect(self) -> Any:
        uri = f"{Path(self._path).as_uri()}?mode=rw"
        connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def prepare(self, connection: Any) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        for statement in CREATE:
            connection.execute(statement)

    @contextmanager
    def stream(self, connection: Any, statement: str, values: tuple[object, ...]) -> Iterator[Iterator[Any]]:
        yield iter(connection.execute(statement, values))
