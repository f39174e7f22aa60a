"""`agentobs feedback`: export, erase and migrate what the store of the feedback endpoint has."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ..config import ConfigError

if TYPE_CHECKING:
    from ..endpoint.storage.rows import Row

_FORMULA = tuple(
    "=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
_INVISIBLE = "".join(map(chr, range(33))) + "\N{ZERO WIDTH NO-BREAK SPACE}\N{NO-BREAK SPACE}\N{IDEOGRAPHIC SPACE}"
_COLUMNS = (
    *("key", "name", "id", "value", "label", "comment", "correction", "source", "agent", "model", "level"),
    *("conversation_id", "trace_id", "span_id", "revision", "created", "updated", "withdrawn"),
)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    from ..endpoint.options import STORE_ENV

    parser = argparse.ArgumentParser(prog="agentobs feedback", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    export = actions.add_parser("export", help="write the feedback in a store as JSON lines or CSV, oldest first")
    export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    export.add_argument(
        "--since", type=_time, default=0.0, metavar="TIME", help="what changed from this ISO 8601 time on"
    )
    export.add_argument("--name", action="append", default=[], help="this name only; may be given more than once")
    export.add_argument("--output", default="-", metavar="FILE", help="instead of the standard output")
    erase = actions.add_parser(
        "erase", help="delete feedback from a store and from the spool of this machine; all conditions must hold"
    )
    erase.add_argument("--conversation", metavar="ID", help="feedback on answers of this conversation")
    erase.add_argument("--trace", metavar="ID", help="feedback on answers in this trace")
    erase.add_argument("--key", metavar="KEY", help="one rating: agentobs.feedback.id of its event, key of its export")
    erase.add_argument("--before", type=_time, metavar="TIME", help="what has not changed since this ISO 8601 time")
    erase.add_argument("--spool", metavar="FILE", help="where feedback waits, if not at the default place")
    migrate = actions.add_parser("migrate", help="bring the tables of a store to the version that this agentobs needs")
    for action in (export, erase, migrate):
        action.add_argument(
            "--store",
            default=os.environ.get(STORE_ENV),
            help=f"sqlite:///FILE or postgresql://...; else {STORE_ENV}",
        )
    arguments = parser.parse_args(argv)
    if not arguments.store:
        parser.error(f"there is no store: give --store, or set {STORE_ENV}")
    conditions = ("conversation", "trace", "key", "before")
    if arguments.action == "erase" and all(getattr(arguments, name) is None for name in conditions):
        parser.error("erase needs --conversation, --trace, --key or --before")
    return arguments


def _time(text: str) -> float:
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).timestamp()


def _record(row: Row) -> dict[str, object]:
    times = {"created": row.created_s, "updated": row.updated_s, "withdrawn": row.withdrawn_s}
    return {name: _iso(times[name]) if name in times else getattr(row, name) for name in _COLUMNS}


def _iso(time_s: float | None) -> str | None:
    return None if time_s is None else datetime.fromtimestamp(time_s, UTC).isoformat()


def _cell(value: object) -> object:
    """`value` as a spreadsheet may have it: a text that it would take for a formula is quoted.

    Spreadsheets skip white space and control characters in front of the sign.
    """
    if not isinstance(value, str):
        return value
    risky = value.lstrip(_INVISIBLE).startswith(_FORMULA) or value.startswith(("\t", "\r", "\n"))
    return f"'{value}" if risky else value


@contextmanager
def _opened(path: str) -> Iterator[TextIO]:
    if path == "-":
        yield sys.stdout
    else:
        with Path(path).open("w", encoding="utf-8", newline="") as file:
            yield file


def _write(rows: Iterator[Row], format_: str, output: TextIO) -> None:
    if format_ == "jsonl":
        output.writelines(json.dumps(_record(row), ensure_ascii=False) + "\n" for row in rows)
        return
    table = csv.writer(output, lineterminator="\n")
    table.writerow(_COLUMNS)
    for row in rows:
        table.writerow([_cell(value) for value in _record(row).values()])


def _export(arguments: argparse.Namespace) -> None:
    from ..endpoint.storage.store import open_store

    rows = open_store(arguments.store).rows(arguments.since, tuple(arguments.name))
    with _opened(arguments.output) as output:
        _write(rows, arguments.format, output)


def _erase(arguments: argparse.Namespace) -> None:
    from ..endpoint.erasure import erase_feedback

    erased = erase_feedback(
        arguments.store,
        conversation_id=arguments.conversation,
        trace_id=arguments.trace,
        key=arguments.key,
        before_s=arguments.before,
        spool=arguments.spool,
    )
    sys.stdout.write(f"erased {erased}; events and traces are erased where they are kept\n")


def _migrate(arguments: argparse.Namespace) -> None:
    from ..endpoint.storage.schema import SCHEMA_VERSION
    from ..endpoint.storage.store import open_store

    before = open_store(arguments.store).migrate()
    sys.stdout.write(
        "there are no tables; the endpoint makes them\n"
        if before is None
        else f"the tables had version {before} and have version {SCHEMA_VERSION}\n"
    )


_ACTIONS = {"export": _export, "erase": _erase, "migrate": _migrate}


def main(argv: Sequence[str]) -> int:
    """Run `agentobs feedback` and give its exit code."""
    from ..endpoint.storage.errors import StorageError

    arguments = _arguments(argv)
    try:
        _ACTIONS[arguments.action](arguments)
    except (ConfigError, StorageError, OSError) as error:
        sys.stderr.write(f"agentobs feedback: {error}\n")
        return 2
    return 0
