"""Command line tools that come with the servers, run once and to the end."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .parts import require

TIMEOUT_S = 120.0
COLLECTORS = {"contrib": ("collector", "otelcol-contrib"), "core": ("collector-core", "otelcol-core")}


def promtool(version: int, *args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool of Prometheus 2 or 3; its status and texts are the caller's to judge."""
    return _run(require(f"prometheus{version}", "promtool"), *args)


def amtool(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run amtool of the Alertmanager."""
    return _run(require("alertmanager", "amtool"), *args)


def otelcol(
    *args: str | Path, distribution: str = "contrib", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a collector command that ends by itself, such as `validate --config=FILE` or `components`."""
    return _run(require(*COLLECTORS[distribution]), *args, env=env)


def chromium(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run headless Chromium on a profile of its own: `chromium("--dump-dom", url)`, `--screenshot=FILE`."""
    program = require("chromium")
    with tempfile.TemporaryDirectory(prefix="agentobs-chromium-", ignore_cleanup_errors=True) as profile:
        return _run(
            program,
            "--headless",
            "--no-sandbox",  # it refuses to sandbox for root, and shows nothing but pages of the tests
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--no-proxy-server",
            f"--user-data-dir={profile}",
            *args,
            env={"HOME": profile},
        )


def _run(program: Path, *args: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, *args],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
        env={**os.environ, **(env or {})},
    )
