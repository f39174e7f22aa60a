"""Feedback in PostgreSQL: for several machines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from ..config import ConfigError
from .store import CREATE, TABLE

_CONNECT_S = 3
_STATEMENT_MS = 3_000
_LOCK = 0x6167_656E_746F_6273  # "agentobs"
_BATCH = 500


class PostgreSQL:
    """`postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, with libpq's parameters after a question mark."""

    mark = "%s"

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
        self.errors: tuple[type[Exception], ...] = (psycopg.Error, OSError)
        self.where = f"postgresql://{parts.netloc.rpartition('@')[2]}{parts.path}"

    def create(self) -> None:
        """Databases are made by those who run the server."""

    def connect(self) -> Any:
        connection = self._connect(
            self._url,
            autocommit=True,
            connect_timeout=_CONNECT_S,
            tcp_user_timeout=_STATEMENT_MS,
            prepare_threshold=None,  # prepared statements and start-up options do not pass through every pooler
            application_name="agentobs feedback",
        )
        connection.execute(f"SET statement_timeout = {_STATEMENT_MS}")
        return connection

    def prepare(self, connection: Any) -> None:
        # To create what exists needs the right to create it, which the account of a web application may not have.
        if connection.execute("SELECT to_regclass(%s)", [TABLE]).fetchone()[0] is not None:
            return
        with connection.transaction():
            # Processes that start at once would collide: IF NOT EXISTS does not wait for the other's transaction.
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            for statement in CREATE:
                connection.execute(statement)

    @contextmanager
    def stream(self, connection: Any, statement: str, values: tuple[object, ...]) -> Iterator[Iterator[Any]]:
        with connection.transaction():
            connection.execute("SET LOCAL statement_timeout = 0")
            with connection.cursor(name="agentobs_feedback_export") as cursor:
                cursor.itersize = _BATCH
                cursor.execute(statement, values)
                yield iter(cursor)
