"""`agentobs feedback export`."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from agentobs.cli import main
from agentobs.testing import Captured
from tests.support.endpoint.stores import checked, row
from tests.support.endpoint.twins import ASGI, token
from tests.support.stack import postgresql


@pytest.fixture
def url(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/feedback.db"
    store = checked(url)
    store.put(row(key="1", name="tone", label="rude", comment='=HYPERLINK("http://evil.example")', updated_s=86_400.0))
    store.put(row(key="2", name="facts", value=0.5, comment="grün, naïve", updated_s=172_800.5))
    store.close()
    return url


def test_json_lines(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feedback", "export", "--store", url]) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["name"], first["label"], first["value"]) == ("tone", "rude", None)
    assert (second["value"], second["comment"], second["updated"]) == (
        0.5,
        "grün, naïve",
        "1970-01-03T00:00:00.500000+00:00",
    )


def test_csv_that_a_spreadsheet_does_not_run(url: str, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    assert main(["feedback", "export", "--store", url, "--format", "csv", "--output", str(path)]) == 0
    with path.open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert first["comment"] == '\'=HYPERLINK("http://evil.example")'
    assert (second["value"], second["comment"], second["label"]) == ("0.5", "grün, naïve", "")


@pytest.mark.parametrize("text", [" =1+1", "\t=1", "\n@x", "\u00a0+1", "\ufeff-1", "\uff1d1", "\u3000=1", "  \r\n=1"])
def test_white_space_in_front_does_not_make_a_formula_of_a_text(text: str, tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path}/feedback.db", tmp_path / "out.csv"
    store = checked(url)
    store.put(row(comment=text, label=" plain"))
    store.close()
    assert main(["feedback", "export", "--store", url, "--format", "csv", "--output", str(path)]) == 0
    with path.open(newline="", encoding="utf-8") as file:
        (exported,) = csv.DictReader(file)
    assert (exported["comment"], exported["label"]) == (f"'{text}", " plain")


def test_names_and_times(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    main(["feedback", "export", "--store", url, "--name", "tone"])
    main(["feedback", "export", "--store", url, "--since", "1970-01-03"])
    assert [json.loads(line)["key"] for line in capsys.readouterr().out.splitlines()] == ["1", "2"]


def test_what_was_posted_comes_out_of_postgresql(seen: Captured, capsys: pytest.CaptureFixture[str]) -> None:
    with postgresql() as server:
        twin = ASGI(store=server.dsn)
        twin.post({"token": token(), "label": "4_stars", "name": "stars"})
        assert main(["feedback", "export", "--store", server.dsn]) == 0
    (exported,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert (exported["name"], exported["label"], exported["value"], exported["agent"]) == (
        "stars",
        "4_stars",
        0.75,
        "support",
    )
    assert exported["trace_id"] == seen.events[0].trace_id


@pytest.mark.parametrize("store", ["sqlite:////no/such/folder/x.db", "nonsense", "postgresql://127.0.0.1:1/none"])
def test_a_store_that_cannot_be_read_is_told(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feedback", "export", "--store", store]) == 2
    assert capsys.readouterr().err.startswith("agentobs feedback: ")


def test_export_makes_no_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["feedback", "export", "--store", f"sqlite:///{tmp_path}/feedback.db"]) == 2
    assert not list(tmp_path.iterdir())


def test_a_reader_that_goes_away_is_no_error(url: str) -> None:
    command = f"{sys.executable} -m agentobs feedback export --store '{url}' | true"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["feedback"], ["feedback", "export"], ["feedback", "export", "--since", "soon"]])
def test_a_wrong_command_line_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.delenv("AGENTOBS_FEEDBACK_STORE", raising=False)
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: agentobs feedback" in capsys.readouterr().err
