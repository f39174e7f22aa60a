"""A Celery worker whose children end after every task: nothing of any task is lost, through a real Redis."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support import needs
from tests.support.process.programs import ROOT
from tests.support.process.receiver import Receiver
from tests.support.stack import Process, poll, redis
from tests.support.stack.process import running

TASKS = 3


def test_every_task_is_told_of(shell: dict[str, str], received: Receiver, tmp_path: Path) -> None:
    needs.module("celery")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    with redis() as server:
        env = shell | {
            "BROKER_URL": server.url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": received.http,
            "OTEL_SERVICE_NAME": "worker",
            "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}",
        }
        arguments = ("--app", "examples.celery_app", "worker", "--concurrency", "2", "--max-tasks-per-child", "1")
        command = [sys.executable, "-m", "celery", *arguments]
        worker = Process(command, tmp_path, lambda process: "celery@" in process.log(), env=env)
        with running(worker):
            send = "import sys; from examples.celery_app import answer; answer.delay(sys.argv[1])"
            for number in range(TASKS):
                subprocess.run(
                    [sys.executable, "-c", send, str(number)], env={**os.environ, **env}, timeout=60, check=True
                )
            poll(
                lambda: (
                    [span.name for span in received.items("traces", "worker")].count("invoke_agent support") == TASKS
                ),
                "a span for each task",
                60,
            )
            poll(lambda: sum(received.last("worker", "agentobs.calls").values()) == TASKS, "a call for each task")
