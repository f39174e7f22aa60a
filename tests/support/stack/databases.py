"""Redis and PostgreSQL, each a context manager as in servers.py."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .parts import require
from .process import Process, ServerError, account_of, free_port, running, temporary_folder


class StatementError(RuntimeError):
    """PostgreSQL refused a statement; the message is its own."""


class Redis:
    """A running Redis that keeps nothing on disk."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port
        self.url = f"redis://127.0.0.1:{port}/0"


@contextmanager
def redis(flags: Sequence[str] = ()) -> Iterator[Redis]:
    """Run a Redis server."""
    program = require("redis")
    with temporary_folder("redis") as folder:
        port = free_port()
        argv: list[str | Path] = [
            program,
            "--bind",
            "127.0.0.1",
            "--port",
            str(port),
            "--dir",
            folder,
            "--save",
            "",
            *flags,
        ]
        process = Process(argv, folder, lambda _: redis_command(port, "PING") == b"+PONG\r\n")
        with running(process):
            yield Redis(process, port)


def redis_command(port: int, command: str) -> bytes:
    """The raw answer to one inline command, empty when nobody listens; enough to see whether the server lives."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5.0) as connection:
            connection.sendall(command.encode() + b"\r\n")
            return connection.recv(65536)
    except OSError:
        return b""


class PostgreSQL:
    """A running PostgreSQL with the account `postgres`, no password, and an empty database of that name."""

    def __init__(self, process: Process, port: int, psql: Path) -> None:
        self.process = process
        self.port = port
        self.dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self._psql = psql

    def psql(self, sql: str) -> str:
        """What psql prints for the statements, unaligned and without headings.

        Raises:
            StatementError: a statement failed.
        """
        argv: list[str | Path] = [self._psql, self.dsn, "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise StatementError(done.stderr)
        return done.stdout.rstrip("\n")


@contextmanager
def postgresql(settings: Mapping[str, str] | None = None) -> Iterator[PostgreSQL]:
    """Run a PostgreSQL server that does not wait for the disk; `settings` as in postgresql.conf."""
    psql = require("postgresql", "psql")
    with temporary_folder("postgresql") as folder:
        port = free_port()
        user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
        programs = _programs_for(user, folder)
        data = folder / "data"
        data.mkdir(mode=0o700)
        if user is not None:
            folder.chmod(0o711)
            for path in (folder, data):
                shutil.chown(path, user)
        _initdb(programs / "initdb", data, user)
        options = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "fsync": "off",
            **(settings or {}),
        }
        argv: list[str | Path] = [programs / "postgres", "-D", data]
        for option in options.items():
            argv += ["-c", "=".join(option)]
        process = Process(
            argv,
            folder,
            lambda server: "database system is ready to accept connections" in server.log(),
            user=user,
            stop_signal=signal.SIGINT,  # SIGTERM would wait for every client to go
        )
        with running(process):
            yield PostgreSQL(process, port, psql)


def _initdb(program: Path, data: Path, user: str | None) -> None:
    argv: list[str | Path] = [
        program,
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C",
        "--no-sync",
    ]
    account = {} if user is None else account_of(user)
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, cwd=data, **account)
    if done.returncode:
        raise ServerError(f"{program} failed:\n{done.stdout}{done.stderr}")


def _programs_for(user: str | None, folder: Path) -> Path:
    """The folder of the PostgreSQL programs; a copy when the other account cannot reach the cache (below /root)."""
    programs = require("postgresql").parent
    if user is None or all(parent.stat().st_mode & 0o001 for parent in programs.resolve().parents):
        return programs
    if (programs / "postgres").is_symlink():
        return (programs / "postgres").resolve().parent
    shutil.copytree(programs.parent, folder / "programs", symlinks=True)
    return folder / "programs" / "bin"
