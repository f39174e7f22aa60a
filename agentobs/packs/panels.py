"""What a dashboard is, before any Grafana: rows of panels of queries, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .boards import Board
from .names import Label
from .promql import Expr

PanelType = Literal["stat", "timeseries", "table", "heatmap", "state-timeline"]
"""Types of panels, by Grafana's names."""
Stack = Literal["", "normal"]

SECONDS = "s"
USD = "currencyUSD"
SHARE = "percentunit"
COUNT = "short"
"""A figure that may be a mean or huge: 1.2 K."""
WHOLE = "locale"
"""A number of things: 1,234."""
PER_MINUTE = "suffix:/min"
"""A unit of Grafana's own making: whatever follows the colon is written behind the figure."""

GREEN, YELLOW, ORANGE, RED, BLUE, GREY = "green", "yellow", "orange", "red", "blue", "#808080"

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
"""Colour of a series by its name; the same word has the same colour on every dashboard."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a figure may be; `bad` is the side of `value` on which an alert fires."""

    value: float
    bad: Literal["above", "below"] = "above"

    def past(self, expr: Expr) -> Expr:
        """The expression where it is past the limit."""
        return expr > self.value if self.bad == "above" else expr < self.value


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
    """One panel, wherever it is placed. `empty` is what stands there when there is no value.

    `height` is in rows of Grafana's grid, `widths` of a table's columns in pixels.
    """

    type: PanelType
    title: str
    description: str
    unit: str
    empty: str
    height: int
    queries: tuple[Query, ...] = ()
    limit: Limit | None = None
    columns: tuple[Column, ...] = ()
    keys: tuple[tuple[Label, str], ...] = ()
    widths: tuple[tuple[str, int], ...] = ()
    row: tuple[Board, str] | None = None
    states: tuple[State, ...] = ()
    stack: Stack = ""
    decimals: int | None = None
    top: float | None = None

    def expressions(self) -> tuple[Expr, ...]:
        """Every expression that the panel asks for."""
        return (*(query.expr for query in self.queries), *(column.expr for column in self.columns))


@dataclass(frozen=True, slots=True)
class Placed:
    """A panel on a dashboard, `width` of Grafana's 24 columns wide; `link` leads to the dashboard that says more."""

    panel: Panel
    width: int
    link: Board | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, laid out from left to right; without a title they stand at the top."""

    title: str
    panels: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable with the values of one label; they are those of the series that `among` selects."""

    name: str
    title: str
    label: Label
    among: Expr


@dataclass(frozen=True, slots=True)
class Annotation:
    """Marks in every graph for as long as the expression is above zero; shown from the start, or when switched on."""

    name: str
    expr: Expr
    text: str
    colour: str
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard with all that it shows."""

    board: Board
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...]
    annotations: tuple[Annotation, ...]
