"""Where feedback waits on this machine while the store is out of reach: a SQLite file with a bounded number of rows.

The processes of a machine share it. Who sends a row takes a lease on it first, so that two never send the same, and
deletes it afterwards; a process that dies in between leaves a lease that runs out. Nothing stays open between two calls.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .errors import StorageError, first_line
from .rows import Selection, Submission

MOST_ROWS = 10_000
LEASE_S = 30.0
_BUSY_S = 1.0
_CREATE = (
    "CREATE TABLE IF NOT EXISTS spool (id integer PRIMARY KEY AUTOINCREMENT, submission text NOT NULL, "
    "leased_until_s double precision NOT NULL DEFAULT 0)"
)


class Spool:
    """The file at `path`; it is made by the first row."""

    def __init__(self, path: str, most_rows: int = MOST_ROWS) -> None:
        self.path = os.path.abspath(path)
        self._most_rows = most_rows

    def add(self, submission: Submission) -> None:
        """Keep a submission on this machine.

        Raises:
            StorageError: the file cannot be written, or has as many rows as it may.
        """
        with self._opened(create=True) as connection:
            (rows,) = connection.execute("SELECT count(*) FROM spool").fetchone()
            if rows >= self._most_rows:
                raise StorageError("full", f"{rows} rows wait in {self.path}")
            connection.execute("INSERT INTO spool (submission) VALUES (?)", [submission.to_json()])

    def lease(self, rows: int) -> list[tuple[int, Submission | None]]:
        """The oldest rows that nobody else has a lease on, with their numbers; `None` for one that cannot be read.

        Raises:
            StorageError: the file cannot be used.
        """
        if not self.exists:
            return []
        now_s = time.time()
        with self._opened() as connection:
            leased = connection.execute(
                "UPDATE spool SET leased_until_s = ? WHERE id IN "
                "(SELECT id FROM spool WHERE leased_until_s < ? ORDER BY id LIMIT ?) RETURNING id, submission",
                [now_s + LEASE_S, now_s, rows],
            ).fetchall()
        return [(number, _read(text)) for number, text in sorted(leased)]

    def done(self, number: int) -> None:
        """Delete a row that has been sent, or that nobody will ever take."""
        with self._opened() as connection:
            connection.execute("DELETE FROM spool WHERE id = ?", [number])

    def give_back(self, numbers: list[int]) -> None:
        """Let go of rows that could not be sent."""
        with self._opened() as connection:
            connection.executemany("UPDATE spool SET leased_until_s = 0 WHERE id = ?", [[number] for number in numbers])

    def waiting(self) -> int:
        """How many rows there are, leased ones too.

        Raises:
            StorageError: the file cannot be read.
        """
        if not self.exists:
            return 0
        with self._opened() as connection:
            return int(connection.execute("SELECT count(*) FROM spool").fetchone()[0])

    def erase(self, selection: Selection) -> int:
        """Delete the selected rows; how many there were.

        Raises:
            StorageError: the file cannot be used.
        """
        if not self.exists:
            return 0
        with self._opened() as connection:
            rows = [(number, _read(text)) for number, text in connection.execute("SELECT id, submission FROM spool")]
            selected = [[number] for number, submission in rows if submission and selection.fits(submission.row)]
            connection.executemany("DELETE FROM spool WHERE id = ?", selected)
        return len(selected)

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return os.path.exists(self.path)

    @contextmanager
    def _opened(self, create: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            if create:
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600))
            uri = f"{Path(self.path).as_uri()}?mode=rw"
            with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)) as connection:
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(_CREATE)
                yield connection
                connection.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            raise StorageError("spool", f"{self.path}: {first_line(error)}") from error


def _read(text: str) -> Submission | None:
    try:
        return Submission.from_json(text)
    except ValueError:
        return None


def default_path(where: str) -> str | None:
    """The path of the spool for the store `where` if none is given; `None` where this account may write nowhere.

    It is in the state folder of the account ($XDG_STATE_HOME, else ~/.local/state), else in the temporary folder.
    """
    name = f"feedback-{hashlib.sha256(where.encode()).hexdigest()[:16]}.db"
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    own = f"agentobs-{os.getuid()}" if hasattr(os, "getuid") else "agentobs"
    for folder in (os.path.join(state, "agentobs"), os.path.join(tempfile.gettempdir(), own)):
        if os.path.isabs(folder) and _private(folder):
            return os.path.join(folder, name)
    return None


def _private(folder: str) -> bool:
    """Make the folder where it is missing; whether it is one that only this account may write to."""
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        status = os.lstat(folder)
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode) or not os.access(folder, os.W_OK | os.X_OK):
        return False
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & 0o022)
