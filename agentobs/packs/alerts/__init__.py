"""Alerts: one row of data each, from which rules and runbook are made."""

from __future__ import annotations

from ..config import PackConfig
from . import breakers, cost, providers, service, slo, telemetry
from .model import Alert

GROUPS = {
    "objectives": slo,
    "providers": providers,
    "breakers": breakers,
    "service": service,
    "cost": cost,
    "telemetry": telemetry,
}


def groups(config: PackConfig) -> dict[str, tuple[Alert, ...]]:
    """The alerts by group, in the order of the runbook."""
    return {name: module.alerts(config) for name, module in GROUPS.items()}


__all__ = ["GROUPS", "Alert", "groups"]
