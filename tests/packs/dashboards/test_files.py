"""The committed dashboards are what the generator makes, and generating is nobody else's burden."""

from __future__ import annotations

import subprocess
import sys

import pytest

from agentobs.packs import build
from tests.support.packs.boards import COMMITTED, NAMES, PROJECT, boards


def test_committed_dashboards_are_the_generated_ones() -> None:
    generated = build(what="dashboards")
    assert {f"dashboards/{path.name}" for path in COMMITTED.glob("*.json")} == set(generated)
    for path, text in generated.items():
        assert (PROJECT / path).read_text(encoding="utf-8") == text, f"{path}: run `agentobs generate dashboards`"


def test_the_same_options_give_the_same_bytes() -> None:
    script = "from agentobs.packs import build; print(build(what='dashboards'))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={"PYTHONPATH": str(PROJECT), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(texts) == 1


@pytest.mark.parametrize("module", ["agentobs", "agentobs.packs", "agentobs.packs.dashboards"])
def test_grafanalib_is_imported_only_to_generate(module: str) -> None:
    script = f"import sys, {module}; print([name for name in sys.modules if name.startswith('grafanalib')])"
    told = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    assert told.strip() == "[]"


def test_one_file_knows_grafanalib() -> None:
    files = (PROJECT / "agentobs").rglob("*.py")
    knowing = [
        file.name for file in files if "from grafanalib" in file.read_text() or "import grafanalib" in file.read_text()
    ]
    assert knowing == ["grafana.py"]


def test_there_is_a_dashboard_for_each_question() -> None:
    assert tuple(boards()) == NAMES
