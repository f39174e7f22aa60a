"""Keeping the feedback itself: SQLite and a real PostgreSQL, written by several processes and threads."""

from __future__ import annotations

import gc
import os
import sqlite3
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from agentobs.config import ConfigError
from agentobs.endpoint.storage.schema import LIMITS, TABLE, VERSIONS
from agentobs.endpoint.storage.store import open_store
from agentobs.testing import Captured
from tests.support.endpoint.stores import OLD_TABLE, checked, empty, row, rows
from tests.support.endpoint.twins import ASGI, SECRET, WSGI, token
from tests.support.stack import PostgreSQL, poll


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty store of one kind after the other."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/feedback.db"
    return empty(request.getfixturevalue("server"))


def execute(url: str, *statements: str) -> None:
    """Run statements on the database of a store, as an operator would."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection, connection:
            for statement in statements:
                connection.execute(statement)
        return
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)  # type: ignore[arg-type]


def test_a_rating_is_kept_redacted_with_what_it_is_about(kind, seen: Captured, url: str) -> None:  # type: ignore[no-untyped-def]
    twin = kind(store=url)
    before = time.time()
    rating = {"token": token(), "label": "thumbs_down", "comment": "write to bob@example.com, O'Neil ✓", "id": "a"}
    assert twin.post(rating).status == 202
    (kept,) = rows(url)
    span = seen.span("invoke_agent support")
    assert (kept.trace_id, kept.span_id, kept.agent) == (span.trace_id, span.span_id, "support")
    assert (kept.name, kept.id, kept.value, kept.label) == ("user_feedback", "a", 0.0, "thumbs_down")
    assert kept.comment == "write to [EMAIL], O'Neil ✓"
    assert (kept.level, kept.conversation_id, kept.source, kept.revision) == ("full", "conversation-7", "end_user", 0)
    assert before <= kept.created_s == kept.updated_s <= time.time()
    assert kept.key == seen.events[0].attributes["agentobs.feedback.id"]
    assert seen.value("agentobs.feedback.storage.rows", agentobs_feedback_storage_outcome="stored") == 1


def test_the_newest_content_is_kept(kind, seen: Captured, url: str) -> None:  # type: ignore[no-untyped-def]
    twin, made = kind(store=url), token()
    for label in ("thumbs_down", "thumbs_down", "thumbs_up"):
        twin.post({"token": made, "label": label})
    (kept,) = rows(url)
    assert (kept.label, kept.value, kept.revision) == ("thumbs_up", 1.0, 1)
    assert (kept.previous_label, kept.previous_value) == ("thumbs_down", 0.0)
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


def test_processes_that_share_a_store_share_the_limits_of_a_token(seen: Captured, url: str) -> None:
    twins, made = [ASGI(store=url, per_token=3), WSGI(store=url, per_token=3)], token()
    answers = [twins[number % 2].post({"token": made, "label": "thumbs_up"}) for number in range(5)]
    assert [answer.status for answer in answers] == [202, 202, 202, 429, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 20


def test_processes_that_share_a_store_share_the_number_of_ratings_of_an_answer(seen: Captured, url: str) -> None:
    twins, made = [ASGI(store=url, per_token=100), WSGI(store=url, per_token=100)], token()
    answers = [twins[number % 2].post({"token": made, "value": 1, "id": f"i{number}"}) for number in range(22)]
    assert [answer.status for answer in answers] == [202] * 20 + [403] * 2
    assert len(rows(url)) == 20


_WRITER = """
import sys
from tests.support.endpoint.stores import checked, row
store = checked(sys.argv[1])
for number in range(50):
    revision = store.put(row(key=f"k{number}", digest=sys.argv[2]))
    print(revision.number)
