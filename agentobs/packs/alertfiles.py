"""The files of `alerts/`: recording rules, alerts, runbook."""

from __future__ import annotations

from .alerts import groups
from .config import PackConfig
from .rules import group, recording_group
from .runbook import runbook
from .yamlfile import Section, document

_KEEP = (
    "Made by `agentobs generate alerts`; `agentobs check` tells when it was changed. Thresholds come from a TOML file "
    "(--config); rules of your own belong into a file of their own."
)


def files(config: PackConfig | None = None) -> dict[str, str]:
    """The text of each file by its name.

    Raises:
        MissingYAMLError: PyYAML is not installed.
    """
    config = config or PackConfig()
    rules = [Section("", {"groups": [recording_group(config)]})]
    alerting = [
        group(f"agentobs-{name}", [dict(alert.rule(config)) for alert in alerts])
        for name, alerts in groups(config).items()
    ]
    return {
        "rules.yaml": document(
            f"Recording rules of agentobs, which the alerts read; Prometheus 2.42 or newer.\n\n{_KEEP}", rules
        ),
        "alerts.yaml": document(
            f"Alerts of agentobs, with rules.yaml beside them; Prometheus 2.42 or newer.\n\n{_KEEP}",
            [Section("", {"groups": alerting})],
        ),
        "RUNBOOK.md": runbook(config),
    }
