"""Who has no endpoint does not pay for it."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys, agentobs
assert callable(agentobs.feedback)
assert not [name for name in sys.modules if name.startswith(("agentobs.endpoint", "itsdangerous", "sqlite3", "psycopg"))]
agentobs.feedback_app
assert callable(agentobs.feedback)
assert not [name for name in sys.modules if name.startswith(("itsdangerous", "sqlite3", "psycopg", "starlette"))]
"""


def test_the_endpoint_is_imported_when_it_is_asked_for() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
