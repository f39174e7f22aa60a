"""The documents say what is true: code runs, files load, tables are those of the code, links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentobs.demo.faults import Fault, Faults
from agentobs.demo.provider import Provider
from agentobs.pricing import PriceBook
from agentobs.version import VERSION
from tests.support import documents
from tests.support.documents import block, blocks
from tests.support.environments import tracked

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(path.relative_to(ROOT) for path in tracked() if path.suffix == ".md")
README = (ROOT / "README.md").read_text(encoding="utf-8")
INSIDE = (ROOT / "agentobs" / "README.md").read_text(encoding="utf-8")


PROGRAMS = [
    pytest.param(code, id=f"{path}: {code.strip().splitlines()[-1][:40]}")
    for path in DOCUMENTS
    for code in blocks((ROOT / path).read_text(encoding="utf-8"), "python")
]


@pytest.fixture(scope="module")
def environ() -> Iterator[dict[str, str]]:
    with Provider(seed=1, faults=Faults(**{str(fault): 0.0 for fault in Fault})) as provider:
        yield os.environ | {
            "OPENAI_API_KEY": "none",
            "OPENAI_BASE_URL": f"{provider.base_url}/v1",
            "ANTHROPIC_API_KEY": "none",
            "ANTHROPIC_BASE_URL": provider.base_url,
            "PYTHONWARNINGS": "error",
            "AGENTOBS_STRICT": "1",
            "AGENTOBS_FEEDBACK_SECRET": "s" * 32,
        }


@pytest.mark.parametrize("code", PROGRAMS)
def test_python_runs(code: str, environ: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_the_price_file_loads(tmp_path: Path) -> None:
    text = block(INSIDE, "toml", "[prices.")
    tomllib.loads(text)
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    assert PriceBook.load(path).provider_hosts == {"llm.intern.example": "openai"}


def test_the_front_page_is_short_and_has_each_subject_once() -> None:
    assert len(README.splitlines()) <= 170
    headings = [
        line.lower() for line in re.sub(r"```.*?```", "", README, flags=re.DOTALL).splitlines() if line[:1] == "#"
    ]
    assert len(headings) == len(set(headings))


@pytest.mark.parametrize("block", documents.BLOCKS, ids=lambda block: f"{block.document}: {block.name}")
def test_a_table_is_what_the_code_says(block: documents.Block) -> None:
    assert block.written() == block.make(), "python -m tests.support.documents writes it"


def test_every_file_and_folder_of_the_package_has_a_place_in_the_design() -> None:
    rows = INSIDE.partition("| folder or file |")[2].partition("\n\n")[0].splitlines()[2:]
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[0])}
    package = [path for path in (ROOT / "agentobs").iterdir() if not path.name.startswith("_") and path.suffix != ".md"]
    assert {f"{path.name}/" if path.is_dir() else path.name for path in package} - {"py.typed"} == named


def test_the_changelog_begins_with_this_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == VERSION


def anchors(text: str) -> set[str]:
    """What GitHub makes of the headings: small letters, no punctuation, dashes for spaces."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_pictures_and_anchors_exist(document: Path) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]+))?\)", text):
        if "://" in target:
            continue
        path = (ROOT / document).parent / target if target else ROOT / document
        assert path.exists(), target
        assert not anchor or anchor in anchors(path.read_text(encoding="utf-8")), f"{target}#{anchor}"
