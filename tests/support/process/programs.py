"""Programs in processes of their own, with nothing of OTEL_* and AGENTOBS_* in their environment but what is given."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import stack
from tests.support.stack.process import Process, temporary_folder

ROOT = Path(__file__).parents[3]


def environ(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a program under test."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "AGENTOBS_", "PROMETHEUS_"))
    }
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **(more or {})}


def command(program: str, *args: str) -> list[str]:
    """What runs the text of a program; forking with threads, which Python 3.12 warns of, is what some are about."""
    return [sys.executable, "-W", "ignore:This process:DeprecationWarning", "-c", textwrap.dedent(program), *args]


def run(program: str, *args: str, check: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the text of a program to its end."""
    done = subprocess.run(
        command(program, *args),
        env=environ(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not check or done.returncode == 0, done.stderr
    return done


def run_strictly(program: str, **env: str) -> str:
    """What a program prints in which warnings, and errors of agentobs itself, are errors."""
    return run(program, AGENTOBS_STRICT="1", PYTHONWARNINGS="error", **env).stdout


class Served:
    """A server program that listens on `port`."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port

    def get(self, path: str, **headers: str) -> tuple[int, str]:
        """Status and body of one request."""
        status, body = stack.fetch(self.port, path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return status, body.decode()

    def call(self, *numbers: int) -> None:
        """Have the application call its model with these numbers, one request for each."""
        for number in numbers:
            status, body = self.get(f"/call/{number}")
            assert (status, body) == (200, str(number)), self.process.log()

    def pids(self) -> set[int]:
        """The processes that have answered a few requests."""
        return {int(self.get("/pid")[1]) for _ in range(20)}

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """Ask the server to end and wait for it; its exit status."""
        self.process._stop_signal = by
        status = self.process.stop()
        assert status is not None
        return status


@contextmanager
def served(command: Sequence[str | Path], files: Mapping[str, str], port: int, **env: str) -> Iterator[Served]:
    """Run a server program in a folder with these files until the block ends."""
    with temporary_folder("served") as folder:
        for name, text in files.items():
            (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")

        def ready(_: Process) -> bool:
            try:
                return stack.fetch(port, "/pid", timeout_s=5)[0] == 200
            except OSError:
                return False

        process = Process(command, folder, ready, env=None)
        process._env = environ({"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", **env})
        try:
            process.start()
            yield Served(process, port)
        finally:
            process.stop()
