"""gunicorn with two workers: what a worker shared goes away with it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from prometheus_client import multiprocess

workers = 2
worker_class = "asgi"


def on_starting(server: Any) -> None:
    """Begin with an empty folder: files of the run before would count again."""
    if "GUNICORN_PID" in os.environ:
        return  # started by USR2: the workers of the old master still write there
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).glob("*.db"):
        file.unlink()


def child_exit(server: Any, worker: Any) -> None:
    """Take away the states of a worker that has ended, however it did."""
    multiprocess.mark_process_dead(worker.pid)
