"""Somebody new follows the documents word for word: a fresh clone, a fresh environment, every command as it stands."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from agentobs.demo.faults import Fault, Faults
from agentobs.demo.provider import Provider
from tests.support import environments, needs
from tests.support.documents import block, blocks
from tests.support.environments import ROOT, Environment
from tests.support.stack import free_port, poll

needs.module("hatchling.build")

URL = "https://git.example.com/agentobs.git"
EXECUTED = {"README.md", ".github/CONTRIBUTING.md", "examples/README.md"}
BY_CI = {"tests/README.md"}
"""Their commands run all tests; CI is that."""
BY_OTHERS = {"agentobs/endpoint/README.md"}
"""Executed by tests/endpoint/test_readme.py, which has a store for their commands."""


def shell(document: str) -> list[str]:
    return blocks((ROOT / document).read_text(encoding="utf-8"), "sh")


@pytest.fixture
def provided() -> Iterator[dict[str, str]]:
    """Variables with which the real clients reach a provider that always answers."""
    with Provider(seed=1, faults=Faults(**{str(fault): 0.0 for fault in Fault})) as provider:
        yield {"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"{provider.base_url}/v1"}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return environments.clone(tmp_path_factory.mktemp("clone"))


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return environments.create(tmp_path / "environment", pip=True)


def follow(script: str, environment: Environment, clone: Path) -> str:
    """Run the script as it stands; behind the address of the repository is the clone. Returns what it printed."""
    git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{clone}.insteadOf", "GIT_CONFIG_VALUE_0": URL}
    done = environment.run("bash", "-euo", "pipefail", "-c", script, cwd=clone, **git)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_shell_block_is_executed() -> None:
    having = {str(path.relative_to(ROOT)) for path in environments.tracked() if path.suffix == ".md"}
    assert {document for document in having if shell(document)} == EXECUTED | BY_CI | BY_OTHERS


def test_the_two_commands_end_in_exactly_that(environment: Environment, clone: Path) -> None:
    first, _ = shell("README.md")
    said = follow(first, environment, clone)
    assert "seen:  exactly that, call by call, token by token, cent by cent, retry by retry" in said
    assert "Next, with your own agent" in said


def test_a_first_look_prints_the_spans(environment: Environment, clone: Path, provided: dict[str, str]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    program = block(readme, "python", "handle.report()")
    (command,) = re.findall(r"`(OTEL_TRACES_EXPORTER=console .*?)`", readme)
    (environment.root / "app.py").write_text(program, encoding="utf-8")
    environment.install(clone)
    done = environment.run("bash", "-c", command, **provided)
    assert done.returncode == 0, done.stderr
    assert '"name": "chat gpt-4.1-mini"' in done.stdout


def test_each_way_to_install_gives_the_package(environment: Environment, clone: Path, tmp_path: Path) -> None:
    _, second = shell("README.md")
    for line in second.splitlines():
        follow(line, environment, clone)
        done = environment.run("agentobs", "--version", cwd=tmp_path)
        assert str(environment.root) in done.stdout, line
        assert environment.run("pip", "uninstall", "--yes", "agentobs-otel").returncode == 0


def test_a_contributor_has_what_the_checks_need(environment: Environment, clone: Path) -> None:
    (script,) = shell(".github/CONTRIBUTING.md")
    assert "All checks passed!" in follow(script, environment, clone)


@pytest.mark.parametrize(
    ("script", "path", "word"),
    [
        pytest.param(script, path, word, id=path)
        for script, (path, word) in zip(
            shell("examples/README.md"), (("/", "agentobs-feedback"), ("/metrics/", "agentobs_info")), strict=True
        )
    ],
)
def test_an_example_serves(
    script: str, path: str, word: str, environment: Environment, clone: Path, provided: dict[str, str]
) -> None:
    port = free_port()
    before, _, last = script.strip().rpartition("\n")
    server = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", f"{before}\nexec {last} --port {port}"],
        cwd=clone,
        env=environment.environ(**provided),
    )
    try:
        page = poll(lambda: answer(f"http://127.0.0.1:{port}{path}"), "the page", 60)
        assert word in page
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(30)


def answer(url: str) -> str | None:
    try:
        return requests.get(url, timeout=5).text
    except requests.ConnectionError:
        return None
