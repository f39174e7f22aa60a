"""promtool of both Prometheus versions accepts the rules and passes the tests beside them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentobs.packs import PackConfig, build
from agentobs.packs.config import Thresholds
from tests.support.stack import promtool

ALERTS = Path(__file__).parents[3] / "alerts"
TESTS = sorted((ALERTS / "tests").glob("*.yaml"))
ALL = {
    rule["alert"] for group in yaml.safe_load((ALERTS / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
}
VERSIONS = pytest.mark.parametrize("version", [2, 3])
LONG = "cost-week.yaml"
"""Ten thousand evaluations of every rule take minutes; here it gets only the alerts that it names."""


def cases(path: Path) -> list[dict[str, Any]]:
    tests: list[dict[str, Any]] = yaml.safe_load(path.read_text())["tests"]
    return tests


@VERSIONS
def test_rules_pass_the_linter(version: int) -> None:
    done = promtool(
        version, "check", "rules", "--lint=all", "--lint-fatal", ALERTS / "rules.yaml", ALERTS / "alerts.yaml"
    )
    assert done.returncode == 0, done.stderr


@VERSIONS
@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_alerts_fire_and_keep_quiet(version: int, path: Path, tmp_path: Path) -> None:
    done = promtool(version, "test", "rules", only_named(path, tmp_path) if path.name == LONG else path)
    assert done.returncode == 0, done.stdout + done.stderr


def only_named(path: Path, folder: Path) -> Path:
    """The test file with rule files that hold no more alerts than it names."""
    named = {row["alertname"] for case in cases(path) for row in case["alert_rule_test"]}
    (folder / "tests").mkdir()
    for name in ("rules.yaml", "alerts.yaml"):
        content = yaml.safe_load((ALERTS / name).read_text())
        for group in content["groups"]:
            group["rules"] = [rule for rule in group["rules"] if rule.get("alert", "") in {"", *named}]
        (folder / name).write_text(yaml.safe_dump(content))
    copy = folder / "tests" / path.name
    copy.write_text(path.read_text())
    return copy


def test_every_alert_is_shown_to_fire_with_its_labels_and_annotations() -> None:
    rows = [row for path in TESTS for case in cases(path) for row in case["alert_rule_test"]]
    fired = {row["alertname"] for row in rows if row.get("exp_alerts")}
    complete = {
        row["alertname"]
        for row in rows
        for alert in row.get("exp_alerts", [])
        if set(alert["exp_annotations"]) == {"summary", "description", "runbook_url", "dashboard"}
        and "severity" in alert["exp_labels"]
    }
    assert fired == complete == ALL


def test_every_alert_is_shown_to_keep_quiet_without_data_in_health_and_with_too_little() -> None:
    quiet = cases(ALERTS / "tests" / "quiet.yaml")
    for case in quiet[:3]:
        assert {row["alertname"] for row in case["alert_rule_test"]} == ALL, case["name"]


@VERSIONS
def test_a_budget_has_alerts_that_fire(version: int, tmp_path: Path) -> None:
    config = PackConfig(thresholds=Thresholds(budget_usd_month=1000))
    for path, text in build(config, "alerts").items():
        (tmp_path / Path(path).name).write_text(text)
    test = shutil.copy(Path(__file__).with_name("budget.yaml"), tmp_path)
    done = promtool(version, "test", "rules", test)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_budget_nothing_pages_for_money() -> None:
    assert [name for name in ALL if "Budget" in name] == []


@VERSIONS
def test_promtool_would_notice_a_wrong_threshold(version: int, tmp_path: Path) -> None:
    path = ALERTS / "tests" / "breakers.yaml"
    copy = only_named(path, tmp_path)
    rules = tmp_path / "alerts.yaml"
    assert "> 4" in rules.read_text()
    rules.write_text(rules.read_text().replace("> 4", "> 40"))
    assert promtool(version, "test", "rules", copy).returncode != 0
