"""The dashboards, one file each."""

from __future__ import annotations

from ..config import PackConfig
from ..panels import View
from . import breakers, cost, decisions, models, overview


def views(config: PackConfig) -> tuple[View, ...]:
    """All dashboards under a configuration, in the order in which people read them."""
    return tuple(module.view(config) for module in (overview, models, cost, breakers, decisions))
