"""The store: one table of feedback, written through a connection that is opened, lost and opened again."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, TypeVar

from ...config import ConfigError
from .database import Database, migrate, prepare, schema_version
from .errors import RateLimitedError, StorageError, TooManyIdsError, first_line
from .rows import COLUMNS, Limit, Revision, Row, Selection
from .schema import CREATE, SCHEMA_VERSION, TABLE, outdated
from .worker import DeadlineError, Worker

log = logging.getLogger("agentobs")
T = TypeVar("T")

DEADLINE_S = 2.0
"""How long a request waits for the database."""
REST_S = 5.0
"""How long a database that failed is left alone."""
_FORGET_EVERY = 1_000
_GONE = "the file was deleted or replaced"

OnError = Callable[[str], None]
"""Called with the reason of every failure of the database."""


class Session:
    """The connection of one worker."""

    def __init__(self, database: Database, on_error: OnError) -> None:
        self.database = database
        self.connection: Any = None
        self._on_error = on_error
        self._aborted = False
        self._taken = 0
        self._share_limits = True

    def close(self) -> None:
        """Close the connection; the next statement opens a new one."""
        connection, self.connection = self.connection, None
        if connection is not None:
            try:
                connection.close()
            except Exception:
                log.debug("agentobs: closing the feedback store", exc_info=True)

    def abort(self) -> None:
        """Have the statement that another thread waits for fail now, and not be tried again: it may be too late then."""
        self._aborted = True
        connection = self.connection
        if connection is not None:
            try:
                self.database.abort(connection)
            except Exception:
                log.debug("agentobs: aborting a statement of the feedback store", exc_info=True)

    def do(self, statements: Callable[[Any], T]) -> T:
        """What `statements` give; on a new connection where the one of before turns out to be of no use any more.

        Raises:
            StorageError, RowRefusedError: the database failed, or refuses the row.
        """
        fresh = self._open()
        for attempt in (1, 2):
            try:
                result = statements(self.connection)
                if self.database.intact(self.connection):
                    return result
                error: Exception = StorageError("missing", _GONE)
                stale = True
            except self.database.errors as raised:
                error, stale = self.database.explain(raised), not fresh and self.database.is_stale(raised)
            if not isinstance(error, StorageError):
                raise error
            self.close()
            if self._aborted:
                raise error
            if attempt == 2 or not stale:
                self._on_error(error.reason)
                raise error
            if error.reason != "unreachable":
                self._on_error(error.reason)
            log.info("agentobs: the feedback store %s is connected to again: %s", self.database.where, error)
            fresh = self._open()
        raise AssertionError("unreachable")

    def _open(self) -> bool:
        """Connect where there is no connection that can be used; whether it is a new one."""
        if self.connection is not None and self.database.intact(self.connection):
            return False
        if self.connection is not None and self.database.local:
            log.warning("agentobs: the feedback store %s is opened again: %s", self.database.where, _GONE)
            self._on_error("missing")
        self.close()
        try:
            self.database.create()
            self.connection = self.database.connect()
            prepare(self.database, self.connection, CREATE)
        except (StorageError, *self.database.errors) as error:  # type: ignore[misc]
            self.close()
            explained = error if isinstance(error, StorageError) else self.database.explain(error)
            failure = explained if isinstance(explained, StorageError) else StorageError("other", first_line(error))
            self._on_error(failure.reason)
            raise failure from error
        if self._aborted:
            self.close()
            raise StorageError("timeout", "nobody waits for it any more")
        return True

    def take(self, limit: Limit) -> None:
        """Count one request against a limit that all processes share.

        Raises:
            RateLimitedError: there are too many.
        """
        if not self._share_limits:
            return
        statements = self.database.statements
        values = [limit.key, limit.interval_s, limit.interval_s, limit.burst_s]
        self._taken += 1

        def take(connection: Any) -> float | None:
            if self._taken % _FORGET_EVERY == 1:
                connection.execute(statements.forget_limits)
            if connection.execute(statements.take, values).fetchone() is not None:
                return None
            row = connection.execute(statements.wait, [limit.key]).fetchone()
            return max(0.0, float(row[0]) - limit.burst_s) if row is not None else None

        try:
            wait_s = self.do(take)
        except StorageError as error:
            if error.reason not in ("denied", "schema"):
                raise
            log.warning("agentobs: limits are those of each process, because the feedback store says: %s", error)
            self._share_limits = False
            return
        if wait_s is not None:
            raise RateLimitedError(wait_s)

    def put(self, row: Row, replay: bool, ids: int | None) -> Revision | None:
        """Write a row; see `Store.put`."""
        statements = self.database.statements
        values = [getattr(row, name) for name in COLUMNS]
        attempts = 0

        def put(connection: Any) -> Revision | None:
            nonlocal attempts
            attempts += 1
            if ids is not None:
                others = connection.execute(statements.count_ids, [row.subject, row.key]).fetchone()[0]
                if others >= ids:
                    raise TooManyIdsError
            written = connection.execute(statements.replay if replay else statements.put, values).fetchone()
            if written is None and (replay or attempts > 1):
                # An attempt whose answer was lost may have been carried out all the same.
                written = connection.execute(statements.own, [row.key, row.digest, row.updated_s]).fetchone()
            return None if written is None else Revision(*written)

        return self.do(put)


class Store:
    """One table of feedback; `on_error` is told the reason of every failure.

    Nothing is connected before the first row, so that processes can fork after `check`.
    """

    def __init__(self, database: Database, on_error: OnError = lambda reason: None) -> None:
        self._database = database
        self.on_error = on_error
        self._rest_until_s = 0.0
        self._failing = False
        self._workers: list[Worker[Session]] = []
        self._begin()
        weakref.finalize(self, _stop, self._workers)

    def _begin(self) -> None:
        # A connection that a parent process has opened is the parent's: it is neither used nor closed here.
        _INHERITED.extend(self._workers)
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._workers[:] = [self._worker()]

    def _worker(self) -> Worker[Session]:
        reference = weakref.ref(self)

        def report(reason: str) -> None:
            store = reference()
            if store is not None:
                store.on_error(reason)

        return Worker(Session(self._database, report), Session.close)

    @property
    def where(self) -> str:
        """The database in words, without a password."""
        return self._database.where

    def check(self) -> None:
        """Connect once, make the tables where they are missing, and check their version.

        Raises:
            ConfigError: the file cannot be used, or the tables are not ones that this version may write to.
            StorageError: the server is out of reach at the moment.
        """
        try:
            self._database.create()
            with closing(self._database.connect()) as connection:
                prepare(self._database, connection, CREATE)
        except (StorageError, *self._database.errors) as error:  # type: ignore[misc]
            explained = error if isinstance(error, StorageError) else self._database.explain(error)
            reason = explained.reason if isinstance(explained, StorageError) else "other"
            if self._database.local or reason in ("schema", "denied"):
                raise ConfigError(f"the feedback store {self.where} cannot be used: {first_line(error)}") from error
            raise StorageError(reason, first_line(error)) from error

    def put(
        self, row: Row, *, replay: bool = False, limit: Limit | None = None, ids: int | None = None
    ) -> Revision | None:
        """Write a row; its revision, or `None` where the database has the same content already.

        Args:
            row: what to write.
            replay: it has waited, and must not replace what was written later than it.
            limit: a rate to be kept by all processes together.
            ids: how many ratings its subject may have.

        Raises:
            StorageError: the database failed, did so a moment ago, or did not answer in time.
            RowRefusedError: the database refuses this row.
            RateLimitedError, TooManyIdsError: a limit was reached.
        """
        if not replay and time.monotonic() < self._rest_until_s:
            raise StorageError("resting", f"{self.where} failed a moment ago")

        def job(session: Session) -> Revision | None:
            if limit is not None:
                session.take(limit)
            return session.put(row, replay, ids)

        try:
            revision = self._run(job)
        except StorageError as error:
            self._failed(error)
            raise
        if self._failing:
            self._failing, self._rest_until_s = False, 0.0
            log.warning("agentobs: the feedback store %s works again", self.where)
        return revision

    def _run(self, job: Callable[[Session], T]) -> T:
        if self._process != os.getpid():  # not by a hook of Python, which not every server's fork calls
            self._begin()
        with self._lock:
            worker = self._workers[0]
        try:
            return worker.run(job, DEADLINE_S)
        except DeadlineError as late:
            self.on_error("timeout")
            if late.running:
                self._abandon(worker)
            raise StorageError("timeout", f"no answer within {DEADLINE_S:g} s") from None

    def _abandon(self, worker: Worker[Session]) -> None:
        """Leave a worker whose database does not answer to itself, and go on with a new one."""
        with self._lock:
            if self._workers[0] is not worker:
                return
            self._workers[0] = self._worker()
        worker.session.abort()
        worker.stop()

    def _failed(self, error: StorageError) -> None:
        self._rest_until_s = time.monotonic() + REST_S
        if not self._failing:
            self._failing = True
            log.warning("agentobs: the feedback store %s failed (%s): %s", self.where, error.reason, error)

    def rows(self, since_s: float = 0.0, names: tuple[str, ...] = ()) -> Iterator[Row]:
        """The rows that were written or changed since a time, oldest first; on a connection of its own.

        Raises:
            StorageError: the database failed, or its tables are of another version.
        """
        statement = self._database.statements.select(len(names))
        try:
            with closing(self._database.connect()) as connection:
                self._require_current(connection)
                with self._database.stream(connection, statement, (since_s, *names)) as rows:
                    for values in rows:
                        yield Row(*values)
        except self._database.errors as error:
            raise self._told(error) from error

    def erase(self, selection: Selection) -> int:
        """Delete the selected rows, on a connection of its own; how many there were.

        Raises:
            StorageError: the database failed.
        """
        statement, values = self._database.statements.erase(selection)
        try:
            with closing(self._database.connect()) as connection:
                self._require_current(connection)
                return int(connection.execute(statement, values).rowcount)
        except self._database.errors as error:
            raise self._told(error) from error

    def forget(self, before_s: float) -> int:
        """Delete what was last changed before a time, on the connection of the store; how many rows there were.

        Raises:
            StorageError: the database failed, or did not answer in time.
        """
        statement, values = self._database.statements.erase(Selection(before_s=before_s))
        return self._run(
            lambda session: session.do(lambda connection: int(connection.execute(statement, values).rowcount))
        )

    def migrate(self) -> int | None:
        """Bring the tables to the newest version; the version that they had, `None` where there are none.

        Raises:
            StorageError: the database failed, or the tables are not ours.
        """
        try:
            with closing(self._database.connect()) as connection:
                return migrate(self._database, connection)
        except self._database.errors as error:
            raise self._told(error) from error

    def _require_current(self, connection: Any) -> None:
        version = schema_version(self._database, connection)
        if version is None:
            raise StorageError("schema", f"{self.where} has no table {TABLE}")
        if version != SCHEMA_VERSION:
            raise outdated(version, self.where)

    def _told(self, error: Exception) -> StorageError:
        explained = self._database.explain(error)
        reason = explained.reason if isinstance(explained, StorageError) else "other"
        return StorageError(reason, f"{self.where}: {first_line(error)}")

    def close(self) -> None:
        """Close the connection; the next row opens a new one."""
        if self._process == os.getpid():
            with self._lock:
                _stop(self._workers)
                self._workers[:] = [self._worker()]


_INHERITED: list[Worker[Session]] = []
"""Workers of the parent process, kept so that nothing closes what belongs to the parent."""


def _stop(workers: list[Worker[Session]]) -> None:
    for worker in workers:
        worker.stop()


def open_store(url: str) -> Store:
    """The store at `url`, which nobody has connected to yet.

    Raises:
        ConfigError: the URL is of no known kind, or its driver is not installed.
    """
    scheme, separator, _ = url.partition("://")
    if separator and scheme == "sqlite":
        from .sqlite import SQLite

        return Store(SQLite(url))
    if separator and scheme in ("postgresql", "postgres"):
        from .postgresql import PostgreSQL

        return Store(PostgreSQL(url))
    raise ConfigError(
        f"store={scheme + '://...' if separator else url!r} is not allowed; allowed are sqlite:///FILE and "
        "postgresql://USER@HOST/DATABASE"
    )
