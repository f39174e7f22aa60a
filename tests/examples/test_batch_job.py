"""A batch job's figures add up over its runs, and its end is an orderly one: through a real Pushgateway into Prometheus."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process.programs import ROOT
from tests.support.stack import Prometheus, poll, prometheus, pushgateway

COMMAND = [sys.executable, "-m", "examples.batch_job"]


@pytest.fixture(scope="module")
def gateway() -> Iterator[str]:
    with pushgateway() as address:
        yield address


@pytest.fixture(scope="module")
def server(gateway: str) -> Iterator[Prometheus]:
    config = f"""
    global: {{scrape_interval: 1s}}
    scrape_configs:
      - job_name: pushgateway
        honor_labels: true
        static_configs: [{{targets: ["{gateway}"]}}]
    """
    with prometheus(3, config) as running:
        yield running


@pytest.fixture
def job(shell: dict[str, str], gateway: str, tmp_path: Path) -> dict[str, str]:
    return shell | {"PUSHGATEWAY": gateway, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}


def value(server: Prometheus, expr: str) -> float | None:
    result = server.query(expr)
    return float(result[0]["value"][1]) if result else None


def test_runs_add_up_and_say_goodbye(job: dict[str, str], server: Prometheus) -> None:
    calls = 'sum(agentobs_calls_total{job="nightly-report"})'
    for runs in (1, 2):
        subprocess.run(COMMAND, env=job, cwd=ROOT, timeout=60, check=True)
        poll(lambda runs=runs: value(server, calls) == runs, f"{runs} calls")
    assert value(server, 'agentobs_info{job="nightly-report"}') == 0
    assert value(server, 'sum(agentobs_calls_active{job="nightly-report"})') == 0

    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        base = f"http://127.0.0.1:{silent.getsockname()[1]}"
        killed = subprocess.Popen(COMMAND, env=job | {"OPENAI_BASE_URL": base}, cwd=ROOT)
        connection, _ = silent.accept()
        assert connection.recv(1), "the call of the run that is killed"
        killed.send_signal(signal.SIGKILL)
        killed.wait(30)
        connection.close()
    subprocess.run(COMMAND, env=job, cwd=ROOT, timeout=60, check=True)
    poll(lambda: value(server, calls) == 3, "3 calls")
    assert value(server, 'agentobs_info{job="nightly-report"}') == 0
    assert value(server, 'sum(agentobs_calls_active{job="nightly-report"})') == 0


def test_a_job_that_sends_otlp_needs_nothing(shell: dict[str, str], server: Prometheus) -> None:
    env = shell | {
        "OTEL_SERVICE_NAME": "hourly",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{server.url}/api/v1/otlp/v1/metrics",
    }
    program = "import agentobs; agentobs.instrument(); from examples.batch_job import work; work()"
    subprocess.run([sys.executable, "-c", program], env=env, cwd=ROOT, timeout=60, check=True)
    assert poll(lambda: value(server, 'sum(agentobs_calls_total{job="hourly"})'), "the calls") == 1
    assert value(server, 'agentobs_info{job="hourly"}') == 0
