"""Feedback that has to go: erased by an operator, or at the end of its retention."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from agentobs.cli import main
from agentobs.config import ConfigError
from agentobs.endpoint import erase_feedback
from agentobs.endpoint.storage.rows import Submission
from agentobs.endpoint.storage.spool import Spool
from agentobs.testing import Captured
from tests.support.endpoint.stores import OLD_TABLE, checked, empty, outcomes, row, rows, thumb
from tests.support.stack import PostgreSQL


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store with four ratings, of one kind after the other."""
    kind = request.param
    url = f"sqlite:///{tmp_path}/feedback.db" if kind == "sqlite" else empty(request.getfixturevalue("server"))
    store = checked(url)
    for number, conversation in enumerate(("a", "a", "b", "b")):
        store.put(
            row(
                key=str(number),
                conversation_id=conversation,
                trace_id="12"[number % 2] * 32,
                updated_s=number * 86_400.0,
            )
        )
    store.close()
    return url


@pytest.mark.parametrize(
    ("options", "left"),
    [
        (["--conversation", "a"], "23"),
        (["--trace", "1" * 32], "13"),
        (["--key", "2"], "013"),
        (["--before", "1970-01-03"], "23"),
        (["--conversation", "b", "--before", "1970-01-04"], "013"),
        (["--conversation", "nobody's"], "0123"),
    ],
)
def test_what_fits_every_condition_is_erased(
    url: str, options: list[str], left: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["feedback", "erase", "--store", url, *options]) == 0
    assert "".join(kept.key for kept in rows(url)) == left
    assert capsys.readouterr().out.startswith(f"erased {4 - len(left)};")


def test_what_waits_in_the_spool_is_erased_too(url: str, tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "spool.db"))
    for number, conversation in enumerate("ab"):
        spool.add(Submission(row(key=f"waits {number}", conversation_id=conversation)))
    assert erase_feedback(url, conversation_id="a", spool=spool.path) == 3
    assert [item.row.conversation_id for _, item in spool.lease(5) if item] == ["b"]


def test_erased_texts_are_not_left_in_the_file_of_the_spool(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/feedback.db"
    checked(url)
    spool = Spool(str(tmp_path / "spool.db"))
    spool.add(Submission(row(conversation_id="a", comment="the words of Bob")))
    assert b"words of Bob" in Path(spool.path).read_bytes()
    erase_feedback(url, conversation_id="a", spool=spool.path)
    assert b"words of Bob" not in Path(spool.path).read_bytes()


@pytest.mark.parametrize("arguments", [[], ["--before", "soon"]])
def test_an_erasure_without_a_condition_is_refused(arguments: list[str], tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/feedback.db"
    checked(url)
    with pytest.raises(SystemExit):
        main(["feedback", "erase", "--store", url, *arguments])
    with pytest.raises(ValueError, match="needs a conversation"):
        erase_feedback(url)


def test_an_erasure_needs_a_store() -> None:
    with pytest.raises(ConfigError, match="there is no store"):
        erase_feedback(conversation_id="a")


def test_what_is_past_its_retention_is_deleted_by_the_endpoint(kind, seen: Captured, url: str) -> None:  # type: ignore[no-untyped-def]
    store = checked(url)
    store.put(row(key="recent", updated_s=time.time() - 86_400))
    store.close()
    twin = kind(store=url, retention_days=30)
    assert twin.post(thumb()).status == 202
    assert len(rows(url)) == 2
    assert outcomes(seen) == {"stored": 1, "expired": 4}


def test_without_a_retention_everything_is_kept(kind, seen: Captured, url: str) -> None:  # type: ignore[no-untyped-def]
    assert kind(store=url).post(thumb()).status == 202
    assert len(rows(url)) == 5


def test_tables_are_migrated_by_a_command(server: PostgreSQL, capsys: pytest.CaptureFixture[str]) -> None:
    url = empty(server)
    assert main(["feedback", "migrate", "--store", url]) == 0
    assert "there are no tables" in capsys.readouterr().out
    server.psql(OLD_TABLE)
    assert main(["feedback", "export", "--store", url]) == 2
    assert f"agentobs feedback migrate --store {url}".replace("postgres@", "") in capsys.readouterr().err
    assert main(["feedback", "migrate", "--store", url]) == 0
    assert "had version 1 and have version 2" in capsys.readouterr().out
    assert main(["feedback", "export", "--store", url]) == 0
