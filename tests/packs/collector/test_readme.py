"""What collector/README.md tells people to do, done as far as it goes without a cluster."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import yaml

from tests.support.documents import block
from tests.support.stack import otelcol

ROOT = Path(__file__).parents[3]
README = (ROOT / "collector" / "README.md").read_text()
CONFIGS = {path.name: path.read_text() for path in (ROOT / "collector").glob("*.yaml")}


def test_every_variable_of_the_configs_is_explained_and_no_other() -> None:
    used = {name for text in CONFIGS.values() for name in re.findall(r"\$\{env:(\w+)", text)}
    explained = set(re.findall(r"`(AGENTOBS_\w+)`", README.split("## Variables")[1].split("\n\nMetrics leave")[0]))
    assert explained == used


def test_defaults_in_the_table_are_those_of_the_configs() -> None:
    text = "\n".join(CONFIGS.values())
    rows = re.findall(r"^\| `(AGENTOBS_\w+)` \| `([^`]+)` \|", README, re.MULTILINE)
    assert len(rows) > 10
    for name, default in rows:
        assert f"${{env:{name}:-{default}}}" in text, name


def test_helm_values_hold_the_config_below_alternate_config(tmp_path: Path) -> None:
    script = (
        block(README, "bash", "helm upgrade")
        .split("helm upgrade")[0]
        .replace("> values.yaml", f"> {tmp_path}/values.yaml")
    )
    subprocess.run(["bash", "-c", script], cwd=ROOT, check=True, timeout=30)
    values = yaml.safe_load((tmp_path / "values.yaml").read_text())
    assert values["alternateConfig"] == yaml.safe_load(CONFIGS["gateway.yaml"])


def test_a_second_file_is_merged(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(block(README, "yaml", "authorization"))
    done = otelcol("validate", f"--config={ROOT / 'collector/gateway.yaml'}", f"--config={own}")
    assert done.returncode == 0, done.stderr
