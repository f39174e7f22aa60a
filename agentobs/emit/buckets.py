"""Histograms for prometheus_client's exposition, kept here in one process.

`prometheus_client.Histogram.observe` walks all bounds and checks an exemplar's labels each time, which costs more than all
the rest of a call's metrics. Here a value costs a binary search and two additions, and an exemplar is only made into text
when somebody scrapes.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from typing import Any

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from ..catalogue import Metric
from .sinks import LOCK, Observe, Values


class Cell:
    """The buckets of one series: counts between the bounds, the sum of the values, and the newest exemplar of each."""

    __slots__ = ("_bounds", "counts", "exemplars", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.exemplars: list[tuple[Any, float, float] | None] = [None] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float, context: Any) -> None:
        """Record one value; `context` is the context of its span, or `None`."""
        index = bisect_left(self._bounds, value)
        with LOCK:
            self.counts[index] += 1
            self.sum += value
            if context is not None:
                self.exemplars[index] = (context, value, time.time())


def _exemplar(kept: tuple[Any, float, float] | None) -> Exemplar | None:
    if kept is None:
        return None
    context, value, at_s = kept
    return Exemplar({"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}, value, at_s)


class Histograms:
    """The series of one histogram metric."""

    def __init__(self, metric: Metric) -> None:
        self._metric = metric
        self._cells: dict[Values, Cell] = {}
        self._bounds = tuple(float(bound) for bound in metric.buckets)
        self._le = [*(floatToGoString(bound) for bound in self._bounds), "+Inf"]  # type: ignore[no-untyped-call]

    def observer(self, values: Values) -> Observe:
        """The function that records values of one series."""
        with LOCK:
            cell = self._cells.get(values)
            if cell is None:
                cell = self._cells[values] = Cell(self._bounds)
        return cell.observe

    def start_again(self) -> None:
        """Forget the values, as a forked child must: its parent goes on exporting them."""
        for cell in self._cells.values():
            cell.counts = [0] * len(cell.counts)
            cell.exemplars = [None] * len(cell.exemplars)
            cell.sum = 0.0

    def family(self) -> Family:
        """What a scrape gets: cumulative buckets, count and sum of every series that has a value.

        A series is made ready before its first value; OpenTelemetry's exporters do not show it either.
        """
        family = Family(self._metric.prom, self._metric.description, "histogram")
        with LOCK:
            cells = [
                (values, list(c.counts), list(c.exemplars), c.sum) for values, c in self._cells.items() if any(c.counts)
            ]
        names = [label.label for label in self._metric.labels]
        for values, counts, exemplars, total in cells:
            labels = dict(zip(names, values, strict=True))
            count = 0
            for le, more, exemplar in zip(self._le, counts, exemplars, strict=True):
                count += more
                family.add_sample(f"{family.name}_bucket", {**labels, "le": le}, count, exemplar=_exemplar(exemplar))
            family.add_sample(f"{family.name}_count", labels, count)
            family.add_sample(f"{family.name}_sum", labels, total)
        return family
