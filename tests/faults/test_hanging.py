"""A backend that hangs or is down: the program goes on, flushing ends in time, and the process ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from tests.support.backend import Backend, observed
from tests.support.loopback import Answer, Loopback
from tests.support.model import ask, client

pytestmark = pytest.mark.faults

PATIENCE_S = 20.0
"""How long a test waits for what must come; far more than it takes."""


class Hanging(SpanExporter):
    """Hangs until the test is over."""

    def __init__(self) -> None:
        self.entered, self.freed = threading.Event(), threading.Event()

    def export(self, spans: Any) -> SpanExportResult:
        self.entered.set()
        self.freed.wait()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Hangs on, as a client without timeout does."""
        self.freed.wait()


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    exporter = Hanging()
    yield exporter
    exporter.freed.set()


def comes_back(work: Callable[[], Any]) -> Any:
    """What `work` returns; the test fails where it does not return at all."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()), daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert results, "it hangs"
    return results[0]


def test_flush_returns_within_its_timeout(hanging: Hanging) -> None:
    backend = Backend(processors=[BatchSpanProcessor(hanging)])
    with observed(backend) as handle:
        completion = client().chat.completions.create(**ask(7))
        assert comes_back(lambda: handle.flush(0.2)) is False
        assert hanging.entered.is_set()
        assert completion.choices[0].message.content == "7"
        # The exporter hangs; the program calls on, and every number is there.
        again = comes_back(lambda: client().chat.completions.create(**ask(8)))
        assert again.choices[0].message.content == "8"
        assert backend.total("agentobs.calls") == 2
        assert comes_back(lambda: handle.uninstrument(0.2)) is None
        hanging.freed.set()
    # Python lets only the main thread give a signal back; ours ends the process as the default does.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def test_spans_that_hang_do_not_hold_up_metrics(hanging: Hanging) -> None:
    exported = threading.Event()

    class Exporter(MetricExporter):
        def export(self, metrics_data: Any, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:
            exported.set()
            return MetricExportResult.SUCCESS

        def force_flush(self, timeout_millis: float = 10_000) -> bool:
            return True

        def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
            """Nothing to stop."""

    reader = PeriodicExportingMetricReader(Exporter(), export_interval_millis=float("inf"))
    backend = Backend(processors=[BatchSpanProcessor(hanging)], readers=[reader])
    with observed(backend) as handle:
        client().chat.completions.create(**ask(7))
        assert comes_back(lambda: handle.flush(0.2)) is False
        assert exported.wait(PATIENCE_S)
        hanging.freed.set()
    backend.meters.shutdown()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that nobody listens on, and that nobody else gets meanwhile."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


_PROGRAM = """
import faulthandler, os
faulthandler.dump_traceback_later(50, exit=True)
import agentobs
from tests.support.model import REFUSED, ask, client
import openai

handle = agentobs.instrument(metrics="otel")
with agentobs.agent("support"):
    print(client().chat.completions.create(**ask(7)).choices[0].message.content)
    print(len(list(client().chat.completions.create(**ask(1234, stream=True)))))
    try:
        client().chat.completions.create(**ask(REFUSED))
    except openai.BadRequestError as error:
        print(error.status_code)
"""


def _run(code: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _PROGRAM + textwrap.dedent(code)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return subprocess.run(command, capture_output=True, text=True, timeout=90, check=False, env=inherited | environment)


@pytest.mark.parametrize("protocol", ["http/protobuf", "grpc"])
def test_a_program_whose_backend_is_down(protocol: str, closed_port: int) -> None:
    done = _run(
        """
        print(handle.flush(0.5))
        handle.uninstrument(0.5)
        print("done")
        """,
        {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{closed_port}", "OTEL_EXPORTER_OTLP_PROTOCOL": protocol},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["7", "6", "400", "False", "done"]
    assert "Traceback" not in done.stderr


def test_a_program_that_says_nothing_more_ends_though_its_backend_hangs() -> None:
    """It accepts connections and never answers; what is left at exit is given up after the exporter's time."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(64)
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        done = _run("", {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "OTEL_EXPORTER_OTLP_TIMEOUT": "1"})
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["7", "6", "400"]
    assert "Timeout (" not in done.stderr


def test_what_is_left_is_sent_at_exit(loopback: Loopback) -> None:
    """The first releases of Python 3.12 start no thread that late."""
    loopback.play(*[Answer(200)] * 20)
    done = _run("", {"OTEL_EXPORTER_OTLP_ENDPOINT": loopback.url})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert {request.path for request in loopback.requests} == {"/v1/traces", "/v1/metrics", "/v1/logs"}
