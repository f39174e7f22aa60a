"""What alerts/README.md tells people to do, done as far as it goes without a cluster."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from agentobs.cli import main
from tests.support.documents import block
from tests.support.stack import amtool, promtool

ROOT = Path(__file__).parents[3]
README = (ROOT / "alerts" / "README.md").read_text()


@pytest.mark.parametrize("version", [2, 3])
def test_prometheus_takes_the_lines_for_its_config(version: int, tmp_path: Path) -> None:
    (tmp_path / "agentobs").symlink_to(ROOT / "alerts")
    config = tmp_path / "prometheus.yml"
    config.write_text(block(README, "yaml", "rule_files"))
    done = promtool(version, "check", "config", config)
    assert done.returncode == 0, done.stderr
    assert "rules found" in done.stdout


def test_kubernetes_gets_one_rule_object_for_each_file() -> None:
    script = block(README, "bash", "PrometheusRule").replace("| kubectl apply -f -", "")
    done = subprocess.run(["bash", "-c", script], cwd=ROOT, check=True, timeout=30, capture_output=True, text=True)
    objects = [one for one in yaml.safe_load_all(done.stdout) if one]
    assert [(one["kind"], one["metadata"]["name"]) for one in objects] == [
        ("PrometheusRule", "agentobs-rules"),
        ("PrometheusRule", "agentobs-alerts"),
    ]
    assert [one["spec"] for one in objects] == [
        yaml.safe_load((ROOT / "alerts" / name).read_text()) for name in ("rules.yaml", "alerts.yaml")
    ]


def test_alertmanager_takes_the_route(tmp_path: Path) -> None:
    (tmp_path / "am.yml").write_text(block(README, "yaml", "receiver: pager"))
    done = amtool("check-config", tmp_path / "am.yml")
    assert done.returncode == 0, done.stderr


def test_thresholds_file_is_taken_by_both_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("agentobs.toml").write_text(block(README, "toml", "slo"))
    for line in block(README, "bash", "agentobs generate").splitlines():
        assert main(line.split()[1:]) == 0
    assert "https://wiki.example.com/agentobs#agentobsbreakeropen" in Path("alerts/alerts.yaml").read_text()


def test_number_of_alerts_is_right() -> None:
    groups = yaml.safe_load((ROOT / "alerts" / "alerts.yaml").read_text())["groups"]
    assert README.startswith(f"# Alerts\n\n{sum(len(group['rules']) for group in groups)} alerts ")
