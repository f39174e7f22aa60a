'''Generators of dashboards, rules, alerts, runbook and collector configurations.

Everything is made of figures (`figure.Figure`), one file for each subject in `figures/`. To add a metric with a panel, an
alert and its section of the runbook:

1. The metric is a row of the catalogue, as for everything that is emitted.
2. Write the figure into the file of its subject: what is measured, its unit, its limit, the forms in which it is shown,
   the alert with the texts of the runbook; and name it in the tuple `SUBJECT` at the end of the file.

       def failed(config: PackConfig) -> Figure:
           """Share of the tool calls that failed."""
           by, limit = (config.service, genai.TOOL_NAME), Limit(config.thresholds.tool_error_share)

           def measure(over: Selection, /, *by: Label) -> q.Expr:
               return q.share(over.growth(own.TOOLS, *by, where=FAILED), over.growth(own.TOOLS, *by))

           return Figure(
               measure=measure,
               unit=SHARE,
               limit=limit,
               empty="no tool calls yet",
               stat=Stat("Failed tools", "Share of the tool calls in the time range that failed."),
               graph=Graph("Failed tools by name", "Share of the tool calls that failed.", by=(genai.TOOL_NAME,)),
               alerts=(Alert(name="AgentObsToolErrors", expr=limit.past(measure(over_all(config, "10m"), *by)), ...),),
           )

3. `agentobs generate`, and a promtool test in `alerts/tests` that fires the alert and one that keeps it quiet.

The panels stand at the end of the subject's dashboard until an arrangement in `dashboards.py` places them. A limit that
users may move is a field of `config.Thresholds`. A new subject is a file with a `SUBJECT`, named in `figures/__init__.py`.

The packs know the catalogue and privacy's table of patterns, and nothing else of agentobs.
'''

from __future__ import annotations

from typing import Literal, get_args

from .config import ConfigError, PackConfig, load
from .figure import Subject

What = Literal["all", "dashboards", "alerts", "collector", "registry"]


def build(
    config: PackConfig | None = None, what: What = "all", subjects: tuple[Subject, ...] | None = None
) -> dict[str, str]:
    """The generated files as texts by their path in the project, sorted; the same options give the same bytes.

    `subjects` are those of the pack where none are given. Raises ConfigError where `what` is none of the allowed,
    ImportError where the library that writes the files is missing (grafanalib for dashboards, PyYAML for the others);
    the text says which.
    """
    if what not in get_args(What):
        raise ConfigError(f"there is nothing named {what!r} to generate; allowed: {', '.join(get_args(What))}")
    from .figures import SUBJECTS

    config, subjects = config or PackConfig(), SUBJECTS if subjects is None else subjects
    files: dict[str, str] = {}
    if what in {"all", "dashboards"}:
        files |= _dashboards(config, subjects)
    if what in {"all", "alerts"}:
        from . import alerting

        files |= {f"alerts/{name}": text for name, text in alerting.files(config, subjects).items()}
    if what in {"all", "collector"}:
        from . import collector

        files |= {f"collector/{name}": text for name, text in collector.files().items()}
    if what in {"all", "registry"}:
        from . import registry

        files |= {f"registry/{name}": text for name, text in registry.files().items()}
    return dict(sorted(files.items()))


def _dashboards(config: PackConfig, subjects: tuple[Subject, ...]) -> dict[str, str]:
    from . import grafana
    from .dashboards import dashboards

    return {
        f"dashboards/{dashboard.board.name}.json": grafana.render(dashboard, config.naming)
        for dashboard in dashboards(config, subjects)
    }


__all__ = ["ConfigError", "PackConfig", "Subject", "What", "build", "load"]
