"""Recorded exchanges of real providers. They are not part of the project; AGENTOBS_CORPUS names the folder with their
`index.csv`, and where it names none, the tests that replay them are skipped.
"""

from __future__ import annotations

import base64
import csv
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import needs
from tests.support.loopback import Answer

FOLDER = os.environ.get("AGENTOBS_CORPUS", "")
NO_RECORDINGS = needs.reason("AGENTOBS_CORPUS names no folder of recordings", "AGENTOBS_CORPUS=FOLDER bash tests/run")
# Headers that describe the recording's own transport; the replay has a transport of its own.
_TRANSPORT = {"transfer-encoding", "content-length", "content-encoding", "connection"}
Row = dict[str, str]


def rows(wanted: Callable[[Row], bool], what: str) -> list[Any]:
    """The rows of the index that are `wanted`, as parameters of a test; `what` names them where there are none."""
    if not FOLDER:
        return [pytest.param({}, marks=pytest.mark.skip(reason=NO_RECORDINGS))]
    with (Path(FOLDER) / "index.csv").open(encoding="utf-8", newline="") as file:
        found = [row for row in csv.DictReader(file) if wanted(row)]
    assert found, f"AGENTOBS_CORPUS={FOLDER} has no exchange of {what}"
    return [pytest.param(row, id=Path(row["file"]).stem) for row in found]


def exchange_of(row: Row) -> dict[str, Any]:
    """The whole recording of a row."""
    exchange: dict[str, Any] = json.loads((Path(FOLDER) / row["file"]).read_text(encoding="utf-8"))
    return exchange


def answer_of(exchange: dict[str, Any]) -> Answer:
    """The recorded answer, for the loopback server to give again."""
    response = exchange["response"]
    body = response["body"].encode() if "body" in response else base64.b64decode(response["body_b64"])
    headers = {name: value for name, value in response["headers"].items() if name.lower() not in _TRANSPORT}
    if body.startswith((b"data:", b"event:")):
        headers.setdefault("content-type", "text/event-stream")
        return Answer(response["status"], headers=headers, chunks=[block + b"\n\n" for block in body.split(b"\n\n")])
    headers.setdefault("content-type", "application/json")
    return Answer(response["status"], body, headers)


def number(text: str) -> int | None:
    """A count of the index; an empty field is unknown."""
    return int(text) if text else None


def added(first: int | None, second: int | None) -> int | None:
    """The sum of two counts of which either may be unknown."""
    return second if first is None else first + (second or 0)
