"""Other packages add integrations by entry points, by the same door; what is wrong with one of them stops no other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.documents import block
from tests.support.environments import ROOT

SHOP = (
    block((ROOT / "agentobs" / "README.md").read_text(encoding="utf-8"), "python", "# shop_agentobs.py")
    + """
OPENAI = Integration("openai", "shop_client", "shop-client", "2.0", ("model calls",), "shop_agentobs")
AGAIN = Integration("shop", "shop_client", "shop-client", "2.0", ("model calls",), "nowhere")
NUMBER = 7
"""
)
"""What agentobs/README.md shows, and rows that cannot be used."""
PROGRAM = """
import json, sys
import agentobs
from agentobs import testing
handle = agentobs.instrument(metrics="off")
import shop_client
with testing.capture() as seen:
    said = shop_client.ask("shop-1")
print(json.dumps({
    "said": said,
    "spans": [(span.name, span.attributes.get("gen_ai.usage.input_tokens")) for span in seen.spans],
    "reports": {report.name: [report.status, report.version, *report.missing, report.note]
                for report in handle.report().libraries},
    "errors": dict(handle.report().errors),
}))
"""


def package(folder: Path, name: str, version: str, files: dict[str, str], *points: str) -> None:
    """An installed package, as pip leaves it."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    if points:
        (info / "entry_points.txt").write_text("\n".join(["[agentobs.integrations]", *points, ""]))
    for file, text in files.items():
        (folder / file).write_text(text)


def run(folder: Path, version: str, *points: str) -> dict[str, Any]:
    """A program that uses the shop's client, where another package offers these entry points for it."""
    package(folder, "shop-client", version, {"shop_client.py": "def ask(model):\n    return 'In the depot.'\n"})
    package(folder, "shop-agentobs", "1.0", {"shop_agentobs.py": SHOP}, *points)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "AGENTOBS_STRICT": "0"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_a_library_of_another_package(tmp_path: Path) -> None:
    told = run(tmp_path, "2.1", "shop = shop_agentobs:ROW")
    assert (told["said"], told["spans"]) == ("In the depot.", [["chat shop-1", 3]])
    assert told["reports"]["shop"] == ["patched", "2.1", ""]
    assert told["errors"] == {}


@pytest.mark.parametrize(
    ("point", "why"),
    [
        ("broken = shop_nowhere:ROW", "shop_nowhere:ROW (No module named 'shop_nowhere')"),
        ("broken = shop_agentobs:NUMBER", "shop_agentobs:NUMBER (it is no Integration but int)"),
        ("broken = shop_agentobs:OPENAI", "shop_agentobs:OPENAI (openai is observed by agentobs itself already)"),
        ("x_broken = shop_agentobs:AGAIN", "shop_agentobs:AGAIN (shop is observed by shop_agentobs:ROW already)"),
    ],
)
def test_one_that_cannot_be_used_is_named_and_counted_and_the_rest_goes_on(
    tmp_path: Path, point: str, why: str
) -> None:
    told = run(tmp_path, "2.1", point, "shop = shop_agentobs:ROW")
    assert told["spans"] == [["chat shop-1", 3]]
    assert told["reports"][point.partition(" ")[0]][:3] == ["failed", None, why]
    assert told["errors"] == {"entry point": 1}
    assert told["reports"]["shop"][0] == "patched"


@pytest.mark.parametrize("version", ["1.9", "1.10.3", "0.99rc1"])
def test_a_version_that_is_too_old_is_told(tmp_path: Path, version: str) -> None:
    told = run(tmp_path, version, "shop = shop_agentobs:ROW")
    assert told["reports"]["shop"] == ["patched", version, "older than 2.0, the lowest version that is supported"]
