"""Alerts, runbook and dashboards say the same: one row each, with everything that a person on call needs."""

from __future__ import annotations

import re

import pytest

from agentobs.packs import PackConfig
from agentobs.packs.alertfiles import files
from agentobs.packs.alerts import Alert, groups
from agentobs.packs.config import Slo, Thresholds
from agentobs.packs.names import Recorded
from agentobs.packs.promql import sources
from agentobs.packs.rules import recordings
from agentobs.packs.views import views

CONFIG = PackConfig()
ALERTS = [alert for group in groups(CONFIG).values() for alert in group]
EACH = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
RUNBOOK = files(CONFIG)["RUNBOOK.md"]


def section(alert: Alert) -> str:
    found = re.search(rf"^## {alert.name}\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


def test_names_are_unique_and_tell_whose_they_are() -> None:
    names = [alert.name for alert in ALERTS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"AgentObs([A-Z][a-z]+)+", name) for name in names)


@EACH
def test_runbook_has_a_section_with_every_part(alert: Alert) -> None:
    text = section(alert)
    for part in ("**Meaning.**", "**Impact.**", "**How to check**\n\n- ", "**How to mend**\n\n- ", "**Panel.**"):
        assert part in text


@EACH
def test_link_to_the_runbook_leads_to_the_section(alert: Alert) -> None:
    url = alert.rule(CONFIG)["annotations"]["runbook_url"]
    assert url == f"{CONFIG.runbook_url}#{alert.name.lower()}"


@EACH
def test_panel_exists_in_the_dashboard_that_the_alert_links_to(alert: Alert) -> None:
    view = next(view for view in views(CONFIG) if view.uid == f"agentobs-{alert.dashboard}")
    assert alert.panel in {panel.title for row in view.rows for panel in row.panels}
    assert f'"{alert.panel}" in the dashboard "{view.title}"' in section(alert)


@EACH
def test_summary_never_changes_and_description_has_every_label(alert: Alert) -> None:
    annotations = alert.rule(CONFIG)["annotations"]
    assert "{{" not in annotations["summary"]
    assert not re.search(r"\{\d\}", annotations["description"])
    for label in alert.by:
        assert f"$labels.{label.label}" in annotations["description"]


@EACH
def test_link_to_the_dashboard_fills_the_variables_that_it_has(alert: Alert) -> None:
    link = alert.rule(PackConfig(dashboard_url="https://grafana.example.com/"))["annotations"]["dashboard"]
    assert link.startswith(f"https://grafana.example.com/d/agentobs-{alert.dashboard}?")
    variables = {variable.name for view in views(CONFIG) for variable in view.variables}
    assert set(re.findall(r"var-(\w+)=", link)) <= variables
    assert ("var-service={{ $labels.job | urlquery }}" in link) == (CONFIG.service in alert.by)


@EACH
def test_options_that_move_it_exist(alert: Alert) -> None:
    for option in alert.options:
        table, name = option.split(".")
        assert hasattr(getattr(CONFIG, table), name)


def test_every_threshold_moves_an_alert() -> None:
    moved = {option for alert in ALERTS for option in alert.options}
    known = {f"slo.{name}" for name in Slo.__dataclass_fields__}
    known |= {f"thresholds.{name}" for name in Thresholds.__dataclass_fields__}
    assert moved == known


def test_every_recording_rule_is_read_by_an_alert_and_the_other_way_round() -> None:
    read = {s.source.name for alert in ALERTS for s in sources(alert.expr) if isinstance(s.source, Recorded)}
    assert read == {row.name for row in recordings(CONFIG).rows()}


def test_budgets_that_cannot_be_burnt_fast_still_make_an_alert_that_can_fire() -> None:
    rule = next(a for a in groups(PackConfig(slo=Slo(availability=0.9)))["objectives"]).rule(CONFIG)
    assert "> 0.99" in rule["expr"]


def test_the_same_options_give_the_same_bytes() -> None:
    assert files(CONFIG) == files(PackConfig())
