"""What a machine lacks is told in one line, with the command that provides it."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from tests.support import needs

PROGRAM = """
    import pytest
    from tests.support import needs

    @pytest.mark.parametrize("number", range(7))
    def test_many(number):
        needs.lack("Prometheus is not installed", "install prometheus")

    def test_another():
        needs.module("no_such_client.parts", sdks="others")

    def test_that_runs():
        assert True
"""
HOOK = "from tests.conftest import pytest_terminal_summary as pytest_terminal_summary"


def run(folder: Path, program: str) -> str:
    """What pytest prints for tests in this program, with our hook."""
    (folder / "conftest.py").write_text(HOOK)
    (folder / "test_program.py").write_text(textwrap.dedent(program))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", folder, folder]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout


def test_each_lack_has_one_line_with_its_cure(tmp_path: Path) -> None:
    *_, heading, first, second, last = run(tmp_path, PROGRAM).splitlines()
    assert "what is missing here" in heading
    assert first == "    7 skipped: Prometheus is not installed: run install prometheus"
    assert second == "    1 skipped: no_such_client.parts is not installed here: run bash tests/run --sdks others"
    assert last.startswith("1 passed, 8 skipped")


def test_nothing_is_said_where_nothing_is_missing(tmp_path: Path) -> None:
    assert "missing" not in run(tmp_path, "def test_that_runs(): assert True")


def test_a_module_that_is_there_is_imported() -> None:
    assert isinstance(needs.module("json.decoder", sdks="others"), ModuleType)


def test_a_module_must_be_there_in_its_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOBS_SDKS", "others")
    with pytest.raises(ModuleNotFoundError):
        needs.module("no_such_client", sdks="others")


def test_what_is_required_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOBS_REQUIRE_STACK", "1")
    with pytest.raises(pytest.fail.Exception, match="no server: run install it"):
        needs.require("no server", "install it")
