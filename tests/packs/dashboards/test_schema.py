"""Grafana's own published types and models accept the dashboards, down to the options of each panel."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support import needs
from tests.support.packs.boards import PROJECT, boards
from tests.support.stack.parts import folder

SCHEMA = PROJECT / "tests" / "support" / "packs" / "schema"


def missing() -> tuple[str, str] | None:
    """Why Grafana's types are not to be had, and the cure; None when they are."""
    kept = folder() / "grafana-schema"
    lock = kept / "package-lock.json"
    if not lock.is_file() or lock.read_bytes() != (SCHEMA / "package-lock.json").read_bytes():
        return "Grafana's types are not installed in the pinned version", "tests/support/packs/schema/install"
    if shutil.which("node") is None:
        return "Node.js 20 or newer is not installed", "apt-get install nodejs npm"
    return None


SPOILT: dict[str, tuple[dict[str, Any], str]] = {
    "dead_key": ({"span": 4}, "span"),
    "unknown_option": ({"options": {"textMode": "loud"}}, "loud"),
    "misspelt_field": ({"fieldConfig": {"defaults": {"unitt": "s"}, "overrides": []}}, "unitt"),
    "wrong_type": ({"gridPos": {"x": 0, "y": 0, "w": "3", "h": 4}}, "string"),
    "dead_panel": ({"type": "singlestat"}, "singlestat"),
}
"""Faults in the first panel of a dashboard, and a word of what the compiler says of each."""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What the TypeScript compiler says of each dashboard, good and spoilt, as a literal of Grafana's types."""
    if lack := missing():
        needs.require(*lack)
    project = tmp_path_factory.mktemp("schema")
    for name in ("tsconfig.json", "types.ts", "package.json"):
        shutil.copy(SCHEMA / name, project)
    (project / "node_modules").symlink_to(folder() / "grafana-schema" / "node_modules")
    models = dict(boards()) | {name: spoilt(**changes) for name, (changes, _) in SPOILT.items()}
    for name, model in models.items():
        text = f"import type {{ Classic }} from './types';\nexport const board: Classic = {json.dumps(model)};\n"
        (project / f"{name}.ts").write_text(text)
    compiler = project / "node_modules" / "typescript" / "bin" / "tsc"
    told = subprocess.run(
        ["node", compiler, "--pretty", "false", "-p", "."],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    lines = told.stdout.splitlines()
    assert not told.stderr
    return {name: "\n".join(line for line in lines if line.startswith(f"{name}.ts")) for name in [*models, "types"]}


def spoilt(**changes: Any) -> dict[str, Any]:
    board: dict[str, Any] = json.loads(json.dumps(boards()["overview"]))
    board["panels"][0] |= changes
    return board


@pytest.mark.parametrize("name", ["types", *boards()])
def test_grafanas_types_accept_it(name: str, complaints: Mapping[str, str]) -> None:
    assert complaints[name] == ""


@pytest.mark.parametrize("fault", SPOILT)
def test_the_check_itself_finds_faults(fault: str, complaints: Mapping[str, str]) -> None:
    assert SPOILT[fault][1] in complaints[fault]


@pytest.mark.filterwarnings("ignore:Prefer using dashboardv2:DeprecationWarning")
def test_grafanas_python_models_keep_every_key() -> None:
    sdk = needs.module("grafana_foundation_sdk.models.dashboard")
    encoder = needs.module("grafana_foundation_sdk.cog.encoder")
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
