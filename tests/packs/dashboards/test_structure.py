"""What Grafana's dashboard-linter asks, and what makes a dashboard import unedited and be understood."""

from __future__ import annotations

import re
from typing import Any

import pytest

from agentobs.packs import PackConfig
from agentobs.packs.figures import cost
from tests.support.packs.boards import all_panels, boards, panels, queries

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
VARIABLES = ["datasource", "service", "agent", "provider", "model"]

each_board = pytest.mark.parametrize("board", [pytest.param(board, id=name) for name, board in boards().items()])
each_panel = pytest.mark.parametrize(("name", "panel"), all_panels())


@each_board
def test_a_dashboard_imports_unedited(board: dict[str, Any]) -> None:
    assert board["schemaVersion"] == 42
    assert board["id"] is None
    assert not {"__inputs", "__requires", "__elements", "rows", "style", "gnetId", "hideControls"} & set(board)


@each_board
def test_the_linter_wants_it_uneditable(board: dict[str, Any]) -> None:
    assert board["editable"] is False


def test_uids_and_titles_are_unique_and_stable() -> None:
    assert sorted(board["uid"] for board in boards().values()) == [f"agentobs-{name}" for name in boards()]
    assert len({board["title"] for board in boards().values()}) == len(boards())


@each_board
def test_variables_are_chosen_by_label_and_follow_the_time(board: dict[str, Any]) -> None:
    variables = board["templating"]["list"]
    assert [variable["name"] for variable in variables] == VARIABLES
    assert variables[0]["type"] == "datasource"
    assert variables[0]["query"] == "prometheus"
    for variable in variables[1:]:
        assert variable["datasource"] == DATASOURCE
        assert (variable["multi"], variable["includeAll"], variable["allValue"]) == (True, True, ".*")
        assert variable["refresh"] == 2
        assert variable["definition"] == variable["query"]["query"]
        assert variable["definition"].startswith("label_values(")


@each_board
def test_links_keep_time_and_variables(board: dict[str, Any]) -> None:
    (link,) = board["links"]
    assert (link["type"], link["keepTime"], link["includeVars"]) == ("dashboards", True, True)
    assert set(link["tags"]) <= set(board["tags"])


@each_panel
def test_links_of_panels_lead_to_a_dashboard(name: str, panel: dict[str, Any]) -> None:
    uids = {board["uid"] for board in boards().values()}
    for link in panel.get("links", []):
        path, _, rest = link["url"].partition("?")
        assert path.removeprefix("/d/") in uids
        assert path != f"/d/agentobs-{name}"
        assert rest == "${__url_time_range}&${__all_variables}"


@each_panel
def test_a_panel_says_what_it_shows(name: str, panel: dict[str, Any]) -> None:
    assert panel["title"]
    assert len(panel["description"]) > 40
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["noValue"]
    assert panel["datasource"] == DATASOURCE


@each_panel
def test_a_panel_asks_its_data_source_with_grafanas_own_windows(name: str, panel: dict[str, Any]) -> None:
    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for target in panel["targets"]:
        assert target["datasource"] == DATASOURCE
        assert target["range"] is not target["instant"]
        windows = set(re.findall(r"\[([^\]]+)\]", target["expr"]))
        assert windows <= {"$__rate_interval", "$__range", "1h", "1d"}


@each_board
def test_every_selector_is_limited_to_the_service(board: dict[str, Any]) -> None:
    for asked in queries(board):
        selectors = re.findall(r"\b(?:agentobs_|gen_ai_|ALERTS)\w*\{([^}]*)\}", asked.expr)
        assert selectors, asked.where
        for matchers in selectors:
            assert 'job=~"$service' in matchers, asked.where


@each_panel
def test_latency_curves_carry_exemplars(name: str, panel: dict[str, Any]) -> None:
    quantiles = [target for target in panel["targets"] if re.match(r"histogram_quantile\(0\.9\d?, ", target["expr"])]
    if panel["type"] == "timeseries" and panel["fieldConfig"]["defaults"]["unit"] == "s" and quantiles:
        assert all(target["exemplar"] for target in quantiles)


