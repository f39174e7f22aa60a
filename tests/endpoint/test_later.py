"""The answer is made in one process, the feedback arrives a day later in another one, at the same collector."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.support.endpoint.serving import ROOT, receiving
from tests.support.endpoint.twins import SECRET
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


def test_the_event_of_the_next_day_carries_the_ids_of_the_answer() -> None:
    before_ns = time.time_ns()
    with receiving() as telemetry:
        token = run(_ANSWERS, OTEL_EXPORTER_OTLP_ENDPOINT=telemetry.url)
        assert run(_LISTENS, token, OTEL_EXPORTER_OTLP_ENDPOINT=telemetry.url) == "202"
        (event,) = poll(lambda: telemetry.events(gen_ai_evaluation_name="user_feedback"), "the event")
        spans = poll(lambda: len(telemetry.spans()) == 2 and telemetry.spans(), "both spans")
    assert spans[event["traceId"], event["spanId"]] == "invoke_agent support"
    assert event["values"]["agentobs_feedback_late"] is True
    assert event["values"]["gen_ai_conversation_id"] == "c-1"
    assert event["eventName"] == "gen_ai.evaluation.result"
    assert int(event["timeUnixNano"]) >= before_ns + DAY_NS
