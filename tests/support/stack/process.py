"""A server program under test: started, waited for, stopped, with its log at hand when it fails."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.polling import poll

LOG_TAIL_LINES = 30


class ServerError(RuntimeError):
    """A server did not come up, or went away; the message ends with the tail of its log."""


def free_port() -> int:
    """A TCP port of the loopback address that nobody listened on a moment ago."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


def fetch(
    port: int,
    path: str,
    method: str = "GET",
    body: bytes | str | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 30.0,
) -> tuple[int, bytes]:
    """Status and body of one request to a loopback port; past any proxy settings of the environment."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request(method, path, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def answers(port: int, path: str) -> bool:
    """Whether GET gives 200 now."""
    try:
        return fetch(port, path, timeout_s=5.0)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


class Process:
    """A program whose output goes to a log file, and that is up once `ready` says so.

    Args:
        argv: the program and its arguments.
        folder: where its log goes; also its working folder.
        ready: gets this process and says whether it serves by now.
        env: added to the environment of the tests; a value None takes the name out.
        user: account to run as; None is the one that runs the tests.
        stop_signal: what asks the program to end in order.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        folder: Path,
        ready: Callable[[Process], bool],
        *,
        env: Mapping[str, str | None] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.argv = [str(arg) for arg in argv]
        self.folder = folder
        self.log_path = folder / "server.log"
        self._ready = ready
        wanted = {**os.environ, **(env or {})}
        self._env = {name: value for name, value in wanted.items() if value is not None}
        self._user = user
        self._stop_signal = stop_signal
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def running(self) -> bool:
        """Whether the program was started and has not ended."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the running program."""
        if self._child is None:
            raise ServerError(f"{self.argv[0]} is not running")
        return self._child.pid

    def log(self) -> str:
        """What the program has written since it was last started."""
        if not self.log_path.exists():
            return ""
        return self.log_path.read_bytes()[self._log_start :].decode(errors="replace")

    def start(self, deadline_s: float = 60.0) -> None:
        """Start the program and wait until it is ready.

        Raises:
            ServerError: it ended by itself, or was not ready within deadline_s.
        """
        if self.running:
            raise ServerError(f"{self.argv[0]} is already running")
        self._log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        account: dict[str, Any] = {} if self._user is None else account_of(self._user)
        with self.log_path.open("ab") as log:
            self._child = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, env=self._env, **account
            )
        try:
            poll(lambda: not self.running or self._ready(self), "ready to serve", deadline_s)
        except TimeoutError:
            self.stop()
            raise ServerError(self._told(f"was not ready within {deadline_s:g} s")) from None
        except BaseException:
            self.stop()
            raise
        if not self.running:
            raise ServerError(self._told(f"ended with status {self._child.returncode} before it was ready"))

    def stop(self, deadline_s: float = 20.0) -> int | None:
        """Ask the program to end, kill it when it has not within deadline_s; its exit status, None if never started."""
        if self._child is None:
            return None
        if self._child.poll() is None:
            self._child.send_signal(self._stop_signal)
            try:
                self._child.wait(deadline_s)
            except subprocess.TimeoutExpired:
                self._child.kill()
        return self._child.wait()

    def kill(self) -> None:
        """End the program at once, as a crash or the kernel would."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def restart(self) -> None:
        """Stop the program if it runs, and start it again on the same ports and data."""
        self.stop()
        self.start()

    def _told(self, fault: str) -> str:
        tail = "\n".join(self.log().splitlines()[-LOG_TAIL_LINES:])
        return f"{' '.join(self.argv)}\n{fault}; the end of its log:\n{tail}"


def account_of(user: str) -> dict[str, Any]:
    """Arguments of subprocess that start a program as another account, with no group but its own."""
    import pwd

    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """A folder for the data of one server, gone at the end of the block."""
    with tempfile.TemporaryDirectory(prefix=f"agentobs-{name}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextmanager
def running(process: Process) -> Iterator[None]:
    """Start the program, and stop it at the end of the block, whatever became of it in between."""
    try:
        process.start()
        yield
    finally:
        process.stop()
