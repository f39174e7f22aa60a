"""Generators of dashboards, rules, alerts, runbook and collector configurations; imports only the catalogue."""

from __future__ import annotations

from .config import ConfigError, PackConfig, load

DASHBOARDS = "dashboards"


def dashboards(config: PackConfig) -> dict[str, str]:
    """The dashboards as JSON texts, by path: `dashboards/<view>.json`."""
    from . import grafana
    from .views import views

    return {
        f"{DASHBOARDS}/{view.uid.removeprefix('agentobs-')}.json": grafana.dashboard(view, config.naming)
        for view in views(config)
    }


__all__ = ["DASHBOARDS", "ConfigError", "PackConfig", "dashboards", "load"]
