"""The answer is made in one process, the feedback arrives a day later in another one, at the same collector."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.support.endpoint.serving import ROOT
from tests.support.endpoint.twins import SECRET
from tests.support.process.receiver import Receiver
from tests.support.stack import poll

DAY_NS = 86_400 * 10**9

_ANSWERS = """
import agentobs
with agentobs.instrument(service="answers", metrics="off"):
    with agentobs.agent("support", conversation_id="c-1"):
        print(agentobs.feedback_token())
"""

_LISTENS = """
import sys, time
real, real_ns = time.time, time.time_ns
time.time, time.time_ns = lambda: real() + 86_400, lambda: real_ns() + 86_400 * 10**9
import agentobs
from tests.support.endpoint.twins import ASGI
with agentobs.instrument(service="feedback", metrics="off"), agentobs.agent("the web request"):
    print(ASGI(secret=None).post({"token": sys.argv[1], "label": "thumbs_down"}).status)
"""


def run(code: str, *arguments: str, **env: str) -> str:
    environ = {
        **os.environ,
        "AGENTOBS_FEEDBACK_SECRET": SECRET,
        "AGENTOBS_STRICT": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
        **env,
    }
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_event_of_the_next_day_carries_the_ids_of_the_answer(received: Receiver) -> None:
    before_ns = time.time_ns()
    token = run(_ANSWERS, OTEL_EXPORTER_OTLP_ENDPOINT=received.http)
    assert run(_LISTENS, token, OTEL_EXPORTER_OTLP_ENDPOINT=received.http) == "202"
    (event,) = poll(lambda: received.items("logs", "feedback"), "the event")
    (answer,) = poll(lambda: received.items("traces", "answers"), "the span of the answer")
    assert (event.name, answer.name) == ("gen_ai.evaluation.result", "invoke_agent support")
    assert event.ids == answer.ids
    assert event.attributes["gen_ai.evaluation.name"] == "user_feedback"
    assert event.attributes["agentobs.feedback.late"] is True
    assert event.attributes["gen_ai.conversation.id"] == "c-1"
    assert int(event.raw["timeUnixNano"]) >= before_ns + DAY_NS
