"""`agentobs feedback export`: what users said, from the store of the endpoint, as JSON lines or CSV."""

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

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = (
    *("key", "name", "id", "value", "label", "comment", "source", "agent", "model", "level", "conversation_id"),
    *("trace_id", "span_id", "revision", "created", "updated"),
)


def _arguments(argv: Sequence[str]) -> argparse.Namespace:
    from ..endpoint.options import STORE_ENV

    parser = argparse.ArgumentParser(prog="agentobs feedback", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    export = actions.add_parser("export", help="write the feedback that a store holds, oldest first")
    export.add_argument(
        "--store",
        default=os.environ.get(STORE_ENV),
        help=f"sqlite:///FILE or postgresql://...; else {STORE_ENV}",
    )
    export.add_argument("--format", choices=("jsonl", "csv"), default="jsonl")
    export.add_argument(
        "--since", type=_time, default=0.0, metavar="TIME", help="what was said or changed from this ISO 8601 time on"
    )
    export.add_argument("--name", action="append", default=[], help="this name only; may be given more than once")
    export.add_argument("--output", default="-", metavar="FILE", help="instead of the standard output")
    arguments = parser.parse_args(argv)
    if not arguments.store:
        parser.error(f"there is no store: give --store, or set {STORE_ENV}")
    return arguments


def _time(text: str) -> float:
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def _record(row: Row) -> dict[str, object]:
    times = {"created": row.created_s, "updated": row.updated_s}
    return {
        name: datetime.fromtimestamp(times[name], UTC).isoformat() if name in times else getattr(row, name)
        for name in _COLUMNS
    }


def _cell(value: object) -> object:
    """`value` as a spreadsheet may have it: a text that it would take for a formula is quoted."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


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


def main(argv: Sequence[str]) -> int:
    """Run `agentobs feedback` and give its exit code."""
    from ..endpoint.storage.errors import StorageError
    from ..endpoint.storage.store import open_store

    arguments = _arguments(argv)
    try:
        rows = open_store(arguments.store).rows(arguments.since, tuple(arguments.name))
        with _opened(arguments.output) as output:
            _write(rows, arguments.format, output)
    except (ConfigError, StorageError, OSError) as error:
        sys.stderr.write(f"agentobs feedback: {error}\n")
        return 2
    return 0
