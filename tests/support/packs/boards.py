"""What the tests ask of dashboards: the generated models, their panels, and every query as Grafana sends it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from agentobs.packs import PackConfig, build

PROJECT = Path(__file__).parents[3]
COMMITTED = PROJECT / "dashboards"
NAMES = ("breakers", "cost", "decisions", "models", "overview")


@dataclass(frozen=True)
class Asked:
    """One query of a dashboard: where it stands, and its text."""

    where: str
    expr: str


@cache
def boards(config: PackConfig | None = None) -> Mapping[str, dict[str, Any]]:
    """The generated dashboards by file name, parsed."""
    return {Path(path).stem: json.loads(text) for path, text in build(config, "dashboards").items()}


def panels(board: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The panels that show something; headings of rows do not."""
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def all_panels() -> list[Any]:
    """(dashboard, panel) of every panel, named for a parametrised test."""
    import pytest

    return [
        pytest.param(name, panel, id=f"{name}-{panel['title']}")
        for name, board in boards().items()
        for panel in panels(board)
    ]


def queries(board: Mapping[str, Any]) -> Iterator[Asked]:
    """Every query of panels and annotations, as Grafana has it."""
    for panel in panels(board):
        for target in panel["targets"]:
            yield Asked(f"{board['uid']}: {panel['title']}: {target['refId']}", target["expr"])
    for annotation in board["annotations"]["list"]:
        if "expr" in annotation:
            yield Asked(f"{board['uid']}: annotation {annotation['name']}", annotation["expr"])


def asked() -> list[Asked]:
    """Every query of every dashboard."""
    return [one for board in boards().values() for one in queries(board)]


def filled(expr: str, value: str = ".*", interval: str = "1m", time_range: str = "1h") -> str:
    """The query as Grafana sends it, every variable standing for the same value."""
    expr = expr.replace("$__rate_interval", interval).replace("$__range", time_range)
    for name in ("service", "agent", "provider", "model"):
        expr = expr.replace(f"${name}", value)
    return expr
