"""Keeping the feedback itself: SQLite and a real PostgreSQL, several processes, and databases that go away."""

from __future__ import annotations

import gc
import logging
import os
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from agentobs.config import ConfigError
from agentobs.endpoint import store as store_
from agentobs.endpoint.store import Row, Store, open_store, store_at
from agentobs.testing import Captured
from tests.support.endpoint.twins import ASGI, WSGI, token
from tests.support.stack import PostgreSQL, postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    with postgresql() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty store of one kind after the other."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/feedback.db"
        return
    server = request.getfixturevalue("server")
    server.psql(f"DROP TABLE IF EXISTS {store_.TABLE}")
    yield server.dsn


def rows(url: str) -> list[Row]:
    return list(open_store(url).rows())


def row(**changes: Any) -> Row:
    values = dict.fromkeys(store_.COLUMNS)
    return Row(
        **{
            **values,
            "key": "k",
            "name": "user_feedback",
            "id": "i",
            "source": "end_user",
            "digest": "d",
            "revision": 0,
            "created_s": 1.0,
            "updated_s": 1.0,
            **changes,
        }
    )


def test_what_was_said_is_kept_redacted_with_what_it_was_said_of(kind, seen: Captured, url: str) -> None:  # type: ignore[no-untyped-def]
    twin = kind(store=url)
    before = time.time()
    said = {"token": token(), "label": "thumbs_down", "comment": "write to bob@example.com, O'Neil ✓\x00", "id": "a"}
    assert twin.post(said).status == 202
    (kept,) = rows(url)
    span = seen.span("invoke_agent support")
    assert (kept.trace_id, kept.span_id, kept.agent) == (span.trace_id, span.span_id, "support")
    assert (kept.name, kept.id, kept.value, kept.label) == ("user_feedback", "a", 0.0, "thumbs_down")
    assert kept.comment == "write to [EMAIL], O'Neil ✓\N{REPLACEMENT CHARACTER}"
    assert (kept.level, kept.conversation_id, kept.source, kept.revision) == ("full", "conversation-7", "end_user", 0)
    assert before <= kept.created_s == kept.updated_s <= time.time()
    assert kept.key == seen.events[0].attributes["agentobs.feedback.id"]


def test_the_last_word_is_kept(kind, seen: Captured, url: str) -> None:  # type: ignore[no-untyped-def]
    twin, made = kind(store=url), token()
    for label in ("thumbs_down", "thumbs_down", "thumbs_up"):
        twin.post({"token": made, "label": label})
    (kept,) = rows(url)
    assert (kept.label, kept.value, kept.revision) == ("thumbs_up", 1.0, 1)
    assert kept.created_s < kept.updated_s
    assert len(seen.events) == 2
    assert seen.value("agentobs.feedback.received") == 1


def test_processes_that_share_a_store_count_feedback_once(seen: Captured, url: str) -> None:
    one, other, made = ASGI(store=url), WSGI(store=url), token()
    for twin, label in ((one, "thumbs_up"), (other, "thumbs_up"), (other, "thumbs_down"), (one, "thumbs_up")):
        assert twin.post({"token": made, "label": label}).status == 202
    (kept,) = rows(url)
    assert (kept.label, kept.revision) == ("thumbs_up", 2)
    assert seen.value("agentobs.feedback.received") == 1
    assert seen.value("agentobs.feedback.accepted", agentobs_feedback_arrival="repeated") == 1
    assert seen.value("agentobs.feedback.accepted", agentobs_feedback_arrival="changed") == 2


_WRITER = """
import sys
from agentobs.endpoint.store import store_at
from tests.endpoint.test_store import row
store = store_at(sys.argv[1])
print([store.put(row(key=f"k{n}", digest=sys.argv[2])) for n in range(50)])
"""


def test_processes_that_write_the_same_at_once_agree_on_its_revisions(url: str) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, url, digest], stdout=subprocess.PIPE, env=environ, text=True)
        for digest in "abc"
    ]
    said = [eval(writer.communicate(timeout=60)[0]) for writer in writers]  # noqa: S307  our own list of numbers
    assert [sorted(revisions) for revisions in zip(*said, strict=True)] == [[0, 1, 2]] * 50
    assert {kept.revision for kept in rows(url)} == {2}


def test_threads_may_write_at_once(url: str) -> None:
    store = store_at(url)
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda n: store.put(row(key=f"k{n}")), range(100))) == {0}
    store.close()
    assert len(rows(url)) == 100


def test_a_store_that_was_closed_opens_again(url: str) -> None:
    store = store_at(url)
    assert store.put(row()) == 0
    store.close()
    assert store.put(row()) is None
    store.close()


def test_rows_may_be_limited_to_names_and_times(url: str) -> None:
    store = store_at(url)
    for number, name in enumerate(("a", "b", "a", "c")):
        store.put(row(key=str(number), name=name, updated_s=float(number)))
    store.close()
    assert [kept.key for kept in store.rows(1.0)] == ["1", "2", "3"]
    assert [kept.key for kept in store.rows(names=("a", "c"))] == ["0", "2", "3"]


def test_a_file_is_for_its_owner_only(tmp_path: Path) -> None:
    store_at(f"sqlite:///{tmp_path}/feedback.db")
    assert stat.S_IMODE((tmp_path / "feedback.db").stat().st_mode) == 0o600


