"""Servers of several processes: prometheus_client's shared files hold all sums, whoever scrapes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from tests.support.scenario import exposition, total
from tests.support.stack import poll

_WORKER = """
import os, sys
import agentobs
from prometheus_client import CollectorRegistry
from tests.support import model

agentobs.instrument(metrics=sys.argv[1], registry=CollectorRegistry())

def work(number):
    with agentobs.agent("support"):
        for each in range(number):
            model.client().chat.completions.create(**model.ask(each))
            agentobs.decision("route", "x", confidence=0.5)

"""
_FORKING = (
    _WORKER
    + """
work(1)
children = []
for number in (2, 3):
    child = os.fork()
    if child == 0:
        work(number)
        os._exit(0)
    children.append(child)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
work(4)
"""
)


def _run(program: str, folder: Path, *args: str) -> None:
    subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:This process:DeprecationWarning", "-c", program, *args],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": ".",
            "AGENTOBS_STRICT": "1",
            "PROMETHEUS_MULTIPROC_DIR": str(folder),
        },
        timeout=60,
        check=True,
    )


def _scrape(folder: Path) -> str:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))
    return exposition(registry)


@pytest.mark.parametrize("metrics", ["prometheus", "both"])
def test_forked_workers_add_up(tmp_path: Path, metrics: str) -> None:
    _run(_FORKING, tmp_path, metrics)
    text = _scrape(tmp_path)
    assert total(text, "agentobs_calls_total") == 10
    assert total(text, "agentobs_decisions_total") == 10
    assert total(text, "agentobs_agent_runs_total") == 4
    assert total(text, "gen_ai_client_inference_duration_seconds_count") == 10
    assert total(text, "agentobs_decision_confidence_sum") == 5
    assert total(text, "agentobs_calls_active") == 0


def test_workers_that_are_started_one_by_one_add_up(tmp_path: Path) -> None:
    for number in (1, 2):
        _run(_WORKER + f"work({number})", tmp_path, "prometheus")
    text = _scrape(tmp_path)
    assert total(text, "agentobs_calls_total") == 3
    assert total(text, "agentobs_tokens_total", agentobs_token_kind="output") == 2 + 2 + 3


_WAITING = (
    _WORKER
    + """
from pathlib import Path
from tests.support.scenario import trip

breaker = trip("payments")
Path(os.environ["PROMETHEUS_MULTIPROC_DIR"], f"ready-{os.getpid()}").touch()
sys.stdin.read()
"""
)


def test_a_breaker_that_every_worker_has_is_shown_once(tmp_path: Path) -> None:
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": ".", "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", _WAITING, "prometheus"]
    workers = [subprocess.Popen(command, env=env, stdin=subprocess.PIPE) for _ in range(2)]
    try:
        poll(lambda: len(list(tmp_path.glob("ready-*"))) == 2, "both workers are ready")
        text = _scrape(tmp_path)
    finally:
        for worker in workers:
            worker.communicate(b"", timeout=30)
    for state, value in (("open", 1), ("closed", 0), ("half_open", 0)):
        assert total(text, "agentobs_circuit_breaker_state", agentobs_circuit_breaker_state=state) == value
    assert total(text, "agentobs_circuit_breaker_calls_total", agentobs_circuit_breaker_outcome="failure") == 4
