"""Dashboards as Grafana has them: the only file that knows grafanalib, and brings what it writes to schema 42.

grafanalib 0.7.1 writes schema 12, keys that died with the Angular panels, nulls, the text "null" as the first
threshold, 100 points a graph, and knows no exemplars, value units of timelines, cell types, nor the present heatmap.
So it gives the frame of each object here, what it lacks or gets wrong is laid over it, and `_kept` drops the rest.

The model is the classic one, which Grafana 11 to 13 import, provision and take by API and Terraform. It has no
`__inputs`: only the import dialog resolves those; the data source is a variable instead.
"""

from __future__ import annotations

import json
from typing import Any

from .names import Naming, label_name
from .panels import Dashboard, Panel, Placed, Query, Row, Variable
from .panelstyle import defaults, options, overrides
from .selection import variables_of

SCHEMA_VERSION = 42
TAG = "agentobs"
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

_PANEL_KEYS = frozenset(
    {
        "collapsed",
        "datasource",
        "description",
        "fieldConfig",
        "gridPos",
        "id",
        "links",
        "options",
        "panels",
        "targets",
        "title",
        "transformations",
        "transparent",
        "type",
    }
)
_DASHBOARD_KEYS = frozenset(
    {
        "annotations",
        "description",
        "editable",
        "fiscalYearStartMonth",
        "graphTooltip",
        "id",
        "links",
        "panels",
        "refresh",
        "schemaVersion",
        "tags",
        "templating",
        "time",
        "timepicker",
        "timezone",
        "title",
        "uid",
        "version",
        "weekStart",
    }
)
_VARIABLE_KEYS = frozenset(
    {
        "allValue",
        "allowCustomValue",
        "current",
        "datasource",
        "definition",
        "hide",
        "includeAll",
        "label",
        "multi",
        "name",
        "options",
        "query",
        "refresh",
        "regex",
        "skipUrlSync",
        "sort",
        "type",
    }
)
_TARGET_KEYS = frozenset(
    {
        "datasource",
        "editorMode",
        "exemplar",
        "expr",
        "format",
        "instant",
        "legendFormat",
        "range",
        "refId",
    }
)