def test_an_account_that_may_only_write_is_enough(server: PostgreSQL) -> None:
    server.psql(f"DROP TABLE IF EXISTS {store_.TABLE}")
    store_at(server.dsn)
    server.psql(
        "DROP OWNED BY writer" if server.psql("SELECT 1 FROM pg_roles WHERE rolname = 'writer'") else "SELECT 1"
    )
    server.psql(
        f"DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN; GRANT SELECT, INSERT, UPDATE ON {store_.TABLE} TO writer"
    )
    store = store_at(server.dsn.replace("postgres@", "writer@"))
    assert store.put(row()) == 0
    store.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////no/such/folder/feedback.db", "cannot be used"),
        ("sqlite:////dev/null/feedback.db", "cannot be used"),
        ("postgresql://user:hunter2@127.0.0.1:1/none", "cannot be used"),
        ("postgresql://user:hunter2@[::1/none", "malformed"),
        ("postgresql://user:hunter2@127.0.0.1/none?nonsense=1", "malformed"),
        ("mysql://user:hunter2@localhost/none", "allowed are sqlite:///FILE and"),
        ("feedback.db", "allowed are sqlite:///FILE and"),
    ],
)
def test_a_store_that_cannot_be_reached_is_an_error_when_the_app_is_made(kind, url: str, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=message) as caught:
        kind(store=url)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_database_is_an_error_when_the_app_is_made(kind, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "feedback.db").write_text("these are not the bytes of a database" * 100)
    with pytest.raises(ConfigError, match="cannot be used: file is not a database"):
        kind(store=f"sqlite:///{tmp_path}/feedback.db")


def test_strict_needs_a_store(kind) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match="strict=True needs a store"):
        kind(strict=True)


def test_the_variable_names_the_store(kind, seen: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("AGENTOBS_FEEDBACK_STORE", f"sqlite:///{tmp_path}/feedback.db")
    kind().post({"token": token(), "label": "thumbs_up"})
    assert len(rows(f"sqlite:///{tmp_path}/feedback.db")) == 1


def _lose(path: Path) -> None:
    """Make a table go away under a program that writes to it."""
    connection = sqlite3.connect(path)
    connection.execute(f"DROP TABLE {store_.TABLE}")
    connection.close()


def test_a_database_lost_while_running_costs_its_rows_and_nothing_else(
    kind,  # type: ignore[no-untyped-def]
    seen: Captured,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    twin = kind(store=f"sqlite:///{tmp_path}/feedback.db")
    _lose(tmp_path / "feedback.db")
    with caplog.at_level(logging.WARNING):
        assert [twin.post({"token": token(), "label": "thumbs_up"}).status for _ in range(3)] == [202] * 3
    assert seen.value("agentobs.feedback.received") == 3
    assert seen.value("agentobs.dropped", agentobs_drop_reason="feedback_storage") == 3
    assert len([record for record in caplog.records if "failed, telemetry goes on" in record.message]) == 1


def test_a_strict_endpoint_answers_503_and_counts_nothing_twice(kind, seen: Captured, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    twin, made = kind(store=f"sqlite:///{tmp_path}/feedback.db", strict=True), token()
    _lose(tmp_path / "feedback.db")
    answer = twin.post({"token": made, "label": "thumbs_up"})
    assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "storage", "10")
    assert seen.value("agentobs.feedback.received") == 0
    assert seen.value("agentobs.feedback.rejected", agentobs_feedback_rejection="storage") == 1
    store_at(f"sqlite:///{tmp_path}/feedback.db")
    twin.app._endpoint.options.store._rest_until_s = 0.0
    assert twin.post({"token": made, "label": "thumbs_up"}).status == 202
    assert seen.value("agentobs.feedback.received") == 1


def test_a_server_that_crashes_is_found_again(seen: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_, "_REST_S", 0.0)
    with postgresql() as server:
        twin = ASGI(store=server.dsn)
        assert twin.post({"token": token(), "label": "thumbs_up"}).status == 202
        server.process.stop()
        assert twin.post({"token": token(), "label": "thumbs_down"}).status == 202
        assert seen.value("agentobs.dropped", agentobs_drop_reason="feedback_storage") == 1
        server.process.start()
        assert twin.post({"token": token(), "label": "thumbs_up"}).status == 202
        assert [kept.label for kept in rows(server.dsn)] == ["thumbs_up", "thumbs_up"]
        store: Store = twin.app._endpoint.options.store
        store.close()


def test_while_a_database_is_down_nobody_waits_for_it(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = store_at(url)
    attempts = []

    def connect() -> Any:
        attempts.append(1)
        raise store._database.errors[0]("down")

    monkeypatch.setattr(store._database, "connect", connect)
    for _ in range(5):
        with pytest.raises(store_.StoreError):
            store.put(row())
    assert len(attempts) == 1


def test_a_child_process_does_not_use_its_parents_connection(url: str) -> None:
    store = store_at(url)
    store.put(row(key="parent"))
    held = store._held.connection
    store._held.process = -1  # as after a fork
    store.put(row(key="child"))
    assert store._held.connection is not held
    store.close()
    held.close()


def test_a_store_that_nobody_has_any_more_closes_its_connection(url: str) -> None:
    store = store_at(url)
    store.put(row())
    held = store._held
    del store
    gc.collect()
    assert held.connection is None
