"""Grafana's own published types and models accept the dashboards, down to the options of each panel."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.stack.parts import folder

from .boards import boards

SCHEMA = Path(__file__).parent / "schema"


def missing() -> str | None:
    """Why Grafana's types are not to be had; None when they are."""
    kept = folder() / "grafana-schema"
    lock = kept / "package-lock.json"
    if not lock.is_file() or lock.read_bytes() != (SCHEMA / "package-lock.json").read_bytes():
        return "Grafana's types are not installed in the pinned version: run tests/packs/dashboards/schema/install"
    if shutil.which("node") is None:
        return "node is missing: install Node.js 20 or newer"
    return None


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A TypeScript project that sees Grafana's types."""
    reason = missing()
    if reason and os.environ.get("AGENTOBS_REQUIRE_STACK") == "1":
        pytest.fail(reason, pytrace=False)
    if reason:
        pytest.skip(reason)
    for name in ("tsconfig.json", "types.ts", "package.json"):
        shutil.copy(SCHEMA / name, tmp_path)
    (tmp_path / "node_modules").symlink_to(folder() / "grafana-schema" / "node_modules")
    return tmp_path


def checked(project: Path, models: dict[str, Any]) -> str:
    """What the TypeScript compiler has to say of the models as literals of Grafana's types; nothing when all is well."""
    lines = ["import type { Classic } from './types';"]
    lines += [f"export const {name}: Classic = {json.dumps(model, indent=1)};" for name, model in models.items()]
    (project / "boards.ts").write_text("\n".join(lines))
    compiler = project / "node_modules" / "typescript" / "bin" / "tsc"
    return subprocess.run(
        ["node", compiler, "--pretty", "false", "-p", "."],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    ).stdout


def changed(**changes: Any) -> dict[str, Any]:
    """A dashboard whose first panel is spoilt."""
    board = json.loads(json.dumps(boards()["overview"]))
    board["panels"][0] |= changes
    return {"spoilt": board}


def test_grafanas_types_accept_the_dashboards(project: Path) -> None:
    assert checked(project, dict(boards())) == ""


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"span": 4}, "span"),
        ({"options": {"textMode": "loud"}}, "loud"),
        ({"fieldConfig": {"defaults": {"unitt": "s"}, "overrides": []}}, "unitt"),
        ({"gridPos": {"x": 0, "y": 0, "w": "3", "h": 4}}, "string"),
        ({"type": "singlestat"}, "singlestat"),
    ],
    ids=["dead key", "unknown option", "misspelt field", "wrong type", "dead panel"],
)
def test_the_check_itself_finds_faults(project: Path, changes: dict[str, Any], told: str) -> None:
    assert told in checked(project, changed(**changes))


def test_grafanas_python_models_keep_every_key() -> None:
    sdk = pytest.importorskip(
        "grafana_foundation_sdk.models.dashboard", reason="pip install grafana-foundation-sdk==0.0.21"
    )
    encoder = pytest.importorskip("grafana_foundation_sdk.cog.encoder")
    for name, board in boards().items():
        read = sdk.Dashboard.from_json(json.loads(json.dumps(board)))
        written = json.loads(encoder.JSONEncoder(sort_keys=True).encode(read))
        assert lost(board, written, name) == []


def lost(ours: Any, theirs: Any, path: str) -> list[str]:
    """Paths of what the models do not give back as it was."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            found
            for key, value in ours.items()
            if value is not None
            for found in (lost(value, theirs[key], f"{path}.{key}") if key in theirs else [f"{path}.{key}"])
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            found for at, (a, b) in enumerate(zip(ours, theirs, strict=True)) for found in lost(a, b, f"{path}[{at}]")
        ]
    return [] if ours == theirs else [f"{path}: {ours!r} became {theirs!r}"]
