"""A function is frozen as soon as it has answered: everything has arrived by then."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.support.process.programs import ROOT
from tests.support.process.receiver import Receiver
from tests.support.stack import poll

PLATFORM = """
import os, signal
from examples.lambda_handler import handler
for question in ("Where is it?", "And now?"):
    assert handler({"question": question}, None)["answer"]
    os.kill(os.getpid(), signal.SIGSTOP)
"""


def frozen(process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_each_answer_is_followed_by_its_telemetry(shell: dict[str, str], received: Receiver) -> None:
    env = shell | {"OTEL_EXPORTER_OTLP_ENDPOINT": received.http, "OTEL_SERVICE_NAME": "orders"}
    process = subprocess.Popen([sys.executable, "-c", PLATFORM], env=env, cwd=ROOT)
    try:
        for answers in (1, 2):
            poll(lambda: frozen(process), "the process is frozen")
            spans = [("chat gpt-4.1-mini", answers), ("invoke_agent orders", answers)]
            for name, number in spans:
                poll(
                    lambda name=name, number=number: (
                        [span.name for span in received.items("traces", "orders")].count(name) == number
                    ),
                    f"{number} spans {name}",
                )
            poll(lambda answers=answers: [*received.last("orders", "agentobs.calls").values()] == [answers], "calls")
            process.send_signal(signal.SIGCONT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
