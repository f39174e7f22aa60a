"""What dashboards/README.md tells people to do, done."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import yaml

from agentobs.packs import load
from tests.support import needs
from tests.support.documents import block
from tests.support.packs.boards import COMMITTED, NAMES, PROJECT, boards
from tests.support.stack import loopback

README = (COMMITTED / "README.md").read_text(encoding="utf-8")


def test_every_dashboard_is_named() -> None:
    assert re.findall(r"\]\((\w+)\.json\)", README) == ["overview", "models", "cost", "breakers", "decisions"]


def test_the_api_gets_every_dashboard() -> None:
    for program in ("bash", "jq", "curl"):
        if shutil.which(program) is None:
            needs.lack(f"{program} is not installed", f"apt-get install {program}")
    with loopback() as grafana:
        environment = {"GRAFANA_URL": grafana.url.rstrip("/"), "GRAFANA_TOKEN": "token", "PATH": "/usr/bin:/bin"}
        script = f"set -eo pipefail\n{block(README, 'bash', 'GRAFANA_URL')}"
        subprocess.run(["bash", "-c", script], cwd=PROJECT, env=environment, check=True, timeout=60)
    sent = grafana.json()
    assert [body["dashboard"] for body in sent] == [boards()[name] for name in NAMES]
    assert all(body["overwrite"] for body in sent)


def test_the_provisioning_file_names_the_folder_of_the_files() -> None:
    (provider,) = yaml.safe_load(block(README, "yaml", "providers"))["providers"]
    assert provider["options"]["path"] in README.replace(block(README, "yaml", "providers"), "")


def test_the_options_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "pack.toml"
    file.write_text(block(README, "toml", "naming"))
    assert load(file).thresholds.budget_usd_month == 2500


def test_a_file_is_one_dashboard_for_terraform_and_the_sidecar() -> None:
    for path in COMMITTED.glob("*.json"):
        assert json.loads(path.read_text(encoding="utf-8"))["uid"] == f"agentobs-{path.stem}"