@each_panel
def test_threshold_steps_begin_with_null_and_rise(name: str, panel: dict[str, Any]) -> None:
    fixed = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    overridden = [
        prop["value"]["steps"]
        for override in panel["fieldConfig"]["overrides"]
        for prop in override["properties"]
        if prop["id"] == "thresholds"
    ]
    for steps in [fixed, *overridden]:
        assert steps[0]["value"] is None
        values = [step["value"] for step in steps[1:]]
        assert values == sorted(values)


@each_panel
def test_a_stat_without_a_value_has_no_colour_of_alarm(name: str, panel: dict[str, Any]) -> None:
    if panel["type"] == "stat":
        (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
        assert mapping["options"]["match"] == "null+nan"
        coloured = panel["options"]["colorMode"] == "background"
        assert mapping["options"]["result"]["color"] == ("transparent" if coloured else "text")


@each_board
def test_panels_fill_the_grid_without_overlap(board: dict[str, Any]) -> None:
    cells = [
        (x, y)
        for panel in board["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(cells) == len(set(cells))
    height = max(y for _, y in cells) + 1
    assert set(cells) == {(x, y) for x in range(24) for y in range(height)}


@each_board
def test_ids_and_titles_of_panels_are_unique(board: dict[str, Any]) -> None:
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert len({panel["title"] for panel in panels(board)}) == len(panels(board))


@each_board
def test_figures_stand_above_curves(board: dict[str, Any]) -> None:
    assert [panel["type"] for panel in board["panels"][:8]] == ["stat"] * 8
    assert {panel["gridPos"]["y"] for panel in board["panels"][:8]} == {0}


@each_panel
def test_a_stat_says_over_which_time_it_is(name: str, panel: dict[str, Any]) -> None:
    if panel["type"] != "stat":
        return
    (target,) = panel["targets"]
    windows = set(re.findall(r"\[([^\]]+)\]", target["expr"]))
    told = {"in the time range": {"$__range"}, "now": set(), "in the day before": {"1d"}}
    assert [words for words, asked in told.items() if words in panel["description"] and asked == windows], windows


@each_panel
def test_nothing_is_null_but_the_lowest_threshold(name: str, panel: dict[str, Any]) -> None:
    def nulls(value: Any, path: str) -> list[str]:
        if isinstance(value, dict):
            return [found for key, inner in value.items() for found in nulls(inner, f"{path}.{key}")]
        if isinstance(value, list):
            return [found for inner in value for found in nulls(inner, path)]
        return [path] if value is None else []

    assert {path.rpartition("steps")[2] for path in nulls(panel, "")} <= {".value"}


def test_what_is_spent_and_the_two_paces_of_spending_agree() -> None:
    spent, pace, projection = (
        define(PackConfig()).panel("stat", PackConfig()).queries[0].expr.render()
        for define in (cost.spent, cost.pace, cost.projection)
    )
    assert spent.startswith("sum(increase(agentobs_cost_usd_total{")
    assert pace == f"{spent.replace('increase', 'rate')} * 3600"
    assert projection == f"({pace}) * 720"


@each_board
def test_annotations_are_as_long_as_what_they_mark_and_few(board: dict[str, Any]) -> None:
    ours = [row for row in board["annotations"]["list"] if "expr" in row]
    assert [(row["name"], row["enable"]) for row in ours] == [
        ("Breaker open", True),
        ("Critical alert", True),
        ("Other alert", False),
    ]
    for row in ours:
        assert "[" not in row["expr"], "a window ends later than what it looks at"
        assert "{{job}}" in row["titleFormat"]


@each_panel
def test_the_axis_of_a_curve_ends_near_what_it_shows(name: str, panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    if panel["type"] == "timeseries":
        top = defaults.get("max", defaults["custom"]["axisSoftMax"])
        assert top <= 1 or defaults["unit"] != "percentunit"
        assert [step for step in defaults["thresholds"]["steps"] if (step["value"] or 0) > top] == []


def test_names_of_services_and_agents_lead_to_the_dashboard_for_them_alone() -> None:
    links = {
        override["matcher"]["options"]: prop["value"][0]["url"]
        for panel in panels(boards()["overview"])
        for override in panel["fieldConfig"]["overrides"]
        for prop in override["properties"]
        if prop["id"] == "links"
    }
    assert links == {
        "Service": "/d/agentobs-overview?var-service=${__value.raw}&${__url_time_range}",
        "Agent": "/d/agentobs-overview?var-agent=${__value.raw}&${__url_time_range}",
    }
