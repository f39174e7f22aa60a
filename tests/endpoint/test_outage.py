"""Databases that go away: what is answered with 202 is kept, and the host's threads never wait for long."""

from __future__ import annotations

import json
import logging
import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

import agentobs
from agentobs.config import ConfigError
from agentobs.endpoint.storage import store as store_
from agentobs.endpoint.storage.errors import StorageError
from agentobs.endpoint.storage.rows import Submission
from agentobs.endpoint.storage.schema import TABLE
from agentobs.endpoint.storage.spool import Spool
from agentobs.testing import Captured
from tests.support.endpoint.serving import ROOT, serving
from tests.support.endpoint.stores import (
    checked,
    empty,
    errors,
    frozen,
    outcomes,
    reachable_rows,
    row,
    rows,
    thumb,
)
from tests.support.endpoint.twins import SECRET, token
from tests.support.stack import PostgreSQL, poll, postgresql
from tests.support.stack.process import temporary_folder

pytestmark = pytest.mark.usefixtures("_short_rest")


@pytest.fixture
def _short_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_, "REST_S", 0.2)


# --- PostgreSQL ---
def test_a_row_that_the_database_refuses_fails_alone(kind, seen: Captured, server: PostgreSQL) -> None:  # type: ignore[no-untyped-def]
    name = f"latin_1_{kind.__name__.lower()}"
    server.psql(f"CREATE DATABASE {name} ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    url = f"{server.dsn.rpartition('/')[0]}/{name}"
    twin = kind(store=url)
    answer = twin.post(thumb(comment="not in Latin 1: ✓"))
    assert (answer.status, answer.problem) == (400, "unstorable")
    assert [twin.post(thumb(comment="grün")).status for _ in range(3)] == [202] * 3
    assert [kept.comment for kept in rows(url)] == ["grün"] * 3
    assert outcomes(seen) == {"stored": 3}


def test_a_conversation_with_a_control_character_costs_no_rating(kind, seen: Captured, server: PostgreSQL) -> None:  # type: ignore[no-untyped-def]
    twin = kind(store=empty(server))
    with agentobs.agent("support", conversation_id="a\x00b"):
        made = agentobs.feedback_token(secret=SECRET)
    assert twin.post({"token": made, "label": "thumbs_up"}).status == 202
    assert twin.post(thumb()).status == 202
    assert [kept.conversation_id for kept in rows(server.dsn)] == [None, "conversation-7"]


def test_an_idle_connection_that_the_server_closed_costs_no_rating(kind, seen: Captured, server: PostgreSQL) -> None:  # type: ignore[no-untyped-def]
    twin = kind(store=empty(server))
    for _ in range(3):
        assert twin.post(thumb()).status == 202
        ours = (
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'agentobs feedback'"
        )
        assert "t" in server.psql(ours).split()
    assert len(rows(server.dsn)) == 3
    assert outcomes(seen) == {"stored": 3}
    assert errors(seen) == set()


def test_a_server_that_was_restarted_costs_no_rating(kind, seen: Captured) -> None:  # type: ignore[no-untyped-def]
    with postgresql() as server:
        twin = kind(store=server.dsn)
        assert twin.post(thumb()).status == 202
        server.process.restart()
        assert twin.post(thumb()).status == 202
        assert len(rows(server.dsn)) == 2
    assert outcomes(seen) == {"stored": 2}


def test_what_comes_while_the_server_is_down_waits_and_is_counted_when_it_is_back(kind, seen: Captured) -> None:  # type: ignore[no-untyped-def]
    with postgresql() as server:
        twin, made = kind(store=server.dsn), token()
        assert twin.post({"token": made, "label": "thumbs_down"}).status == 202
        server.process.stop()
        assert twin.post({"token": made, "label": "thumbs_up"}).status == 202
        assert [twin.post(thumb()).status for _ in range(4)] == [202] * 4
        assert outcomes(seen) == {"stored": 1, "spooled": 5}
        assert seen.value("agentobs.feedback.received") == 1
        server.process.start()
        poll(lambda: outcomes(seen).get("sent") == 5, "the ratings that waited")
        assert len(rows(server.dsn)) == 5
        assert {kept.label for kept in rows(server.dsn)} == {"thumbs_up"}
    assert seen.value("agentobs.feedback.received") == 5
    assert seen.value("agentobs.feedback.accepted", agentobs_feedback_arrival="changed") == 1
    assert errors(seen) == {"unreachable"}


def test_a_frozen_server_keeps_no_thread_of_the_host(seen: Captured, server: PostgreSQL) -> None:
    from tests.support.endpoint.twins import WSGI

    twin, makings = WSGI(store=empty(server)), [thumb() for _ in range(12)]
    assert twin.post(thumb()).status == 202
    with frozen(server), ThreadPoolExecutor(12) as threads:
        assert list(threads.map(lambda rating: twin.post(rating).status, makings)) == [202] * 12
        assert outcomes(seen) == {"stored": 1, "spooled": 12}
    poll(lambda: outcomes(seen).get("sent") == 12, "the ratings that waited")
    assert len(rows(server.dsn)) == 13
    assert seen.value("agentobs.feedback.received") == 13
    assert "timeout" in errors(seen)


@pytest.mark.parametrize(("app", "web_server"), [("asgi", "uvicorn"), ("wsgi", "gunicorn-threads")])
def test_a_frozen_server_leaves_the_host_served(app: str, web_server: str, server: PostgreSQL, tmp_path: Path) -> None:
    url = empty(server)
    options = json.dumps({"secret": SECRET, "store": url, "spool": str(tmp_path / "spool.db")})
    with serving(f"tests.support.endpoint.apps:{app}", web_server, {"FEEDBACK_OPTIONS": options}) as port:
        base = f"http://127.0.0.1:{port}"

        def rate() -> int:
            made = requests.get(base, timeout=30).text
            body = {"token": made, "label": "thumbs_up"}
            return requests.post(f"{base}/feedback", json=body, timeout=30).status_code

        assert rate() == 202
        with frozen(server), ThreadPoolExecutor(8) as visitors:
            ratings = [visitors.submit(rate) for _ in range(8)]
            assert [requests.get(base, timeout=30).status_code for _ in range(20)] == [200] * 20
            assert [rating.result() for rating in ratings] == [202] * 8
        poll(lambda: len(rows(url)) == 9, "the ratings that waited", 60)


def test_a_server_that_is_down_at_start_does_not_stop_the_product(kind, seen: Captured, caplog: Any) -> None:  # type: ignore[no-untyped-def]
    with postgresql() as server:
        server.process.stop()
        with caplog.at_level(logging.WARNING):
            twin = kind(store=server.dsn)
        assert "is out of reach at start" in caplog.text
        assert twin.post(thumb()).status == 202
        server.process.start()
        poll(lambda: len(reachable_rows(server.dsn)) == 1, "the rating that waited")


def test_a_rating_is_withdrawn_although_it_still_waits(kind, seen: Captured) -> None:  # type: ignore[no-untyped-def]
    with postgresql() as server:
        twin, made = kind(store=server.dsn), token()
        server.process.stop()
        assert twin.post({"token": made, "label": "thumbs_down", "comment": "no"}).status == 202
        assert twin.post({"token": made, "withdraw": True}).status == 202
        server.process.start()
        poll(lambda: outcomes(seen).get("sent") == 2, "the ratings that waited")
        (kept,) = rows(server.dsn)
    assert (kept.label, kept.comment) == (None, None)


# --- SQLite ---
def _database(tmp_path: Path) -> tuple[str, Path]:
    (tmp_path / "data").mkdir()
    path = tmp_path / "data" / "feedback.db"
    return f"sqlite:///{path}", path


def test_a_file_that_was_deleted_is_noticed_and_made_again(kind, seen: Captured, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    url, path = _database(tmp_path)
    twin = kind(store=url)
    assert twin.post(thumb()).status == 202
    for file in path.parent.iterdir():
        file.unlink()
    assert twin.post(thumb()).status == 202
    assert len(rows(url)) == 1
    assert errors(seen) == {"missing"}


def test_a_file_whose_folder_is_gone_is_waited_for(kind, seen: Captured, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    url, path = _database(tmp_path)
    twin = kind(store=url)
    shutil.rmtree(path.parent)
    assert twin.post(thumb()).status == 202
    assert outcomes(seen) == {"spooled": 1}
    path.parent.mkdir()
    poll(lambda: len(reachable_rows(url)) == 1, "the rating that waited")
    assert "unreachable" in errors(seen)


def test_a_table_that_was_dropped_is_made_again(kind, seen: Captured, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    url, path = _database(tmp_path)
    twin = kind(store=url)
    twin.post(thumb())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"DROP TABLE {TABLE}")
    assert twin.post(thumb()).status == 202
    poll(lambda: len(reachable_rows(url)) == 1, "the rating")
    assert errors(seen) == {"schema"}


_WRITES = """
import json, os, pwd, resource, sys
from agentobs.endpoint.storage import store as store_
from agentobs.testing import capture
from tests.support.endpoint.stores import errors, outcomes, thumb
from tests.support.endpoint.twins import WSGI
store_.REST_S = 0.05
limit_bytes, options = int(sys.argv[1]), json.loads(sys.argv[2])
with capture() as seen:
    twin, ratings = WSGI(**options), [thumb(comment="x" * 900) for _ in range(20)]
    WSGI().post(thumb())
    if limit_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
    elif os.geteuid() == 0:  # who may write to everything
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    statuses = [twin.post(rating).status for rating in ratings]
    print(json.dumps([statuses, outcomes(seen), sorted(errors(seen))]))
"""


def write(limit_bytes: int, options: dict[str, Any]) -> tuple[list[int], dict[str, float], list[str]]:
    """Post twenty ratings in a process that may write files of so many bytes; statuses, outcomes and errors.

    With no limit it is one that has no rights above those of the files.
    """
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [sys.executable, "-c", _WRITES, str(limit_bytes), json.dumps(options)]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    statuses, ends, reasons = json.loads(done.stdout)
    return statuses, ends, reasons


def test_a_full_disk_is_told_to_the_visitor_and_counted(tmp_path: Path) -> None:
    url, _ = _database(tmp_path)
    checked(url)
    statuses, ends, reasons = write(150_000, {"store": url, "strict": True})
    assert set(statuses) <= {202, 503}
    assert statuses[-1] == 503
    assert statuses.count(202) == ends["stored"] == len(rows(url))
    assert statuses.count(503) == ends["refused"]
    assert set(reasons) <= {"full", "io"}
    assert reasons


def test_on_a_full_disk_nothing_is_thanked_for_that_is_not_kept(tmp_path: Path) -> None:
    url, _ = _database(tmp_path)
    checked(url)
    spool = Spool(str(tmp_path / "spool.db"))
    statuses, ends, reasons = write(24_000, {"store": url, "spool": spool.path})
    assert 503 in statuses
    assert statuses.count(202) == len(rows(url)) + spool.waiting()
    assert "spool" in reasons
    assert ends["refused"] == statuses.count(503)


def test_a_read_only_file_is_counted_and_its_ratings_wait() -> None:
    with temporary_folder("readonly") as folder:
        path, spool = folder / "feedback.db", Spool(str(folder / "spool" / "spool.db"))
        checked(f"sqlite:///{path}")
        path.chmod(0o444)
        (folder / "spool").mkdir()
        if os.geteuid() == 0:
            folder.chmod(0o711)
            shutil.chown(folder / "spool", "nobody")
        statuses, ends, reasons = write(0, {"store": f"sqlite:///{path}", "spool": spool.path})
        assert statuses == [202] * 20
        assert ends == {"spooled": 20}
        assert reasons == ["denied"]
        assert spool.waiting() == 20


# --- the spool ---
def submission(**changes: Any) -> Submission:
    return Submission(row(**changes))


def test_the_spool_is_bounded(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "spool.db"), most_rows=2)
    for key in "ab":
        spool.add(submission(key=key))
    with pytest.raises(StorageError, match="2 rows wait"):
        spool.add(submission(key="c"))


def test_two_processes_never_send_the_same_row(tmp_path: Path) -> None:
    one, other = Spool(str(tmp_path / "spool.db")), Spool(str(tmp_path / "spool.db"))
    for key in "abc":
        one.add(submission(key=key))
    first, second = one.lease(2), other.lease(2)
    assert [item.row.key for _, item in (*first, *second) if item] == ["a", "b", "c"]
    one.give_back([first[0][0]])
    assert [number for number, _ in other.lease(2)] == [first[0][0]]


def test_the_spool_is_for_its_owner_only(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path / "spool.db"))
    spool.add(submission())
    assert Path(spool.path).stat().st_mode & 0o777 == 0o600


def test_a_link_in_place_of_the_spool_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "spool.db").symlink_to(tmp_path / "victim")
    with pytest.raises(StorageError):
        Spool(str(tmp_path / "spool.db")).add(submission())
    assert not (tmp_path / "victim").exists()


