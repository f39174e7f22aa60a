"""A figure: what is measured, in which unit, where it is bad, and all that shows it or watches it.

Panels, alerting rule and runbook section are derived from the one object, so none of them can speak of another figure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from agentobs.catalogue import Metric

from . import promql as q
from .boards import Board
from .config import PackConfig
from .names import Label, Matcher
from .panels import PER_MINUTE, Column, Limit, Panel, PanelType, Query, Stack, State
from .selection import Measure, over_range, over_time, series_name

Severity = Literal["critical", "warning", "info"]
Form = Literal["stat", "graph", "table"]

PERCENT = "{{ $value | humanizePercentage }}"
DOLLARS = '${{ $value | printf "%.2f" }}'
FACTOR = '{{ $value | printf "%.1f" }}'
NUMBER = '{{ $value | printf "%.0f" }}'
POINTS = '{{ $value | printf "%.2f" }}'


@dataclass(frozen=True, slots=True)
class Stat:
    """One number: the measure over the whole time range, unless `expr` says otherwise.

    With `curve` it is the end of the measure's curve, which is drawn behind it. `limited` colours it by the figure's
    limit, `limit` by another one.
    """

    title: str
    description: str
    expr: q.Expr | None = None
    empty: str = ""
    unit: str = ""
    decimals: int | None = None
    limited: bool = True
    limit: Limit | None = None
    curve: bool = False


@dataclass(frozen=True, slots=True)
class Graph:
    """A curve of the measure for each combination of the labels `by`, unless `queries` say otherwise.

    In the unit PER_MINUTE the measure, which counts, is drawn for each minute. `limited` draws the figure's limit, `limit`
    another one.
    """

    title: str
    description: str
    by: tuple[Label, ...] = ()
    queries: tuple[Query, ...] = ()
    empty: str = ""
    unit: str = ""
    limited: bool = True
    limit: Limit | None = None
    stack: Stack = ""
    top: float | None = None
    exemplars: bool = False
    type: PanelType = "timeseries"
    states: tuple[State, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """A row for each combination of the `keys`, the highest figure of the first column on top.

    `row` is the dashboard that the first key leads to, and the variable that it sets there.
    """

    title: str
    description: str
    keys: tuple[tuple[Label, str], ...]
    columns: tuple[Column, ...]
    widths: tuple[tuple[str, int], ...] = ()
    row: tuple[Board, str] | None = None
    height: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """An alert on a figure, with its section of the runbook.

    `summary` is one sentence that never changes; `description` has the figure (`$value`) and, in braces with a number,
    the labels of `by`: "{0}" is the first. `for_` is a Prometheus duration. `options` names the fields of the TOML file
    that move it. `shown` is the form in which its figure is looked at.
    """

    name: str
    expr: q.Expr
    by: tuple[Label, ...]
    for_: str
    severity: Severity
    summary: str
    description: str
    meaning: str
    impact: str
    check: tuple[str, ...]
    fix: tuple[str, ...]
    options: tuple[str, ...] = ()
    shown: Form = "graph"

    def __post_init__(self) -> None:
        if self.expr.labels != frozenset(self.by):
            has = ", ".join(sorted(label.label for label in self.expr.labels))
            raise ValueError(f"{self.name}: by must name the labels of the expression: {has}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure in its forms. `empty` is what stands in a panel that has no value.

    Raises ValueError where an alert is shown in a form that the figure does not have.
    """

    measure: Measure
    unit: str
    empty: str
    limit: Limit | None = None
    decimals: int | None = None
    stat: Stat | None = None
    graph: Graph | None = None
    table: Table | None = None
    alerts: tuple[Alert, ...] = ()

    def __post_init__(self) -> None:
        for alert in self.alerts:
            if getattr(self, alert.shown) is None:
                raise ValueError(f"{alert.name}: its figure has no {alert.shown}; allowed: {', '.join(self.forms)}")

    @property
    def forms(self) -> tuple[Form, ...]:
        """The forms in which it can be placed on a dashboard."""
        forms: tuple[Form, ...] = ("stat", "graph", "table")
        return tuple(form for form in forms if getattr(self, form) is not None)

    def panel(self, form: Form, config: PackConfig) -> Panel:
        """The panel of one form.

        Raises:
            ValueError: the figure does not have the form.
        """
        if form == "stat" and self.stat is not None:
            return self._stat(self.stat, config)
        if form == "graph" and self.graph is not None:
            return self._graph(self.graph, config)
        if form == "table" and self.table is not None:
            return self._table(self.table)
        raise ValueError(f"the figure has no {form}; allowed: {', '.join(self.forms)}")

    def column(self, title: str, config: PackConfig, *keys: Label, decimals: int | None = None) -> Column:
        """The measure over the time range as a column of a table, one row for each combination of the keys."""
        return Column(title, self.measure(over_range(config), *keys), self.unit, self.limit, decimals)

    def _stat(self, stat: Stat, config: PackConfig) -> Panel:
        expr = stat.expr if stat.expr is not None else self.measure(over_range(config))
        return Panel(
            type="stat",
            title=stat.title,
            description=stat.description,
            unit=stat.unit or self.unit,
            empty=stat.empty or self.empty,
            height=4,
            queries=(Query(expr, stat.title, whole=not stat.curve),),
            limit=stat.limit or (self.limit if stat.limited else None),
            decimals=stat.decimals if stat.decimals is not None else self.decimals,
        )

    def _graph(self, graph: Graph, config: PackConfig) -> Panel:
        return Panel(
            type=graph.type,
            title=graph.title,
            description=graph.description,
            unit=graph.unit or self.unit,
            empty=graph.empty or self.empty,
            height=8,
            queries=graph.queries or (self._curve(graph, config),),
            limit=graph.limit or (self.limit if graph.limited else None),
            states=graph.states,
            stack=graph.stack,
            top=graph.top,
        )

    def _curve(self, graph: Graph, config: PackConfig) -> Query:
        expr = self.measure(over_time(config), *graph.by)
        per_minute = graph.unit == PER_MINUTE
        return Query(expr * 60 if per_minute else expr, series_name(config, *graph.by), exemplars=graph.exemplars)

    def _table(self, table: Table) -> Panel:
        return Panel(
            type="table",
            title=table.title,
            description=table.description,
            unit=table.columns[0].unit,
            empty=self.empty,
            height=table.height,
            columns=table.columns,
            keys=table.keys,
            widths=table.widths,
            row=table.row,
        )


Definition = Callable[[PackConfig], Figure]
"""A figure under any configuration: what stands in the files of the subjects, and what dashboards are arranged of."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Figures that belong together: one file, one group of alerts, one dashboard that is theirs."""

    name: str
    title: str
    home: Board
    figures: tuple[Definition, ...]

    def alerts(self, config: PackConfig) -> tuple[tuple[Figure, Alert], ...]:
        """Each alert with the figure that it watches, in order."""
        figures = (define(config) for define in self.figures)
        return tuple((figure, alert) for figure in figures for alert in figure.alerts)


def enough(metric: Metric, window: str, minimum: float, *by: Label, where: tuple[Matcher, ...] = ()) -> q.Expr:
    """Where a counter grew by at least `minimum` in the window."""
    return q.sum_by(q.increase(metric, window, *where), *by) >= minimum
