"""How panels look in Grafana: units, thresholds, colours, mappings and the options of each type, as schema 42 has them."""

from __future__ import annotations

from typing import Any

from .panels import COLOURS, GREY, SHARE, USD, WHOLE, Column, Limit, Panel

_GOOD, _BAD, _PLAIN, _NEUTRAL = "green", "red", "text", "transparent"


def _steps(limit: Limit | None) -> list[dict[str, Any]]:
    """Threshold steps; the first one has no value, which is null in the schema."""
    if limit is None:
        return [{"color": _PLAIN, "value": None}]
    below, above = (_GOOD, _BAD) if limit.bad == "above" else (_BAD, _GOOD)
    return [{"color": below, "value": None}, {"color": above, "value": limit.value}]


def defaults(panel: Panel) -> dict[str, Any]:
    result: dict[str, Any] = {
        "color": {"mode": "thresholds"},
        "custom": {},
        "mappings": _mappings(panel),
        "noValue": panel.empty,
        "thresholds": {"mode": "absolute", "steps": _steps(panel.limit)},
        "unit": panel.unit,
    }
    decimals = 0 if panel.unit == WHOLE else panel.decimals
    # The columns of a table have units and decimals of their own.
    if decimals is not None and panel.type != "table":
        result["decimals"] = decimals
    if panel.type == "timeseries":
        result["min"] = 0
        result["color"] = {"mode": "palette-classic"}
        result["custom"] = _curve(panel)
    if panel.top is not None:
        result["max"] = panel.top
    if panel.type == "table":
        result["custom"] = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True}
    if panel.type == "state-timeline":
        result["custom"] = {"fillOpacity": 80, "lineWidth": 0}
    if panel.type == "heatmap":
        result["custom"] = {"hideFrom": {"legend": False, "tooltip": False, "viz": False}}
    return result


def _curve(panel: Panel) -> dict[str, Any]:
    return {
        "axisSoftMax": _least_top(panel),
        "axisSoftMin": 0,
        "drawStyle": "line",
        "fillOpacity": 40 if panel.stack else 0,
        "gradientMode": "none",
        "lineInterpolation": "linear",
        "lineWidth": 1 if panel.stack else 2,
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"group": "A", "mode": panel.stack or "none"},
        "thresholdsStyle": {"mode": "dashed" if panel.limit else "off"},
    }


def _least_top(panel: Panel) -> float:
    """The end of the axis where all is 0 or little: Grafana would draw 0 % below 10,000 %."""
    if panel.limit is not None and panel.limit.bad == "above":
        return panel.limit.value * 1.25
    return {SHARE: 0.1, USD: 0.01}.get(panel.unit, 1)


def _mappings(panel: Panel) -> list[dict[str, Any]]:
    if panel.type == "stat":
        # Without it no value has the colour of the lowest step, which is red where less is worse. Where the figure's
        # background is coloured it takes that away, else the colour is that of the text.
        shown = {"color": _NEUTRAL if panel.limit else _PLAIN, "index": 0, "text": panel.empty}
        return [{"type": "special", "options": {"match": "null+nan", "result": shown}}]
    if not panel.states:
        return []
    options = {
        str(state.value): {"color": state.colour, "index": at, "text": state.text}
        for at, state in enumerate(panel.states)
    }
    return [{"type": "value", "options": options}]


def _override(name: str, *properties: tuple[str, Any]) -> dict[str, Any]:
    return {
        "matcher": {"id": "byName", "options": name},
        "properties": [{"id": key, "value": value} for key, value in properties],
    }


def overrides(panel: Panel) -> list[dict[str, Any]]:
    if panel.type == "table":
        widths = [_override(title, ("custom.width", width)) for title, width in panel.widths]
        return [*(_column(column) for column in panel.columns), *widths, *_row_link(panel)]
    if panel.type != "timeseries":
        return []
    return [
        _override(name, ("color", {"mode": "fixed", "fixedColor": colour}))
        for name, colour in COLOURS.items()
        if _may_be_named(panel, name)
    ]


def _may_be_named(panel: Panel, name: str) -> bool:
    """Whether a series of the panel can have this name: by a fixed name, or by the values of a label."""
    for query in panel.queries:
        if query.name == name:
            return True
        if query.name.startswith("{{") and any(name in getattr(label, "values", ()) for label in query.expr.labels):
            return True
    return False


def _row_link(panel: Panel) -> list[dict[str, Any]]:
    """The first key as a link to a dashboard, with the value in a variable."""
    if panel.row is None:
        return []
    board, variable = panel.row
    url = f"/d/{board.uid}?var-{variable}=${{__value.raw}}&${{__url_time_range}}"
    return [_override(panel.keys[0][1], ("links", [{"title": "This one alone", "url": url}]))]


def _column(column: Column) -> dict[str, Any]:
    properties: list[tuple[str, Any]] = [("unit", column.unit)]
    decimals = column.decimals if column.decimals is not None else {SHARE: 1, WHOLE: 0}.get(column.unit)
    if decimals is not None:
        properties.append(("decimals", decimals))
    if column.limit:
        properties.append(("thresholds", {"mode": "absolute", "steps": _steps(column.limit)}))
        properties.append(("custom.cellOptions", {"type": "color-text"}))
    if column.bar:
        properties.append(("custom.cellOptions", {"mode": "basic", "type": "gauge", "valueDisplayMode": "text"}))
        properties.append(("color", {"mode": "fixed", "fixedColor": "blue"}))
        properties += [("min", 0), ("max", 1)]
    return _override(column.title, *properties)


# --- options of each type ---------------------------------------------------------------------------------------------
def _stat_options(panel: Panel) -> dict[str, Any]:
    return {
        "colorMode": "background" if panel.limit else "value",
        "graphMode": "none" if panel.queries[0].whole else "area",
        "justifyMode": "auto",
        "orientation": "auto",
        "percentChangeColorMode": "standard",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "showPercentChange": False,
        "textMode": "value",
        "wideLayout": True,
    }


def _graph_options(_: Panel) -> dict[str, Any]:
    return {
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"hideZeros": True, "mode": "multi", "sort": "desc"},
    }


def _table_options(panel: Panel) -> dict[str, Any]:
    return {
        "cellHeight": "sm",
        "showHeader": True,
        "sortBy": [{"desc": True, "displayName": panel.columns[0].title}],
    }


def _heatmap_options(panel: Panel) -> dict[str, Any]:
    return {
        "calculate": False,
        "cellGap": 1,
        "color": {
            "exponent": 0.5,
            "fill": "dark-blue",
            "mode": "scheme",
            "reverse": False,
            "scale": "exponential",
            "scheme": "Blues",
            "steps": 64,
        },
        "exemplars": {"color": GREY},
        "filterValues": {"le": 1e-9},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "tooltip": {"mode": "single", "showColorScale": False, "yHistogram": True},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": panel.unit},
    }


def _timeline_options(_: Panel) -> dict[str, Any]:
    return {
        "alignValue": "left",
        "legend": {"calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": True},
        "mergeValues": True,
        "rowHeight": 0.8,
        "showValue": "auto",
        "tooltip": {"mode": "single", "sort": "none"},
    }


_OPTIONS = {
    "stat": _stat_options,
    "timeseries": _graph_options,
    "table": _table_options,
    "heatmap": _heatmap_options,
    "state-timeline": _timeline_options,
}


def options(panel: Panel) -> dict[str, Any]:
    """The options of the panel's type."""
    return _OPTIONS[panel.type](panel)
