"""A clock that a test puts forward, in place of waiting."""

from __future__ import annotations

import sys
import time

import pytest


class Clock:
    """`time.perf_counter` as agentobs reads it, ahead of the real one by what the test has added."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._ahead_s = 0.0
        self._real = real = time.perf_counter
        for name, module in list(sys.modules.items()):
            if name == "time" or name.partition(".")[0] == "agentobs":
                for bound, value in list(vars(module).items()):
                    if value is real:
                        monkeypatch.setattr(module, bound, self._read)

    def _read(self) -> float:
        return self._real() + self._ahead_s

    def forward(self, seconds: float) -> None:
        """Let this time pass at once."""
        self._ahead_s += seconds
