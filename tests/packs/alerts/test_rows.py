"""Alerts, runbook and dashboards say the same, with everything that a person on call needs."""

from __future__ import annotations

import re

import pytest

from agentobs.packs import PackConfig, build
from agentobs.packs.alerting import rule
from agentobs.packs.config import Slo, Thresholds
from agentobs.packs.dashboards import dashboards
from agentobs.packs.figure import Alert, Figure, Subject
from agentobs.packs.figures import SUBJECTS, calls
from agentobs.packs.recording import recorded_in

CONFIG = PackConfig()
WATCHED = [(subject, figure, alert) for subject in SUBJECTS for figure, alert in subject.alerts(CONFIG)]
ALERTS = [alert for _, _, alert in WATCHED]
EACH = pytest.mark.parametrize(("subject", "figure", "alert"), [pytest.param(*row, id=row[2].name) for row in WATCHED])
RUNBOOK = build(CONFIG, "alerts")["alerts/RUNBOOK.md"]


def section(alert: Alert) -> str:
    match = re.search(rf"^## {alert.name}\n(.*?)(?=^## |\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)
    assert match
    return match[1]


def test_names_are_unique_and_tell_whose_they_are() -> None:
    names = [alert.name for alert in ALERTS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"AgentObs([A-Z][a-z]+)+", name) for name in names)


@EACH
def test_runbook_has_a_section_with_every_part(subject: Subject, figure: Figure, alert: Alert) -> None:
    text = section(alert)
    for part in ("**Meaning.**", "**Impact.**", "**How to check**\n\n- ", "**How to fix**\n\n- ", "**Panel.**"):
        assert part in text


@EACH
def test_link_to_the_runbook_leads_to_the_section(subject: Subject, figure: Figure, alert: Alert) -> None:
    url = rule(alert, subject, CONFIG)["annotations"]["runbook_url"]
    assert url == f"{CONFIG.runbook_url}#{alert.name.lower()}"


@EACH
def test_the_panel_of_its_figure_stands_on_the_dashboard_that_it_links_to(
    subject: Subject, figure: Figure, alert: Alert
) -> None:
    (home,) = [dashboard for dashboard in dashboards(CONFIG) if dashboard.board == subject.home]
    assert figure.panel(alert.shown, CONFIG) in [placed.panel for row in home.rows for placed in row.panels]
    assert f"/d/{home.board.uid}?" in rule(alert, subject, CONFIG)["annotations"]["dashboard"]
    assert f"(`{home.board.uid}`)" in section(alert)


@EACH
def test_summary_never_changes_and_description_has_every_label(subject: Subject, figure: Figure, alert: Alert) -> None:
    annotations = rule(alert, subject, CONFIG)["annotations"]
    assert "{{" not in annotations["summary"]
    assert not re.search(r"\{\d\}", annotations["description"])
    for label in alert.by:
        assert f"$labels.{label.label}" in annotations["description"]


@EACH
def test_link_to_the_dashboard_fills_the_variables_that_it_has(subject: Subject, figure: Figure, alert: Alert) -> None:
    config = PackConfig(dashboard_url="https://grafana.example.com/")
    link = rule(alert, subject, config)["annotations"]["dashboard"]
    assert link.startswith(f"https://grafana.example.com/d/{subject.home.uid}?")
    variables = {variable.name for dashboard in dashboards(CONFIG) for variable in dashboard.variables}
    assert set(re.findall(r"var-(\w+)=", link)) <= variables
    assert ("var-service={{ $labels.job | urlquery }}" in link) == (CONFIG.service in alert.by)


@EACH
def test_options_that_move_it_exist(subject: Subject, figure: Figure, alert: Alert) -> None:
    for option in alert.options:
        table, name = option.split(".")
        assert hasattr(getattr(CONFIG, table), name)


def test_every_threshold_moves_an_alert() -> None:
    config = PackConfig(thresholds=Thresholds(budget_usd_month=1000))
    moved = {option for subject in SUBJECTS for _, alert in subject.alerts(config) for option in alert.options}
    known = {f"slo.{name}" for name in Slo.__dataclass_fields__}
    known |= {f"thresholds.{name}" for name in Thresholds.__dataclass_fields__}
    assert moved == known


def test_recorded_names_are_unique() -> None:
    names = [row.name for row in recorded_in(alert.expr for alert in ALERTS)]
    assert len(set(names)) == len(names)


def test_budgets_that_cannot_be_burnt_fast_still_make_an_alert_that_can_fire() -> None:
    config = PackConfig(slo=Slo(availability=0.9))
    fast = calls.availability(config).alerts[0]
    assert "> 0.99" in rule(fast, calls.SUBJECT, config)["expr"]


def test_the_same_options_give_the_same_bytes() -> None:
    assert build(CONFIG, "alerts") == build(PackConfig(), "alerts")
