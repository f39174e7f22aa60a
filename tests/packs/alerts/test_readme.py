"""What alerts/README.md tells people to do, done as far as it goes without a cluster."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from agentobs.cli import main
from tests.support.documents import block
from tests.support.stack import amtool, loopback, poll, prometheus, promtool

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


def test_firing_alerts_that_grafana_writes_show_on_the_overview() -> None:
    """With the labels that the state history of Grafana 12 and 13 gives to the series."""
    (name,) = re.findall(r"^prometheus_metric_name = (\w+)$", block(README, "ini", "state_history"), re.MULTILINE)
    labels = (
        'alertname="AgentObsBreakerOpen",severity="warning",job="support",alertstate="firing",'
        'grafana_alertstate="alerting",grafana_rule_uid="af3c"'
    )
    overview = json.loads((ROOT / "dashboards" / "overview.json").read_text())
    (panel,) = (panel for panel in overview["panels"] if panel["title"] == "Alerts firing")
    expr = panel["targets"][0]["expr"].replace("$service", ".*")
    config = """
global: {{scrape_interval: 1s}}
scrape_configs: [{{job_name: written, honor_labels: true, static_configs: [{{targets: ["{}"]}}]}}]
"""
    with (
        loopback(f"{name}{{{labels}}} 1\n") as page,
        prometheus(3, config.format(page.address)) as server,
    ):
        (shown,) = poll(lambda: server.query(expr), "the alert")
        assert shown["value"][1] == "1"


def test_number_of_alerts_is_right() -> None:
    groups = yaml.safe_load((ROOT / "alerts" / "alerts.yaml").read_text())["groups"]
    assert README.startswith(f"# Alerts\n\n{sum(len(group['rules']) for group in groups)} alerts ")
