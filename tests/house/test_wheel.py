"""What is in the wheel that people install."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.support import needs

ROOT = Path(__file__).parents[2]


def test_the_wheel_holds_the_package_its_data_and_its_licence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = needs.module("hatchling.build")
    monkeypatch.chdir(ROOT)
    with zipfile.ZipFile(tmp_path / build.build_wheel(str(tmp_path))) as wheel:
        held = set(wheel.namelist())
    package = {path for path in held if path.startswith("agentobs/")}
    others = held - package
    assert "agentobs/py.typed" in package
    on_disk = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "agentobs").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert package == on_disk
    assert {path for path in others if ".dist-info/" not in path} == {"agentobs_otel.py"}
    assert {Path(path).name for path in others} >= {"LICENSE", "NOTICE", "METADATA", "entry_points.txt"}
