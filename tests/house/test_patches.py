"""Every class that agentobs patches is one that every test is asked to leave as it was."""

from __future__ import annotations

import subprocess
import sys

from agentobs.integrations.table import PROCESSES, TABLE
from tests.support.patches import PATCHED

REPORT = """
import contextlib, importlib, sys
for name in sys.argv[1:]:
    with contextlib.suppress(ImportError):
        importlib.import_module(name)
import agentobs
for library in agentobs.instrument(metrics="off").report().libraries:
    for place in library.patched:
        owner = place.rpartition(".")[0]
        module, _, name = owner.rpartition(".")
        if isinstance(getattr(sys.modules.get(module), name, None), type):
            print(owner)
"""


def test_every_patched_class_is_looked_at() -> None:
    modules = [row.module for row in (*TABLE, *PROCESSES)]
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *modules], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    patched = set(done.stdout.split())
    assert "threading.Thread" in patched
    assert patched - {f"{module}.{name}" for module, name in PATCHED} == set()