def render(dashboard: Dashboard, naming: Naming) -> str:
    """The JSON text of a dashboard; the same dashboard gives the same bytes."""
    from grafanalib import core

    model = core.Dashboard(
        title=dashboard.board.title,
        uid=dashboard.board.uid,
        description=dashboard.board.description,
        tags=[TAG],
        editable=False,
        schemaVersion=SCHEMA_VERSION,
        version=1,
        timezone="browser",
        time=core.Time("now-1h", "now"),
        refresh="30s",
        graphTooltip=core.GRAPH_TOOLTIP_MODE_SHARED_CROSSHAIR,
        links=[
            core.DashboardLink(title="agentobs", tags=[TAG], type="dashboards", keepTime=True, includeVars=True),
        ],
        templating=core.Templating([_datasource(), *(_variable(row, naming) for row in dashboard.variables)]),
        annotations=core.Annotations([_builtin(), *_annotations(dashboard, naming)]),
        panels=_laid_out(dashboard, naming),
    )
    plain = _plain(model)
    plain["timepicker"] = {}
    current = _kept(plain, _DASHBOARD_KEYS)
    current["id"] = None
    return json.dumps(current, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    """grafanalib's objects as the data they stand for."""
    if hasattr(value, "to_json_data"):
        return _plain(value.to_json_data())
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _kept(raw: dict[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    """Without what is null and without the keys that schema 42 does not have."""
    return {key: value for key, value in raw.items() if key in keys and value is not None}


# --- variables and annotations ----------------------------------------------------------------------------------------
def _datasource() -> dict[str, Any]:
    from grafanalib import core

    raw = _plain(core.Template(name="datasource", label="Data source", type="datasource", query="prometheus"))
    return _kept(raw | {"current": None, "options": [], "regex": "", "skipUrlSync": False}, _VARIABLE_KEYS)


def _variable(row: Variable, naming: Naming) -> dict[str, Any]:
    from grafanalib import core

    # All stands for `.*`, which also matches the series that do not have the label, and stays short with 10,000 values.
    query = f"label_values({row.among.render(naming)}, {label_name(row.label, naming)})"
    raw = _plain(
        core.Template(
            name=row.name,
            label=row.title,
            query=query,
            dataSource=DATASOURCE,
            allValue=".*",
            includeAll=True,
            multi=True,
            refresh=core.REFRESH_ON_TIME_RANGE_CHANGE,
            sort=core.SORT_ALPHA_IGNORE_CASE_ASC,
        )
    )
    added = {
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "definition": query,
        "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "regex": "",
        "skipUrlSync": False,
    }
    return _kept(raw | added, _VARIABLE_KEYS)


def _builtin() -> dict[str, Any]:
    return {
        "builtIn": 1,
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
        "enable": True,
        "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)",
        "name": "Annotations & Alerts",
        "type": "dashboard",
    }


def _annotations(dashboard: Dashboard, naming: Naming) -> list[dict[str, Any]]:
    return [
        {
            "datasource": DATASOURCE,
            "enable": row.shown,
            "expr": row.expr.render(naming),
            "hide": False,
            "iconColor": row.colour,
            "name": row.name,
            "step": "15s",
            "titleFormat": row.text,
            "useValueForTime": False,
        }
        for row in dashboard.annotations
    ]


# --- layout -----------------------------------------------------------------------------------------------------------
def _laid_out(dashboard: Dashboard, naming: Naming) -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = []
    y = 0
    for row in dashboard.rows:
        if row.title:
            panels.append(_heading(row, y, len(panels) + 1))
            y += 1
        x = height = 0
        for placed in row.panels:
            if x + placed.width > 24:
                x, y, height = 0, y + height, 0
            place = {"h": placed.panel.height, "w": placed.width, "x": x, "y": y}
            panels.append(_panel(placed, place, len(panels) + 1, naming))
            x, height = x + placed.width, max(height, placed.panel.height)
        y += height
    return panels


def _heading(row: Row, y: int, number: int) -> dict[str, Any]:
    from grafanalib import core

    raw = _plain(core.RowPanel(title=row.title, id=number, gridPos=core.GridPos(h=1, w=24, x=0, y=y)))
    return _kept(
        raw,
        _PANEL_KEYS - {"datasource", "fieldConfig", "options", "targets", "transformations", "links", "transparent"},
    )


# --- panels -----------------------------------------------------------------------------------------------------------
def _panel(placed: Placed, place: dict[str, int], number: int, naming: Naming) -> dict[str, Any]:
    from grafanalib import core

    panel = placed.panel
    frame = core.Panel(
        dataSource=DATASOURCE,
        title=panel.title,
        description=_description(panel),
        gridPos=core.GridPos(**place),
        id=number,
        targets=_targets(panel, naming),
        links=_links(placed),
        maxDataPoints=None,
    )
    raw = _plain(frame.panel_json({"type": panel.type}))
    raw["fieldConfig"] = {"defaults": defaults(panel), "overrides": overrides(panel)}
    raw["options"] = options(panel)
    raw["transformations"] = _transformations(panel, naming) or None
    raw["links"] = raw["links"] or None
    raw["transparent"] = None
    return _kept(raw, _PANEL_KEYS)


def _description(panel: Panel) -> str:
    names = variables_of(panel)
    return f"{panel.description}\n\nFollows the variables: {', '.join(names)}." if names else panel.description


def _links(placed: Placed) -> list[dict[str, Any]]:
    from grafanalib import core

    if placed.link is None:
        return []
    url = f"/d/{placed.link.uid}?${{__url_time_range}}&${{__all_variables}}"
    link = core.DashboardLink(title="More about this", uri=url, type="link", keepTime=False)
    return [_plain(link)]


def _targets(panel: Panel, naming: Naming) -> list[dict[str, Any]]:
    rows = [Query(column.expr, "", whole=True) for column in panel.columns] or list(panel.queries)
    return [_target(query, chr(ord("A") + at), panel, naming) for at, query in enumerate(rows)]


def _target(query: Query, ref: str, panel: Panel, naming: Naming) -> dict[str, Any]:
    from grafanalib import core

    raw = _plain(
        core.Target(
            expr=query.expr.render(naming),
            legendFormat=query.name or "__auto",
            refId=ref,
            instant=query.whole,
            format={"table": "table", "heatmap": "heatmap"}.get(panel.type, "time_series"),
            datasource=DATASOURCE,
        )
    )
    raw |= {"editorMode": "code", "range": not query.whole, "exemplar": True if query.exemplars else None}
    return _kept(raw, _TARGET_KEYS)


def _transformations(panel: Panel, naming: Naming) -> list[dict[str, Any]]:
    """One row for each combination of the keys, columns in order and with their titles."""
    if not panel.columns:
        return []
    titles = {label_name(label, naming): title for label, title in panel.keys}
    if len(panel.columns) == 1:
        titles["Value"] = panel.columns[0].title
    for at, column in enumerate(panel.columns):
        titles[f"Value #{chr(ord('A') + at)}"] = column.title
    order = {name: at for at, name in enumerate(titles)}
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": titles}
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": organize}]
