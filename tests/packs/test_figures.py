"""One object in one file of a subject is a panel, an alert and a section of the runbook; nothing else has to know."""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import pkgutil
from pathlib import Path
from typing import Any

import pytest
import yaml

import agentobs.packs
from agentobs.catalogue import genai, own
from agentobs.packs import PackConfig, build, figures
from agentobs.packs import promql as q
from agentobs.packs.boards import BREAKERS
from agentobs.packs.dashboards import ARRANGEMENTS, dashboards
from agentobs.packs.figure import Alert, Figure, Graph, Stat, Subject, Table
from agentobs.packs.figures import SUBJECTS, breakers
from agentobs.packs.names import Label, equals
from agentobs.packs.panels import SHARE, Column, Limit
from agentobs.packs.selection import Selection, over_all, over_range
from tests.support.stack import promtool

CONFIG = PackConfig()


def cancelled(config: PackConfig) -> Figure:
    """Share of the model calls that the program cancelled."""
    by, limit = (config.service, genai.PROVIDER), Limit(0.25)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        part = over.growth(own.CALLS, *by, where=(equals(own.OUTCOME, "cancelled"),))
        return q.share(part, over.growth(own.CALLS, *by))

    return Figure(
        measure=measure,
        unit=SHARE,
        limit=limit,
        empty="no calls yet",
        stat=Stat("Cancelled", "Share of the model calls in the time range that were cancelled."),
        graph=Graph("Cancelled by provider", "Share of the model calls that were cancelled.", by=(genai.PROVIDER,)),
        table=Table(
            "Who cancels",
            "Share of the model calls in the time range that were cancelled.",
            ((genai.AGENT_NAME, "Agent"),),
            (Column("Cancelled", measure(over_range(config), genai.AGENT_NAME), SHARE),),
        ),
        alerts=(
            Alert(
                name="AgentObsCancelled",
                expr=limit.past(measure(over_all(config, "10m"), *by)),
                by=by,
                for_="5m",
                severity="info",
                summary="Programs cancel many calls.",
                description="Too many of {0} to {1}.",
                meaning="More than a quarter was cancelled.",
                impact="Money for nothing.",
                check=("Who cancels?",),
                fix=("Wait longer.",),
            ),
        ),
    )


MADE = build(CONFIG, subjects=(*SUBJECTS, Subject("cancelling", "Cancelling", BREAKERS, (cancelled,))))


def added(board: str) -> list[dict[str, Any]]:
    """What a dashboard has more than without the figure."""
    with_it, without = (json.loads(files[f"dashboards/{board}.json"])["panels"] for files in (MADE, build(CONFIG)))
    assert with_it[: len(without)] == without
    return list(with_it[len(without) :])


def test_a_figure_is_panels_at_the_end_of_its_subjects_dashboard() -> None:
    heading, stat, graph, table = added("breakers")
    assert (heading["type"], heading["title"]) == ("row", "Cancelling")
    assert [panel["type"] for panel in (stat, graph, table)] == ["stat", "timeseries", "table"]
    for panel in (stat, graph):
        assert panel["fieldConfig"]["defaults"]["unit"] == SHARE
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1] == {"color": "red", "value": 0.25}
    assert "[$__range]" in stat["targets"][0]["expr"]
    assert "[$__rate_interval]" in graph["targets"][0]["expr"]
    assert [added(name) for name in ("overview", "models", "cost", "decisions")] == [[], [], [], []]


def test_a_figure_is_an_alerting_rule_of_its_subjects_group(tmp_path: Path) -> None:
    (group,) = [
        group
        for group in yaml.safe_load(MADE["alerts/alerts.yaml"])["groups"]
        if group["name"] == "agentobs-cancelling"
    ]
    (rule,) = group["rules"]
    assert rule["expr"].endswith("> 0.25")
    assert rule["annotations"]["runbook_url"].endswith("#agentobscancelled")
    assert rule["annotations"]["dashboard"].startswith("/d/agentobs-breakers?var-service=")
    file = tmp_path / "alerts.yaml"
    file.write_text(MADE["alerts/alerts.yaml"])
    assert promtool(3, "check", "rules", file).returncode == 0


