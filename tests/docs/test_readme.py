"""The README says what is true: its code runs, its files load, its tables are those of the code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from agentobs import catalogue
from agentobs.config import OPTIONS
from agentobs.demo.faults import Fault, Faults
from agentobs.demo.provider import Provider
from agentobs.pricing import PriceBook

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


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


@pytest.mark.parametrize("code", blocks("python"), ids=lambda code: code.strip().splitlines()[-1][:40])
def test_python_runs(code: str, environ: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_the_price_file_loads(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    tomllib.loads(text)
    path = tmp_path / "prices.toml"
    path.write_text(text, encoding="utf-8")
    assert PriceBook.load(path).provider_hosts == {"llm.intern.example": "openai"}


def test_every_option_is_listed_with_its_variable_and_default() -> None:
    for option in OPTIONS:
        (row,) = [line for line in README.splitlines() if line.startswith(f"| `{option.name}` ")]
        assert f"`{option.env}`" in row
        if isinstance(option.default, (str, int)):
            assert str(option.default) in row
        for allowed in option.allowed:
            assert f"`{allowed}`" in row


def test_every_metric_is_in_the_table() -> None:
    table = README.partition("| subject | metrics |")[2].partition("\n\n")[0]
    named = [name.replace("…", "gen_ai.client.inference.") for name in re.findall(r"`([^`]+)`", table)]
    expanded = [part for name in named for part in _expand(name)]
    for metric in catalogue.metrics("latest"):
        assert any(re.fullmatch(name.replace(".", r"\.").replace("*", ".*"), metric.name) for name in expanded) or (
            metric is catalogue.genai.OPERATION_DURATION
        ), metric.name


def _expand(name: str) -> list[str]:
    found = re.fullmatch(r"(.*)\{(.*)\}(.*)", name)
    return [name] if found is None else [found[1] + middle + found[3] for middle in found[2].split(",")]


def test_links_and_pictures_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target
