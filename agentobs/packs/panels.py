"""What a dashboard is, before any Grafana: views of rows of panels of queries, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .names import Label
from .promql import Expr

Kind = Literal["stat", "graph", "bars", "table", "heatmap", "timeline"]

SECONDS = "s"
USD = "currencyUSD"
SHARE = "percentunit"
COUNT = "short"
"""A figure that may be a mean or huge: 1.2 K."""
WHOLE = "locale"
"""A number of things: 1,234."""
PER_MINUTE = "suffix:/min"
"""A unit of Grafana's own making: whatever follows the colon is written behind the figure."""

GREEN, YELLOW, ORANGE, RED, BLUE, PURPLE, GREY = "green", "yellow", "orange", "red", "blue", "purple", "#808080"

COLOURS = {
    "success": GREEN,
    "error": RED,
    "cancelled": GREY,
    "abandoned": ORANGE,
    "rejected": ORANGE,
    "failure": RED,
    "ignored": GREY,
    "full": GREEN,
    "fallback_model": "light-blue",
    "reduced": YELLOW,
    "static": ORANGE,
    "unavailable": RED,
    "shown": GREEN,
    "missing": RED,
    "not_needed": GREY,
    "autonomous": GREEN,
    "escalated": ORANGE,
    "blocked": RED,
    "abstained": GREY,
    "now": BLUE,
    "this week": BLUE,
    "over a day": GREEN,
    "last week": GREY,
    "a week earlier": GREY,
    "alert": RED,
    "p50": BLUE,
    "p95": YELLOW,
    "p99": RED,
}
"""Colour of a series by its name; the same word has the same colour in every view."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The threshold of an alert that watches the panel's figure; `bad` is the side on which the alert fires."""

    value: float
    bad: Literal["above", "below"] = "above"


@dataclass(frozen=True, slots=True)
class Query:
    """One query. `name` names its series, in Grafana's legend format; `whole` asks once for the whole time range."""

    expr: Expr
    name: str = ""
    whole: bool = False
    exemplars: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: a figure with its unit and, where an alert watches it, the limit; `bar` draws a share."""

    title: str
    expr: Expr
    unit: str
    limit: Limit | None = None
    decimals: int | None = None
    bar: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """One value of a timeline, in words and colour."""

    value: int
    text: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One panel. `nothing` is what stands there when there is no value; `link` the uid of the view that says more.

    Sizes are in Grafana's grid of 24 columns, `widths` of a table's columns in pixels.
    """

    kind: Kind
    title: str
    description: str
    unit: str
    width: int
    height: int
    nothing: str
    queries: tuple[Query, ...] = ()
    limit: Limit | None = None
    columns: tuple[Column, ...] = ()
    keys: tuple[tuple[Label, str], ...] = ()
    widths: tuple[tuple[str, int], ...] = ()
    states: tuple[State, ...] = ()
    stack: Literal["", "normal", "percent"] = ""
    calc: str = "lastNotNull"
    decimals: int | None = None
    top: float | None = None
    link: str = ""
    colours: tuple[tuple[str, str], ...] = field(default=tuple(COLOURS.items()))

    def expressions(self) -> tuple[Expr, ...]:
        return (*(query.expr for query in self.queries), *(column.expr for column in self.columns))


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, laid out from left to right; without a title they stand at the top."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable with the values of one label; they are those of the series that `among` selects."""

    name: str
    title: str
    label: Label
    among: Expr


@dataclass(frozen=True, slots=True)
class Annotation:
    """Marks in every graph where the expression is above zero."""

    name: str
    expr: Expr
    text: str
    colour: str


@dataclass(frozen=True, slots=True)
class View:
    """One dashboard."""

    uid: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...]
    annotations: tuple[Annotation, ...]

    @property
    def panels(self) -> tuple[Panel, ...]:
        return tuple(panel for row in self.rows for panel in row.panels)


def stat(
    title: str,
    description: str,
    expr: Expr,
    unit: str,
    *,
    nothing: str,
    width: int = 3,
    limit: Limit | None = None,
    whole: bool = True,
    calc: str = "lastNotNull",
    decimals: int | None = None,
    link: str = "",
) -> Panel:
    """One figure; of the whole time range, or with `whole=False` the `calc` of a curve, which is drawn behind it."""
    return Panel(
        kind="stat",
        title=title,
        description=description,
        unit=unit,
        width=width,
        height=4,
        nothing=nothing,
        queries=(Query(expr, title, whole=whole),),
        limit=limit,
        calc=calc,
        decimals=decimals,
        link=link,
    )


def graph(
    title: str,
    description: str,
    unit: str,
    *queries: Query,
    nothing: str,
    width: int = 12,
    limit: Limit | None = None,
    stack: Literal["", "normal", "percent"] = "",
    bars: bool = False,
    top: float | None = None,
    link: str = "",
) -> Panel:
    """Curves over time, or with `bars` a bar for each step."""
    return Panel(
        kind="bars" if bars else "graph",
        title=title,
        description=description,
        unit=unit,
        width=width,
        height=8,
        nothing=nothing,
        queries=queries,
        limit=limit,
        stack=stack,
        top=top,
        link=link,
    )


def table(
    title: str,
    description: str,
    keys: tuple[tuple[Label, str], ...],
    *columns: Column,
    nothing: str,
    width: int = 24,
    height: int = 8,
    widths: tuple[tuple[str, int], ...] = (),
    link: str = "",
) -> Panel:
    """A row for each combination of the `keys`, the highest figure of the first column on top."""
    return Panel(
        kind="table",
        title=title,
        description=description,
        unit=columns[0].unit,
        width=width,
        height=height,
        nothing=nothing,
        columns=columns,
        keys=keys,
        widths=widths,
        link=link,
    )
