"""The runbook: one section per alert, made from the same row as its rule."""

from __future__ import annotations

from collections.abc import Iterable

from .alerts import Alert, groups
from .config import PackConfig
from .views import views

_HEADER = """# Runbook

One section per alert of `alerts.yaml`; the annotation `runbook_url` of each alert leads to its section. Made by
`agentobs generate alerts` from the same data as the alerts: keep notes of your own in another file, or set `runbook_url`
in your thresholds file to a runbook of your own.
"""

_TITLES = {
    "objectives": "Service level objectives",
    "providers": "Providers and models",
    "breakers": "Circuit breakers",
    "service": "What users get",
    "cost": "Cost and tokens",
    "telemetry": "The telemetry itself",
}


def runbook(config: PackConfig) -> str:
    """The text of RUNBOOK.md."""
    titles = {view.uid: view.title for view in views(config)}
    grouped = groups(config)
    parts = [_HEADER, *(_contents(_TITLES[name], alerts) for name, alerts in grouped.items()), ""]
    parts += [_section(config, alert, titles) for alerts in grouped.values() for alert in alerts]
    return "\n".join(parts)


def _contents(title: str, alerts: Iterable[Alert]) -> str:
    return f"- {title}: " + ", ".join(f"[{alert.name}](#{alert.anchor})" for alert in alerts)


def _section(config: PackConfig, alert: Alert, titles: dict[str, str]) -> str:
    uid = f"agentobs-{alert.dashboard}"
    moved = f" Moved by {', '.join(f'`{option}`' for option in alert.options)}." if alert.options else ""
    return f"""## {alert.name}

{alert.summary} Severity {alert.severity}, after {_duration(alert.for_)}.{moved}

**Meaning.** {alert.meaning}

**Impact.** {alert.impact}

**How to check**

{_listed(alert.check)}

**How to mend**

{_listed(alert.mend)}

**Panel.** "{alert.panel}" in the dashboard "{titles[uid]}" (`{uid}`).

**Expression**

```promql
{alert.expr.render(config.naming)}
```
"""


def _listed(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _duration(for_: str) -> str:
    """A Prometheus duration in words."""
    amount, unit = int(for_[:-1]), {"s": "second", "m": "minute", "h": "hour"}[for_[-1]]
    if unit == "second" and amount % 60 == 0:
        amount, unit = amount // 60, "minute"
    return "no delay" if not amount else f"{amount} {unit}{'s' if amount != 1 else ''}"