def test_a_figure_is_a_section_of_the_runbook() -> None:
    runbook = MADE["alerts/RUNBOOK.md"]
    assert "- Cancelling: [AgentObsCancelled](#agentobscancelled)\n" in runbook
    section = runbook.partition("## AgentObsCancelled\n")[2]
    for text in ("More than a quarter", "Money for nothing", "- Who cancels?", "- Wait longer.", "> 0.25"):
        assert text in section
    assert '"Cancelled by provider" in the dashboard "Agents: breakers and degradation"' in section


def test_an_alert_cannot_be_shown_in_a_form_that_its_figure_lacks() -> None:
    figure = cancelled(CONFIG)
    with pytest.raises(ValueError, match="AgentObsCancelled: its figure has no graph; allowed: stat"):
        Figure(measure=figure.measure, unit=SHARE, empty="-", stat=figure.stat, alerts=figure.alerts)


def modules() -> list[Any]:
    return [
        importlib.import_module(f"{figures.__name__}.{module.name}")
        for module in pkgutil.iter_modules(figures.__path__)
    ]


def test_every_figure_of_a_file_belongs_to_its_subject() -> None:
    for module in modules():
        defined = {
            value
            for value in vars(module).values()
            if inspect.isfunction(value)
            and value.__module__ == module.__name__
            and inspect.signature(value).return_annotation == "Figure"
        }
        named = module.SUBJECT.figures if hasattr(module, "SUBJECT") else ()
        assert defined == set(named), module.__name__
        assert not named or module.SUBJECT in SUBJECTS


def test_every_form_of_every_figure_is_placed_by_an_arrangement() -> None:
    placed = {(define, line.form) for _, lines in ARRANGEMENTS for line in lines for define in line.figures}
    assert placed == {(d, form) for subject in SUBJECTS for d in subject.figures for form in d(CONFIG).forms}


def test_a_curve_that_an_alert_watches_has_the_labels_of_the_alert() -> None:
    for subject in SUBJECTS:
        for figure, alert in subject.alerts(CONFIG):
            graph = figure.graph
            if alert.shown == "graph" and graph is not None and not graph.queries:
                assert set(alert.by) <= set(graph.by), alert.name


def test_breakers_are_named_with_their_service() -> None:
    for define in breakers.SUBJECT.figures:
        for query in define(CONFIG).panel("graph", CONFIG).queries:
            assert own.BREAKER_NAME not in query.expr.labels or query.name.startswith("{{job}} ")


def test_a_panel_away_from_home_leads_there() -> None:
    homes = {
        define(CONFIG).panel(form, CONFIG): subject.home
        for subject in SUBJECTS
        for define in subject.figures
        for form in define(CONFIG).forms
    }
    for dashboard in dashboards(CONFIG):
        for placed in (placed for row in dashboard.rows for placed in row.panels):
            home = homes[placed.panel]
            assert placed.link == (None if home == dashboard.board else home)


def test_no_two_modules_of_the_packs_import_each_other() -> None:
    folder = Path(agentobs.packs.__file__).parent
    paths = {".".join(p.relative_to(folder).with_suffix("").parts): p for p in folder.rglob("*.py")}
    known = {name: {one for one in imported(path, folder) if one in paths} for name, path in paths.items()}
    for name in known:
        assert name not in reached(name, known), name


def imported(path: Path, folder: Path) -> list[str]:
    """What a file imports while it is imported itself, by dotted names below the folder."""
    names = []
    package = path.relative_to(folder).parent.parts
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *((node.module or "").split(".") if node.module else [])]
            names += [".".join(base), *(".".join([*base, alias.name]) for alias in node.names)]
    return names


def reached(name: str, known: dict[str, set[str]]) -> set[str]:
    """The modules that are imported with a module, step by step."""
    seen: set[str] = set()
    waiting = set(known[name])
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting |= known[one]
    return seen
