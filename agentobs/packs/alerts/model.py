"""What an alert is: one row of data, from which its rule, its annotations and its runbook section are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agentobs.catalogue import genai

from ..config import PackConfig
from ..names import Label, alert_value
from ..promql import Expr

Severity = Literal["critical", "warning", "info"]
Dashboard = Literal["overview", "models", "cost", "breakers", "decisions"]

PERCENT = "{{ $value | humanizePercentage }}"
USD = '${{ $value | printf "%.2f" }}'
FACTOR = '{{ $value | printf "%.1f" }}'
FIGURE = '{{ $value | printf "%.0f" }}'
POINTS = '{{ $value | printf "%.2f" }}'

_VARIABLES: dict[Label, str] = {genai.AGENT_NAME: "agent", genai.PROVIDER: "provider", genai.REQUEST_MODEL: "model"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert.

    `summary` is one sentence that never changes; `description` has the figure (`$value`) and, in braces with a number,
    the labels of `by`: "{0}" is the first. `for_` is a Prometheus duration. `options` names the fields of the TOML file
    that move it. The other texts make the runbook section; `panel` is the title of the panel that shows the figure.
    """

    name: str
    expr: Expr
    by: tuple[Label, ...]
    for_: str
    severity: Severity
    summary: str
    description: str
    meaning: str
    impact: str
    check: tuple[str, ...]
    mend: tuple[str, ...]
    dashboard: Dashboard
    panel: str
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.expr.labels != frozenset(self.by):
            has = ", ".join(sorted(label.label for label in self.expr.labels))
            raise ValueError(f"{self.name}: by must name the labels of the expression: {has}")

    @property
    def anchor(self) -> str:
        """The anchor of the runbook section, as GitHub and GitLab make it from the heading."""
        return self.name.lower()

    def rule(self, config: PackConfig) -> Mapping[str, Any]:
        """The alerting rule as Prometheus reads it."""
        return {
            "alert": self.name,
            "expr": self.expr.render(config.naming),
            "for": self.for_,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self._described(config),
                "runbook_url": f"{config.runbook_url}#{self.anchor}",
                "dashboard": self._link(config),
            },
        }

    def _described(self, config: PackConfig) -> str:
        text = self.description
        for number, label in enumerate(self.by):
            text = text.replace(f"{{{number}}}", alert_value(label, config.naming))
        return text

    def _link(self, config: PackConfig) -> str:
        variables: dict[Label, str] = {config.service: "service", **_VARIABLES}
        filled = "".join(
            f"var-{variables[label]}={alert_value(label, config.naming).removesuffix(' }}')} | urlquery }}}}&"
            for label in self.by
            if label in variables
        )
        return f"{config.dashboard_url.rstrip('/')}/d/agentobs-{self.dashboard}?{filled}from=now-6h&to=now"
