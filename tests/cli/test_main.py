"""The command line as a whole: commands, help, exit codes, and what it does not import."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from agentobs.cli import COMMANDS, main

ROOT = Path(__file__).parents[2]


def run(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *argv], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert callable(import_module(f"agentobs.cli.{name}").main)
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    assert f"agentobs {name}" in capsys.readouterr().out


def test_unknown_command_names_the_known_ones(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["generat"]) == 2
    assert capsys.readouterr().err.startswith(
        f"agentobs: there is no command 'generat'; there are {', '.join(COMMANDS)}"
    )


def test_no_command_shows_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: agentobs COMMAND" in capsys.readouterr().err


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert main(["--version"]) == 0
    assert "agentobs 0." in capsys.readouterr().out


def test_python_m_agentobs() -> None:
    done = run("-m", "agentobs", "check", ".")
    assert done.returncode == 0, done.stdout + done.stderr


def test_dispatcher_imports_no_library_and_no_command() -> None:
    heavy = "{'yaml', 'grafanalib', 'agentobs.packs', 'agentobs.cli.generate', 'agentobs.cli.check'}"
    done = run("-c", f"import sys, agentobs.cli; print({heavy} & set(sys.modules))")
    assert done.stdout == "set()\n"