_LEAVES = """
import sys
import agentobs
from tests.support.endpoint.stores import thumb
from tests.support.endpoint.twins import ASGI
agentobs.instrument(metrics="off", libraries=[])
print(ASGI(store=sys.argv[1], spool=sys.argv[2]).post(thumb()).status)
"""


def test_what_a_process_left_behind_is_sent_by_the_next_one(kind, seen: Captured, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with postgresql() as server:
        server.process.stop()
        spool = str(tmp_path / "spool.db")
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
        argv = [sys.executable, "-c", _LEAVES, server.dsn, spool]
        left = subprocess.run(argv, env=environ, capture_output=True, text=True, timeout=60, check=False)
        assert left.stdout == "202\n", left.stderr
        server.process.start()
        twin = kind(store=server.dsn, spool=spool)
        assert twin.ask("GET", "/feedback/widget.js").status == 200
        poll(lambda: outcomes(seen).get("sent") == 1, "the rating that waited")
        (kept,) = rows(server.dsn)
    (event,) = seen.events
    assert (event.trace_id, event.attributes["gen_ai.agent.name"]) == (kept.trace_id, "support")


def test_a_strict_endpoint_answers_503_and_counts_nothing_twice(kind, seen: Captured) -> None:  # type: ignore[no-untyped-def]
    with postgresql() as server:
        twin, made = kind(store=server.dsn, strict=True), token()
        server.process.stop()
        answer = twin.post({"token": made, "label": "thumbs_up"})
        assert (answer.status, answer.problem, answer.headers["retry-after"]) == (503, "storage", "10")
        assert seen.value("agentobs.feedback.received") == 0
        assert seen.value("agentobs.feedback.rejected", agentobs_feedback_rejection="storage") == 1
        server.process.start()
        poll(lambda: twin.post({"token": made, "label": "thumbs_up"}).status == 202, "the store in use again")
        assert len(rows(server.dsn)) == 1
    assert seen.value("agentobs.feedback.received") == 1


def test_strict_and_a_spool_are_not_both_possible(kind, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match="instead of using a spool"):
        kind(store=f"sqlite:///{tmp_path}/feedback.db", strict=True, spool=f"{tmp_path}/spool.db")


def test_a_spool_without_a_folder_is_an_error_when_the_app_is_made(kind, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ConfigError, match="its folder does not exist"):
        kind(store=f"sqlite:///{tmp_path}/feedback.db", spool=f"{tmp_path}/none/spool.db")
