"""Programs in a process of their own, as OpenTelemetry's global providers can be set only once in each."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run_python(program: str, **env: str) -> str:
    """The output of a program in a process of its own, with nothing of OTEL_* but what is given."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(program)],
        env={"PATH": "/usr/bin:/bin", "AGENTOBS_STRICT": "1", "PYTHONPATH": ".", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
