"""On PyPI the name `agentobs` belongs to an unrelated project with the same import name: which of the two runs is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support import environments, needs
from tests.support.environments import ROOT, Environment

needs.module("hatchling.build")

INSTRUMENT = "import agentobs; agentobs.instrument(); print('observed')"
BOTH = "the distribution agentobs 1.0.8 in "
CURE = "run `pip uninstall agentobs agentobs-otel` and install agentobs-otel again"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environments.own_wheel(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel with the names of theirs, as far as they meet ours: package, modules and command."""
    files = {
        "agentobs/__init__.py": "from agentobs.config import configure\n",
        "agentobs/config.py": "def configure(): ...\n",
        "agentobs/testing.py": "",
        "agentobs/_cli.py": "def main():\n    print('the other command')\n",
        "agentobs/integrations/__init__.py": "",
        "agentobs/integrations/openai.py": "",
    }
    folder = tmp_path_factory.mktemp("theirs")
    return environments.wheel(folder, "agentobs", "1.0.8", files, script="agentobs = agentobs._cli:main")


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return environments.create(tmp_path / "environment")


def test_alone_it_runs_and_says_nothing(environment: Environment, ours: Path) -> None:
    environment.install(ours)
    done = environment.run("python", "-c", INSTRUMENT)
    assert (done.stdout, done.stderr) == ("observed\n", "")
    done = environment.run("agentobs", "--version")
    assert done.stdout.startswith("agentobs 0.")
    assert str(environment.root) in done.stdout
    assert done.stderr == ""


def test_installed_after_the_other_it_runs_and_warns(environment: Environment, ours: Path, theirs: Path) -> None:
    environment.install(theirs)
    environment.install(ours)
    done = environment.run("python", "-c", INSTRUMENT)
    assert done.stdout == "observed\n"
    assert BOTH in done.stderr
    assert CURE in done.stderr
    done = environment.run("agentobs", "check", ROOT)
    assert done.returncode == 0
    assert done.stderr.count(BOTH) == 1


def test_under_the_other_the_command_tells_what_stands_in_its_place(
    environment: Environment, ours: Path, theirs: Path
) -> None:
    environment.install(ours)
    environment.install(theirs)
    assert "has no attribute 'instrument'" in environment.run("python", "-c", INSTRUMENT).stderr
    assert environment.run("agentobs", "--version").stdout == "the other command\n"
    for command in (["-m", "agentobs_otel", "--version"], ["-m", "agentobs", "run", "app.py"]):
        done = environment.run("python", *command)
        assert done.returncode == 2
        assert f"agentobs{'/'}__init__.py, which is not the package of agentobs-otel" in done.stderr
        assert "the distribution agentobs 1.0.8, an unrelated project" in done.stderr
        assert CURE in done.stderr


def test_the_cure_cures(environment: Environment, ours: Path, theirs: Path) -> None:
    environment.install(ours)
    environment.install(theirs)
    environment.pip("uninstall", "--quiet", "--yes", "agentobs", "agentobs-otel")
    environment.install(ours)
    done = environment.run("python", "-c", INSTRUMENT)
    assert (done.stdout, done.stderr) == ("observed\n", "")


def test_a_source_tree_loses_to_an_installed_package_and_says_so(environment: Environment, theirs: Path) -> None:
    environment.install(theirs)
    environment.install("--editable", ROOT)
    done = environment.run("agentobs", "demo")
    assert done.returncode == 2
    assert "which is not the package of agentobs-otel" in done.stderr
    done = environment.run("python", "-c", INSTRUMENT, cwd=ROOT)
    assert done.stdout == "observed\n"
    assert BOTH in done.stderr


def test_a_file_of_that_name_is_told_too(environment: Environment, ours: Path, tmp_path: Path) -> None:
    environment.install(ours)
    (tmp_path / "agentobs.py").write_text("")
    done = environment.run("python", "-m", "agentobs_otel", "--version", cwd=tmp_path)
    assert done.returncode == 2
    assert f"`import agentobs` finds {tmp_path / 'agentobs.py'}" in done.stderr
    assert "rename it, or start from another folder" in done.stderr


def test_nothing_tells_anybody_to_install_the_other_project() -> None:
    wrong = re.compile(r"pip\s+install\s+(--?\S+\s+)*['\"]?agentobs(?!-otel|_otel)\b|(?<![\w.-])agentobs\[[a-z]")
    for path in environments.tracked():
        if path != Path(__file__) and path.suffix in (".py", ".md", ".toml", ".yaml", ".json", ".html", ".js", ""):
            assert not wrong.search(path.read_text(encoding="utf-8")), path
