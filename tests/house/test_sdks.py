"""The table of environments is one that tests/run can make, and names tests that exist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sdks import ROOT, Environment, environments, link_commands

RUN = ROOT / "tests" / "run"
PROJECT = """
[project]
name = "shop"
dependencies = ["a>=1"]
[project.optional-dependencies]
cart = ["b>=2"]
test = ["c", "shop[cart]"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT)
    return path


@pytest.mark.parametrize("environment", environments().values(), ids=lambda environment: environment.name)
def test_tests_of_an_environment_exist(environment: Environment) -> None:
    assert [path for path in environment.tests if not (ROOT / path).exists()] == []


def test_requirements_are_those_of_the_project_with_all_its_extras_and_those_of_the_row(project: Path) -> None:
    table = project.with_name("sdks.toml")
    table.write_text('[old]\nrequirements = ["b<3"]\ntests = ["tests/shop"]\n[new]\nrequirements = []\n')
    assert environments(table, project) == {
        "old": Environment("old", ("a>=1", "b>=2", "c", "b<3"), ("tests/shop",)),
        "new": Environment("new", ("a>=1", "b>=2", "c"), ()),
    }


@pytest.mark.parametrize("row", ['tests = ["tests/shop"]', 'requirements = []\ntest = ["tests/shop"]'])
def test_a_row_with_other_keys_is_refused(project: Path, row: str) -> None:
    table = project.with_name("sdks.toml")
    table.write_text(f"[old]\n{row}\n")
    with pytest.raises(ValueError, match=r"sdks.toml: \[old\] has .*; there are requirements"):
        environments(table, project)


def test_a_checkout_has_the_commands_of_the_shared_environment_run_by_its_own_python(tmp_path: Path) -> None:
    shared, own = tmp_path / "shared" / "bin", tmp_path / "own" / "bin"
    for folder in (shared / "__pycache__", own):
        folder.mkdir(parents=True)
    for name, text in {"serve": f"#!{shared}/python\nimport serve\n", "python": "", "checker": "\x7fELF"}.items():
        (shared / name).write_text(text)
    link_commands(shared, own)
    assert sorted(path.name for path in own.iterdir()) == ["checker", "serve"]
    assert (own / "serve").read_text() == f"#!{own}/python\nimport serve\n"
    assert (own / "checker").resolve() == shared / "checker"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """tests/run, with the Python that runs this test."""
    return subprocess.run(
        ["bash", RUN, *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_names_are_printed() -> None:
    assert run("--list").stdout.split() == list(environments())


def test_an_unknown_name_is_answered_by_the_known_ones() -> None:
    done = run("--sdks", "oldest", "-q")
    assert done.returncode == 2
    assert "--sdks oldest is not known; there are: newest, previous" in done.stderr
