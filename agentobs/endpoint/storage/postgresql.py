"""Feedback in PostgreSQL: for several machines."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from ...config import ConfigError
from .errors import RowRefusedError, StorageError, first_line
from .schema import Statements

_CONNECT_S = 2
_STATEMENT_MS = 3_000
_LOCK = 0x6167_656E_746F_6273  # "agentobs"
_BATCH = 500
_REASONS = {
    "53100": "full",
    "25006": "read_only",
    "42501": "denied",
    "57014": "timeout",
    "55P03": "timeout",
    "42P01": "schema",
    "42703": "schema",
    "42P10": "schema",
}
"""By SQLSTATE; what has none, or another one, means that the server is out of reach."""
_STALE = ("08", "57P", "25006")
"""Beginnings of the SQLSTATEs of a connection that is over: lost, its server shut down, or demoted to a replica."""


class PostgreSQL:
    """`postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, with libpq's parameters after a question mark."""

    statements = Statements("%s", "greatest", "extract(epoch from clock_timestamp())::double precision")
    local = False

    def __init__(self, url: str) -> None:
        try:
            import psycopg
        except ImportError as error:
            raise ConfigError("store=postgresql://... needs psycopg: pip install 'psycopg[binary]'") from error
        try:
            parts = urlsplit(url)
            psycopg.conninfo.conninfo_to_dict(url)
        except (ValueError, psycopg.ProgrammingError):
            # The driver's message repeats the URL, and with it the password.
            raise ConfigError(
                "store=postgresql://... is malformed; allowed is postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
            ) from None
        self._url = url
        self._connect: Any = psycopg.connect
        self._row_errors = (psycopg.DataError, psycopg.IntegrityError, UnicodeError)
        self._stale_errors = (psycopg.OperationalError, psycopg.InterfaceError)
        self.errors: tuple[type[Exception], ...] = (psycopg.Error, OSError, UnicodeError)
        self.where = f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def create(self) -> bool:
        """Databases are made by those who run the server."""
        return False

    def connect(self) -> Any:
        connection = self._connect(
            self._url,
            autocommit=True,
            connect_timeout=_CONNECT_S,
            client_encoding="utf8",
            # A peer that is gone without a word is noticed, so that a thread that waits for it comes to an end.
            tcp_user_timeout=_STATEMENT_MS,
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            prepare_threshold=None,  # prepared statements and start-up options do not pass through every pooler
            application_name="agentobs feedback",
        )
        connection.execute(f"SET statement_timeout = {_STATEMENT_MS}")
        return connection

    def intact(self, connection: Any) -> bool:
        return not connection.closed

    def abort(self, connection: Any) -> None:
        with socket.socket(fileno=os.dup(connection.fileno())) as own:
            own.shutdown(socket.SHUT_RDWR)

    def columns(self, connection: Any, table: str) -> frozenset[str] | None:
        rows = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped",
            [table],
        )
        return frozenset(row[0] for row in rows) or None

    @contextmanager
    def alone(self, connection: Any) -> Iterator[None]:
        with connection.transaction():
            # Processes that start at once would collide: IF NOT EXISTS does not wait for the other's transaction.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            yield

    @contextmanager
    def stream(self, connection: Any, statement: str, values: tuple[object, ...]) -> Iterator[Iterator[Any]]:
        with connection.transaction():
            connection.execute("SET LOCAL statement_timeout = 0")
            with connection.cursor(name="agentobs_feedback_export") as cursor:
                cursor.itersize = _BATCH
                cursor.execute(statement, values)
                yield iter(cursor)

    def explain(self, error: Exception) -> Exception:
        if isinstance(error, self._row_errors):
            return RowRefusedError(first_line(error))
        return StorageError(_REASONS.get(getattr(error, "sqlstate", None) or "", "unreachable"), first_line(error))

    def is_stale(self, error: Exception) -> bool:
        state = getattr(error, "sqlstate", None)
        return (state is None and isinstance(error, self._stale_errors)) or (state or "").startswith(_STALE)
