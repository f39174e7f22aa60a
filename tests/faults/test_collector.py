"""The garbage collector may run anywhere, with any lock held: what it ends must take none.

Each program runs in a process of its own with the collector at its most eager, so that it strikes inside every place
that allocates, among them those under a lock. A process that hangs prints where and fails.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

_BEFORE = """
import faulthandler, gc, threading
faulthandler.dump_traceback_later(50, exit=True)
import pybreaker
import agentobs
from tests.support.backend import Backend, observed
from tests.support.model import ask, client

class Cycle:
    def __init__(self, held):
        self.held, self.itself = held, self
"""

_PROGRAMS = {
    "streams and breakers that die while calls are made and metrics are read": """
        backend, api = Backend(), client()
        with observed(backend):
            gc.set_threshold(1, 1, 1)
            for number in range(100, 160):
                cycle = Cycle(api.chat.completions.create(**ask(number, stream=True)))
                next(cycle.held)
                del cycle
                pybreaker.CircuitBreaker(name="short-lived").open()
                if number % 20 == 0:
                    backend.total("agentobs.calls")
            gc.set_threshold(700, 10, 10)
            gc.collect()
            assert backend.total("agentobs.calls", agentobs_outcome="abandoned") == 60
            assert backend.total("agentobs.calls.active") == 0
            assert backend.total("agentobs.circuit_breaker.state") == 0
        assert len(backend.spans) == 60
    """,
    "a stream that dies while the program holds the lock that its span processor takes": """
        from opentelemetry.sdk.trace import SpanProcessor
        lock = threading.Lock()
        ended = []

        class Locking(SpanProcessor):
            def on_end(self, span):
                with lock:
                    ended.append(span.name)

        backend, api = Backend(processors=[Locking()]), client()
        with observed(backend):
            cycle = Cycle(api.chat.completions.create(**ask(100, stream=True)))
            next(cycle.held)
            with lock:
                del cycle
                gc.collect()
                assert not ended
            api.chat.completions.create(**ask(1))
            assert len(ended) == 2
    """,
    "breakers that die while the lock of the sums is held": """
        from agentobs.emit.sinks import LOCK
        backend = Backend()
        with observed(backend):
            pybreaker.CircuitBreaker(name="short-lived").open()
            with LOCK:
                gc.collect()
            assert backend.total("agentobs.circuit_breaker.state") == 0
    """,
}


@pytest.mark.parametrize("program", _PROGRAMS)
def test_no_deadlock(program: str) -> None:
    code = _BEFORE + textwrap.dedent(_PROGRAMS[program]) + "print('done')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr
    assert done.stderr == ""
