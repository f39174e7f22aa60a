"""The files of `alerts/`: recording rules, alerts and their runbook, all from the figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from agentobs.catalogue import genai

from .config import PackConfig
from .figure import Alert, Figure, Subject
from .names import Label, alert_value
from .recording import group, recording_group
from .yamlfile import Section, document

_KEEP = (
    "Made by `agentobs generate alerts`; `agentobs check` tells when it was changed. Thresholds come from a TOML file "
    "(--config); rules of your own belong into a file of their own."
)
_RUNBOOK = """# Runbook

One section per alert of `alerts.yaml`; the annotation `runbook_url` of each alert leads to its section. Made by
`agentobs generate alerts` from the same data as the alerts: keep notes of your own in another file, or set `runbook_url`
in your thresholds file to a runbook of your own.
"""
_VARIABLES: dict[Label, str] = {genai.AGENT_NAME: "agent", genai.PROVIDER: "provider", genai.REQUEST_MODEL: "model"}


def files(config: PackConfig, subjects: tuple[Subject, ...]) -> dict[str, str]:
    """The text of each file by its name.

    Raises:
        MissingYAMLError: PyYAML is not installed.
    """
    watching = [subject for subject in subjects if subject.alerts(config)]
    recording = recording_group(config, (alert.expr for s in watching for _, alert in s.alerts(config)))
    alerting = [
        group(f"agentobs-{subject.name}", [dict(rule(alert, subject, config)) for _, alert in subject.alerts(config)])
        for subject in watching
    ]
    return {
        "rules.yaml": document(
            f"Recording rules of agentobs, which the alerts read; Prometheus 2.42 or newer.\n\n{_KEEP}",
            [Section("", {"groups": [recording]})],
        ),
        "alerts.yaml": document(
            f"Alerts of agentobs, with rules.yaml beside them; Prometheus 2.42 or newer.\n\n{_KEEP}",
            [Section("", {"groups": alerting})],
        ),
        "RUNBOOK.md": runbook(config, watching),
    }


# --- rules ------------------------------------------------------------------------------------------------------------
def anchor(alert: Alert) -> str:
    """The anchor of the runbook section, as GitHub and GitLab make it from the heading."""
    return alert.name.lower()


def rule(alert: Alert, subject: Subject, config: PackConfig) -> Mapping[str, Any]:
    """The alerting rule as Prometheus reads it."""
    return {
        "alert": alert.name,
        "expr": alert.expr.render(config.naming),
        "for": alert.for_,
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "description": _described(alert, config),
            "runbook_url": f"{config.runbook_url}#{anchor(alert)}",
            "dashboard": _link(alert, subject, config),
        },
    }


def _described(alert: Alert, config: PackConfig) -> str:
    text = alert.description
    for number, label in enumerate(alert.by):
        text = text.replace(f"{{{number}}}", alert_value(label, config.naming))
    return text


def _link(alert: Alert, subject: Subject, config: PackConfig) -> str:
    variables: dict[Label, str] = {config.service: "service", **_VARIABLES}
    filled = "".join(
        f"var-{variables[label]}={alert_value(label, config.naming).removesuffix(' }}')} | urlquery }}}}&"
        for label in alert.by
        if label in variables
    )
    return f"{config.dashboard_url.rstrip('/')}/d/{subject.home.uid}?{filled}from=now-6h&to=now"


# --- runbook ----------------------------------------------------------------------------------------------------------
def runbook(config: PackConfig, subjects: Iterable[Subject]) -> str:
    """The text of RUNBOOK.md."""
    watched = [(subject, figure, alert) for subject in subjects for figure, alert in subject.alerts(config)]
    contents: dict[str, list[str]] = {}
    for subject, _, alert in watched:
        contents.setdefault(subject.title, []).append(f"[{alert.name}](#{anchor(alert)})")
    parts = [_RUNBOOK, *(f"- {title}: {', '.join(links)}" for title, links in contents.items()), ""]
    return "\n".join([*parts, *(_section(alert, figure, subject, config) for subject, figure, alert in watched)])


def _section(alert: Alert, figure: Figure, subject: Subject, config: PackConfig) -> str:
    moved = f" Moved by {', '.join(f'`{option}`' for option in alert.options)}." if alert.options else ""
    shown = figure.panel(alert.shown, config)
    return f"""## {alert.name}

{alert.summary} Severity {alert.severity}, after {_duration(alert.for_)}.{moved}

**Meaning.** {alert.meaning}

**Impact.** {alert.impact}

**How to check**

{_listed(alert.check)}

**How to fix**

{_listed(alert.fix)}

**Panel.** "{shown.title}" in the dashboard "{subject.home.title}" (`{subject.home.uid}`).

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
