"""Runs of the demo: the counts depend on the seed alone, a difference is an error, and each option does what it says."""

from __future__ import annotations

import gzip
import json
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from typing import Any

import pytest

import agentobs
from agentobs import demo
from agentobs.catalogue import own
from agentobs.demo.compare import Comparison
from agentobs.demo.desk import PRIMARY
from agentobs.demo.faults import Faults, Storm
from agentobs.demo.session import Session
from tests.support.stack import loopback, poll

SHORT: Any = {"seconds": 2.0, "rate": 16.0}
DEADLINE_S = 30.0


def worked(**options: Any) -> Comparison:
    with Session(**{**SHORT, **options}) as session:
        session.work()
        return session.comparison()


def test_the_counts_depend_on_the_seed_and_not_on_the_speed() -> None:
    served = worked(seed=3).served
    assert worked(seed=3, seconds=1.0, rate=32.0).served == served
    assert worked(seed=4).served != served


def test_a_provider_that_behaves_is_seen_as_one() -> None:
    comparison = worked(faults=Faults.none())
    assert comparison.equal
    assert (comparison.served["errors"], comparison.served["retries"], comparison.served["fallbacks"]) == (0, 0, 0)


def test_an_outage_opens_the_breaker() -> None:
    outage = Faults.none(storms=(Storm(PRIMARY, first=0, last=1000),))
    with Session(**SHORT, faults=outage) as session:
        session.work()
        assert session.metrics_url is not None
        text = scraped(session.metrics_url)
    assert 'agentobs_circuit_breaker_state="open"' in text
    assert 'agentobs_fallback_reason="circuit_open"' in text
    assert 'agentobs_circuit_breaker_outcome="rejected"' in text


def scraped(url: str) -> str:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310  our own loopback address
            return str(response.read().decode())
    except urllib.error.URLError:
        return ""


def test_metrics_are_served_while_it_runs() -> None:
    with Session(**SHORT) as session:
        working = threading.Thread(target=session.work)
        working.start()
        url = session.metrics_url or ""
        poll(lambda: own.CALLS.prom + "{" in scraped(url), "calls at /metrics")
        assert working.is_alive()
        session.stop()
        working.join(DEADLINE_S)
        assert not working.is_alive()
        assert session.comparison().equal


def test_calls_that_nobody_saw_are_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOBS_LIBRARIES", "openai,pybreaker")
    comparison = worked()
    assert not comparison.equal
    said = [str(difference) for difference in comparison.differences]
    assert any(line.startswith("all calls: calls served") for line in said)
    assert any(line.startswith("anthropic claude-haiku-4-5 chat: calls served") for line in said)


def test_instrumentation_ends_with_the_session() -> None:
    with Session(**SHORT) as session:
        assert session.handle.active
    assert not session.handle.active
    with agentobs.instrument(service="another", metrics="off"):
        pass


def test_json_is_one_object_on_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert demo.run(demo.Options(**SHORT, port=0, json=True)) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["equal"] is True
    assert said["served"] == said["seen"]
    assert {"calls", "input_tokens", "output_tokens", "cost_usd", "retries"} <= said["served"].keys()


def test_a_difference_is_an_error_exit_with_a_readable_diff(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AGENTOBS_LIBRARIES", "openai,pybreaker")
    assert demo.run(demo.Options(**SHORT, port=0, quiet=True)) == 1
    said = capsys.readouterr().out
    assert "differences" in said
    assert "anthropic claude-haiku-4-5 chat: calls served" in said


def test_without_a_terminal_the_table_is_printed_once_and_then_what_to_do_next(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert demo.run(demo.Options(**SHORT, port=0)) == 0
    said = capsys.readouterr().out
    assert said.count("retries by status") == 1
    assert "exactly that" in said
    assert "agentobs.instrument(" in said


def test_an_interrupted_run_compares_what_it_did() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = f"import sys; from agentobs import demo; sys.exit(demo.run(demo.Options(port={port}, json=True)))"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as running:
        poll(lambda: own.CALLS.prom + "{" in scraped(f"http://127.0.0.1:{port}/metrics"), "calls at /metrics")
        running.send_signal(signal.SIGINT)
        said = json.loads(running.communicate(timeout=DEADLINE_S)[0])
    assert running.returncode == 0
    assert said["equal"] is True
    assert said["served"]["runs"] < demo.Options().seconds * demo.Options().rate


def test_a_taken_port_is_said_once_and_the_demo_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    with loopback() as taken:
        assert demo.run(demo.Options(**SHORT, port=taken.port, quiet=True)) == 0
    assert capsys.readouterr().err.count(f"port {taken.port} cannot be used") == 1


def test_otlp_sends_spans_metrics_and_events(capsys: pytest.CaptureFixture[str]) -> None:
    with loopback() as collector:
        url = collector.url.rstrip("/")
        assert demo.run(demo.Options(**SHORT, port=0, json=True, otlp=url)) == 0
        bodies = list(collector.received)
    assert json.loads(capsys.readouterr().out)["equal"] is True
    for part in (b"invoke_agent support", b"agentobs.retry.attempts", b"agentobs.decision"):
        assert any(part in unpacked(body) for body in bodies), part


def unpacked(body: bytes) -> bytes:
    return gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body


def test_without_the_extra_it_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pybreaker", None)
    assert demo.run(demo.Options(**SHORT)) == 2
    assert "agentobs demo needs pybreaker: pip install pybreaker\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value"), [("seconds", 0.0), ("rate", -1.0), ("port", 70_000), ("otlp", "localhost:4317")]
)
def test_a_value_that_is_not_allowed_is_named(option: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"--{option}"):
        demo.Options(**{option: value})


def test_the_demo_is_light_until_it_runs() -> None:
    heavy = ["openai", "anthropic", "rich", "pybreaker", "opentelemetry.sdk", "prometheus_client"]
    program = f"import sys, agentobs.demo; print([name for name in {heavy} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
