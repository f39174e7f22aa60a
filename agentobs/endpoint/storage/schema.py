"""The tables and statements that both databases take, and the versions of the schema.

A rating is written by one `INSERT ... ON CONFLICT`, so processes that write the same one at once agree on its revision.
"""

# ruff: noqa: S608  statements are put together from names of this file, values are parameters

from __future__ import annotations

from collections.abc import Set as AbstractSet

from .errors import StorageError
from .rows import COLUMNS, CONTENT, Selection

SCHEMA_VERSION = 2
TABLE = "agentobs_feedback"
VERSIONS = "agentobs_feedback_schema"
LIMITS = "agentobs_feedback_limits"

_NUMBERS = ("value", "previous_value", "created_s", "updated_s", "withdrawn_s")
_NOT_NULL = ("name", "id", "source", "digest", "created_s", "updated_s", "revision")
_ADDED = ("subject", "correction", "withdrawn_s", "previous_value", "previous_label")
"""Columns that version 2 has and version 1 had not."""


def _column(name: str) -> str:
    if name == "key":
        return "key text PRIMARY KEY"
    type_ = "integer" if name == "revision" else "double precision" if name in _NUMBERS else "text"
    return f"{name} {type_}" + (" NOT NULL" if name in _NOT_NULL else "")


_INDEXES = tuple(
    f"CREATE INDEX IF NOT EXISTS {TABLE}_{column} ON {TABLE} ({column})"
    for column in ("updated_s", "subject", "conversation_id")
)
_COMPANIONS = (
    f"CREATE TABLE IF NOT EXISTS {LIMITS} (key text PRIMARY KEY, empty_at_s double precision NOT NULL)",
    f"CREATE TABLE IF NOT EXISTS {VERSIONS} (version integer NOT NULL)",
)

CREATE = (
    f"CREATE TABLE IF NOT EXISTS {TABLE} ({', '.join(_column(name) for name in COLUMNS)})",
    *_INDEXES,
    *_COMPANIONS,
    f"INSERT INTO {VERSIONS} (version) SELECT {SCHEMA_VERSION} WHERE NOT EXISTS (SELECT 1 FROM {VERSIONS})",
)

MIGRATIONS = {
    1: (
        *(f"ALTER TABLE {TABLE} ADD COLUMN {_column(name)}" for name in _ADDED),
        f"UPDATE {TABLE} SET subject = trace_id || ':' || span_id WHERE trace_id IS NOT NULL AND span_id IS NOT NULL",
        *_INDEXES,
        *_COMPANIONS,
        f"DELETE FROM {VERSIONS}",
        f"INSERT INTO {VERSIONS} (version) VALUES (2)",
    ),
}
"""By the version that they lead away from; each leads to the next one."""


def version_of(columns: AbstractSet[str], recorded: int | None) -> int:
    """The version of a table with these columns, whose version is `recorded` or, before there was one, is not.

    Raises:
        StorageError: the table is not one of ours, or is newer than this agentobs.
    """
    version = 1 if recorded is None else recorded
    if version > SCHEMA_VERSION:
        raise StorageError(
            "schema",
            f"the table {TABLE} has schema version {version}, and this agentobs knows versions up to {SCHEMA_VERSION}; "
            "update agentobs",
        )
    expected = frozenset(COLUMNS) - (frozenset(_ADDED) if version < 2 else frozenset())
    missing, foreign = sorted(expected - columns), sorted(columns - expected)
    if missing or foreign:
        differences = [f"lacks {', '.join(missing)}"] if missing else []
        differences += (
            [f"has {', '.join(foreign)} besides" if not missing else f"has {', '.join(foreign)}"] if foreign else []
        )
        raise StorageError(
            "schema",
            f"the table {TABLE} is not one that agentobs made: it {' and '.join(differences)}; rename it, or give "
            "another database",
        )
    return version


def outdated(version: int, url: str) -> StorageError:
    """The error where the tables are of an older version."""
    return StorageError(
        "schema",
        f"the table {TABLE} has schema version {version}, and this agentobs needs {SCHEMA_VERSION}; run once: "
        f"agentobs feedback migrate --store {url}",
    )


_RETURNED = "revision, previous_value, previous_label, agent, model, level"


class Statements:
    """The statements in one database's dialect: its placeholder, its larger-of-two, its time in seconds of the epoch."""

    def __init__(self, mark: str, greatest: str, now_s: str) -> None:
        self._mark = mark
        columns, marks = ", ".join(COLUMNS), ", ".join(mark for _ in COLUMNS)
        replaced = ", ".join(f"{name} = excluded.{name}" for name in CONTENT)
        self.put = (
            f"INSERT INTO {TABLE} ({columns}) VALUES ({marks}) ON CONFLICT (key) DO UPDATE SET {replaced}, "
            f"previous_value = {TABLE}.value, previous_label = {TABLE}.label, revision = {TABLE}.revision + 1 "
            f"WHERE {TABLE}.digest <> excluded.digest"
        )
        # What waited in a spool is older than what may have been written meanwhile.
        self.replay = f"{self.put} AND {TABLE}.updated_s <= excluded.updated_s RETURNING {_RETURNED}"
        self.put += f" RETURNING {_RETURNED}"
        self.own = f"SELECT {_RETURNED} FROM {TABLE} WHERE key = {mark} AND digest = {mark} AND updated_s = {mark}"
        self.count_ids = f"SELECT count(*) FROM {TABLE} WHERE subject = {mark} AND key <> {mark}"
        ahead = f"{greatest}({LIMITS}.empty_at_s, {now_s})"
        self.take = (
            f"INSERT INTO {LIMITS} (key, empty_at_s) VALUES ({mark}, {now_s} + {mark}) ON CONFLICT (key) DO UPDATE "
            f"SET empty_at_s = {ahead} + {mark} WHERE {ahead} - {now_s} <= {mark} RETURNING empty_at_s"
        )
        self.wait = f"SELECT empty_at_s - {now_s} FROM {LIMITS} WHERE key = {mark}"
        self.forget_limits = f"DELETE FROM {LIMITS} WHERE empty_at_s < {now_s}"
        self.version = f"SELECT version FROM {VERSIONS}"

    def select(self, names: int) -> str:
        """The statement that reads rows from a time on, oldest first, of so many names or of all."""
        only = f" AND name IN ({', '.join(self._mark for _ in range(names))})" if names else ""
        return f"SELECT {', '.join(COLUMNS)} FROM {TABLE} WHERE updated_s >= {self._mark}{only} ORDER BY updated_s, key"

    def erase(self, selection: Selection) -> tuple[str, list[object]]:
        """The statement that deletes the selected rows, with its values."""
        conditions: list[tuple[str, object]] = [
            (f"conversation_id = {self._mark}", selection.conversation_id),
            (f"trace_id = {self._mark}", selection.trace_id),
            (f"key = {self._mark}", selection.key),
            (f"updated_s < {self._mark}", selection.before_s),
        ]
        given = [(condition, value) for condition, value in conditions if value is not None]
        where = " AND ".join(condition for condition, _ in given)
        return f"DELETE FROM {TABLE} WHERE {where}", [value for _, value in given]