"""


def test_processes_that_write_the_same_at_once_agree_on_its_revisions(url: str) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, url, digest], stdout=subprocess.PIPE, env=environ, text=True)
        for digest in "abc"
    ]
    numbers = [[int(line) for line in writer.communicate(timeout=60)[0].split()] for writer in writers]
    assert [sorted(revisions) for revisions in zip(*numbers, strict=True)] == [[0, 1, 2]] * 50
    assert {kept.revision for kept in rows(url)} == {2}


def test_threads_may_write_at_once(url: str) -> None:
    store = checked(url)
    with ThreadPoolExecutor(8) as pool:
        revisions = list(pool.map(lambda n: store.put(row(key=f"k{n}")), range(100)))
    assert {revision.number for revision in revisions if revision} == {0}
    store.close()
    assert len(rows(url)) == 100


def test_a_store_that_was_closed_opens_again(url: str) -> None:
    store = checked(url)
    assert store.put(row()) is not None
    store.close()
    assert store.put(row()) is None
    store.close()


def test_rows_may_be_limited_to_names_and_times(url: str) -> None:
    store = checked(url)
    for number, name in enumerate(("a", "b", "a", "c")):
        store.put(row(key=str(number), name=name, updated_s=float(number)))
    store.close()
    assert [kept.key for kept in store.rows(1.0)] == ["1", "2", "3"]
    assert [kept.key for kept in store.rows(names=("a", "c"))] == ["0", "2", "3"]


def test_what_has_waited_does_not_replace_what_is_newer(url: str) -> None:
    store = checked(url)
    store.put(row(digest="newer", label="thumbs_up", updated_s=20.0))
    assert store.put(row(digest="older", label="thumbs_down", updated_s=10.0), replay=True) is None
    assert [kept.label for kept in store.rows()] == ["thumbs_up"]
    store.close()


def test_a_file_is_for_its_owner_only(tmp_path: Path) -> None:
    checked(f"sqlite:///{tmp_path}/feedback.db")
    assert stat.S_IMODE((tmp_path / "feedback.db").stat().st_mode) == 0o600


def test_an_account_that_may_only_write_is_enough(server: PostgreSQL) -> None:
    checked(empty(server))
    server.psql(
        "DROP OWNED BY writer" if server.psql("SELECT 1 FROM pg_roles WHERE rolname = 'writer'") else "SELECT 1"
    )
    server.psql(
        f"DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN; GRANT SELECT, INSERT, UPDATE ON {TABLE} TO writer; "
        f"GRANT SELECT ON {VERSIONS} TO writer; GRANT SELECT, INSERT, UPDATE, DELETE ON {LIMITS} TO writer"
    )
    store = checked(server.dsn.replace("postgres@", "writer@"))
    assert store.put(row()) is not None
    store.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:////no/such/folder/feedback.db", "cannot be used"),
        ("sqlite:////dev/null/feedback.db", "cannot be used"),
        ("postgresql://user:hunter2@[::1/none", "malformed"),
        ("postgresql://user:hunter2@127.0.0.1/none?nonsense=1", "malformed"),
        ("mysql://user:hunter2@localhost/none", "allowed are sqlite:///FILE and"),
        ("feedback.db", "allowed are sqlite:///FILE and"),
    ],
)
def test_a_store_that_cannot_be_is_an_error_when_the_app_is_made(kind, url: str, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match=message) as caught:
        kind(store=url)
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_database_is_an_error_when_the_app_is_made(kind, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "feedback.db").write_text("these are not the bytes of a database" * 100)
    with pytest.raises(ConfigError, match="cannot be used: file is not a database"):
        kind(store=f"sqlite:///{tmp_path}/feedback.db")


def test_a_table_with_other_columns_is_an_error_when_the_app_is_made(kind, url: str) -> None:  # type: ignore[no-untyped-def]
    execute(url, f"CREATE TABLE {TABLE} (key text, rating integer)")
    with pytest.raises(ConfigError, match=r"is not one that agentobs made: it lacks .*value.* and has rating"):
        kind(store=url)


def test_a_table_of_a_later_version_is_an_error_when_the_app_is_made(kind, url: str) -> None:  # type: ignore[no-untyped-def]
    checked(url)
    execute(url, f"UPDATE {VERSIONS} SET version = 3")  # noqa: S608
    with pytest.raises(ConfigError, match=r"has schema version 3, .* update agentobs"):
        kind(store=url)


def test_a_table_of_an_earlier_version_is_told_with_the_command_that_migrates_it(kind, url: str) -> None:  # type: ignore[no-untyped-def]
    execute(url, OLD_TABLE)
    with pytest.raises(ConfigError, match=r"has schema version 1, .* agentobs feedback migrate"):
        kind(store=url)


def test_a_migrated_table_has_its_rows_and_takes_revisions_of_them(seen: Captured, url: str) -> None:
    made = token()
    ASGI(store=url).post({"token": made, "label": "thumbs_down"})
    (first,) = rows(url)
    execute(url, f"DROP TABLE {TABLE}", f"DROP TABLE {VERSIONS}", f"DROP TABLE {LIMITS}", OLD_TABLE)
    old = (first.key, first.id, first.trace_id, first.span_id, first.digest)
    execute(
        url,
        f"INSERT INTO {TABLE} (key, name, id, value, label, source, trace_id, span_id, digest, created_s, updated_s, "
        f"revision) SELECT '{old[0]}', 'user_feedback', '{old[1]}', 0, 'thumbs_down', 'end_user', '{old[2]}', '{old[3]}', "
        f"'{old[4]}', 1, 1, 0",
    )
    assert open_store(url).migrate() == 1
    assert open_store(url).migrate() == 2
    twin = ASGI(store=url)
    twin.post({"token": made, "label": "thumbs_down"})
    twin.post({"token": made, "label": "thumbs_up"})
    (kept,) = rows(url)
    assert (kept.revision, kept.label, kept.previous_label, kept.subject) == (
        1,
        "thumbs_up",
        "thumbs_down",
        first.subject,
    )


@pytest.mark.parametrize("option", [{"strict": True}, {"spool": "spool.db"}, {"retention_days": 30}])
def test_options_of_the_store_need_one(kind, option: dict[str, object]) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match="needs a store"):
        kind(**option)


def test_the_variable_names_the_store(kind, seen: Captured, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("AGENTOBS_FEEDBACK_STORE", f"sqlite:///{tmp_path}/feedback.db")
    kind().post({"token": token(), "label": "thumbs_up"})
    assert len(rows(f"sqlite:///{tmp_path}/feedback.db")) == 1


_PRELOADED = """
import os, sys, threading
import agentobs
from tests.support.endpoint.twins import WSGI, token
agentobs.instrument(metrics="off", libraries=[])
twin = WSGI(store=sys.argv[1])
print(twin.post({"token": token(), "label": "thumbs_up"}).status, flush=True)
child = os.fork()
if not child:
    print(twin.post({"token": token(), "label": "thumbs_up"}).status, flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(twin.post({"token": token(), "label": "thumbs_up"}).status, flush=True)
"""


def test_a_forked_child_and_its_parent_both_go_on_writing(url: str) -> None:
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "AGENTOBS_FEEDBACK_SECRET": SECRET}
    argv = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _PRELOADED, url]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["202"] * 3, done.stderr
    assert len(rows(url)) == 3


def test_a_store_that_nobody_has_any_more_closes_its_connection(server: PostgreSQL) -> None:
    connections = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'agentobs feedback'"
    store = checked(empty(server))
    store.put(row())
    assert server.psql(connections) == "1"
    del store
    gc.collect()
    poll(lambda: server.psql(connections) == "0", "no connection")
