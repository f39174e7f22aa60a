"""Generators of dashboards, rules, alerts, runbook and collector configurations; imports only the catalogue."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from .config import ConfigError, PackConfig, load

What = Literal["all", "dashboards", "alerts", "collector"]


def build(config: PackConfig | None = None, what: What = "all") -> dict[str, str]:
    """The generated files as texts by their path in the project, sorted; the same options give the same bytes.

    Raises ConfigError where `what` is none of the allowed, ImportError where the library that writes the files is
    missing (grafanalib for dashboards, PyYAML for the others); the text says which.
    """
    if what not in get_args(What):
        raise ConfigError(f"there is nothing named {what!r} to generate; allowed: {', '.join(get_args(What))}")
    chosen = config or PackConfig()
    files: dict[str, str] = {}
    for folder, make in _PARTS.items():
        if what in {"all", folder}:
            files |= {f"{folder}/{name}": text for name, text in make(chosen).items()}
    return dict(sorted(files.items()))


def _dashboards(config: PackConfig) -> dict[str, str]:
    from . import grafana
    from .views import views

    return {
        f"{view.uid.removeprefix('agentobs-')}.json": grafana.dashboard(view, config.naming) for view in views(config)
    }


def _alerts(config: PackConfig) -> dict[str, str]:
    from . import alertfiles

    return alertfiles.files(config)


def _collector(_: PackConfig) -> dict[str, str]:
    from . import collector

    return collector.files()


_PARTS: dict[str, Callable[[PackConfig], dict[str, str]]] = {
    "dashboards": _dashboards,
    "alerts": _alerts,
    "collector": _collector,
}

__all__ = ["ConfigError", "PackConfig", "What", "build", "load"]
