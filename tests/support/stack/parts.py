"""Where `tests/support/stack/install` put the programs of the real servers, and what to do when it has not run."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

PROGRAMS: dict[str, tuple[str, ...]] = {
    "prometheus2": ("prometheus", "promtool"),
    "prometheus3": ("prometheus", "promtool"),
    "pushgateway": ("pushgateway",),
    "alertmanager": ("alertmanager", "amtool"),
    "collector": ("otelcol-contrib",),
    "collector-core": ("otelcol-core",),
    "redis": ("redis-server",),
    "postgresql": ("postgres", "initdb", "psql"),
    "chromium": ("chromium",),
    "bundler": ("esbuild", "tsc"),
}
"""Programs by part; the first one is what `find` and `require` give when none is named."""


def folder() -> Path:
    """The cache folder: AGENTOBS_STACK, else agentobs-stack in XDG_CACHE_HOME or ~/.cache."""
    named = os.environ.get("AGENTOBS_STACK")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agentobs-stack"


@cache
def pins() -> dict[str, str]:
    """Version by part, from versions.env."""
    lines = (Path(__file__).parent / "versions.env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {part: values[part.upper().replace("-", "_") + "_VERSION"] for part in PROGRAMS}


def why_missing(part: str, program: str | None = None) -> str | None:
    """One sentence that says why the program is not to be had, None when it is.

    Raises:
        ValueError: unknown part, or a program that the part does not have.
    """
    if part not in PROGRAMS:
        raise ValueError(f"unknown part {part!r}; there are: {', '.join(PROGRAMS)}")
    if program is not None and program not in PROGRAMS[part]:
        raise ValueError(f"{part} has no program {program!r}; it has: {', '.join(PROGRAMS[part])}")
    stamp = folder() / part / "PIN"
    if not stamp.is_file():
        return f"{part} {pins()[part]} is not installed"
    pin = stamp.read_text().split(" ")[0]
    if pin != pins()[part]:
        return f"{part} {pin} is installed and the tests want {pins()[part]}"
    if not os.access(_path(part, program), os.X_OK):
        return f"{part} is installed but {_path(part, program)} cannot be run"
    return None


def find(part: str, program: str | None = None) -> Path | None:
    """The program of a part, None when it is not installed in the version that versions.env asks for."""
    return None if why_missing(part, program) else _path(part, program)


def require(part: str, program: str | None = None) -> Path:
    """As `find`; a part that is missing skips the test, and fails it under AGENTOBS_REQUIRE_STACK=1."""
    reason = why_missing(part, program)
    if reason is not None:
        from tests.support import needs

        needs.require(reason, f"tests/support/stack/install {part}")
    return _path(part, program)


def _path(part: str, program: str | None) -> Path:
    return folder() / part / "bin" / (program or PROGRAMS[part][0])
