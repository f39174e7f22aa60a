"""Tables in the READMEs that are made from the code: `python -m tests.support.documents` writes them, a test compares.

A table stands between `<!-- NAME -->` and `<!-- /NAME -->`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import agentobs.verbs
from agentobs import catalogue
from agentobs.catalogue import Attribute, Metric, declared
from agentobs.config import OPTIONS, Option
from agentobs.endpoint.problems import PROBLEMS
from agentobs.environment import VARIABLES, Variable
from agentobs.integrations.clients import anthropic, openai
from agentobs.integrations.table import PROCESSES, TABLE
from tests.support.clients import endings

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Block:
    """One table: the document in which it stands, its name there, and what makes it."""

    document: str
    name: str
    make: Callable[[], str]

    def _parts(self) -> tuple[str, str, str]:
        text = (ROOT / self.document).read_text(encoding="utf-8")
        before, opening, rest = text.partition(f"<!-- {self.name} -->\n")
        between, closing, after = rest.partition(f"<!-- /{self.name} -->")
        assert opening, f"{self.document} has no <!-- {self.name} -->"
        assert closing, f"{self.document} has no <!-- /{self.name} -->"
        return before + opening, between, closing + after

    def written(self) -> str:
        """What stands in the document."""
        return self._parts()[1]

    def write(self) -> None:
        """Put what the code says into the document."""
        before, _, after = self._parts()
        (ROOT / self.document).write_text(before + self.make() + after, encoding="utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The blocks of code in that language, in the order in which they stand in a document."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def block(text: str, language: str, word: str) -> str:
    """The one block of code in that language that has the word."""
    (found,) = [code for code in blocks(text, language) if word in code]
    return found


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table as Markdown."""
    columns = tuple(head)
    lines = [columns, ("---",) * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("| --- ", "|---").replace("|--- |", "|---|") for cells in lines)


def _default(option: Option) -> str:
    return "" if option.default is None else f"`{option.default}`"


def _meaning(option: Option) -> str:
    allowed = ", ".join(f"`{value}`" for value in option.allowed)
    return f"{option.doc} Allowed: {allowed}." if allowed else option.doc


def options() -> str:
    """The options of `instrument()`."""
    rows = ((f"`{one.name}`", f"`{one.env}`", _default(one), _meaning(one)) for one in OPTIONS)
    return table(("option", "environment", "default", "what it is"), rows)


def libraries() -> str:
    """What is observed."""
    return table(("library", "from", "what is observed"), ((r.library, r.lowest, ", ".join(r.owns)) for r in TABLE))


def not_observed() -> str:
    """What the clients do that is no call here."""
    clients = (("openai", openai.NOT_OBSERVED), ("anthropic", anthropic.NOT_OBSERVED))
    rows = [(client, f"`{path}`", reason) for client, paths in clients for path, reason in paths.items()]
    return table(("client", "path", "why it is no call"), rows)


def _names(variable: Variable) -> str:
    return f"`{variable.name}`" + (", one for each signal too" if variable.each else "")


def variables() -> str:
    """What each OTEL_* variable does."""
    return table(("variable", "what it does here"), ((_names(one), one.effect) for one in VARIABLES))


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _generations(metric: Metric) -> str:
    return "" if metric.emitted_by("latest") and metric.emitted_by("compat") else f" ({', '.join(metric.generations)})"


def metrics() -> str:
    """Every metric."""
    rows = (
        (
            f"`{metric.name}`{_generations(metric)}",
            f"`{metric.prom}`",
            metric.kind,
            f"`{metric.unit}`",
            _code(label.name for label in metric.labels),
            metric.description,
        )
        for metric in catalogue.METRICS
    )
    return table(("metric", "in Prometheus", "kind", "unit", "labels", "what it is"), rows)


def spans() -> str:
    """Every kind of span."""
    rows = ((f"`{s.name}`", s.kind, s.description, _code(a.name for a in declared(s))) for s in catalogue.SPANS)
    return table(("span", "kind", "what it is", "attributes"), rows)


def events() -> str:
    """Every event."""
    rows = ((f"`{e.name}`", e.severity, e.description, _code(a.name for a in declared(e))) for e in catalogue.EVENTS)
    return table(("event", "severity", "what it is", "attributes"), rows)


def _values(attribute: Attribute) -> str:
    if attribute.values:
        return _code(attribute.values)
    return f"at most {attribute.bound} as a label, then `_other`" if attribute.bound else ""


def attributes() -> str:
    """Every attribute and label."""
    rows = ((f"`{a.name}`", a.type, _values(a), a.description) for a in catalogue.ATTRIBUTES)
    return table(("attribute", "type", "values", "what it is"), rows)


def problems() -> str:
    """Why the feedback endpoint refuses a request."""
    rows = ((str(one.status), f"`{one.type}`", one.title) for one in PROBLEMS.values())
    return table(("status", "type", "what is wrong"), rows)


def processes() -> str:
    """What programs run in."""
    rows = ((r.library, r.lowest, ", ".join(r.owns)) for r in PROCESSES)
    return table(("what programs run in", "from", "what is seen to"), rows)


def verbs() -> str:
    """What programs call themselves."""
    rows = (
        (f"`agentobs.{name}`", (getattr(agentobs, name).__doc__ or "").splitlines()[0])
        for name in agentobs.verbs.__all__
    )
    return table(("verb", "what it does"), rows)


CATALOGUE = "agentobs/catalogue/README.md"
BLOCKS = (
    Block(CATALOGUE, "metrics", metrics),
    Block(CATALOGUE, "spans", spans),
    Block(CATALOGUE, "events", events),
    Block(CATALOGUE, "attributes", attributes),
    Block("README.md", "libraries", libraries),
    Block("agentobs/README.md", "options", options),
    Block("agentobs/README.md", "processes", processes),
    Block("agentobs/README.md", "verbs", verbs),
    Block("agentobs/README.md", "variables", variables),
    Block("agentobs/README.md", "endings", endings.table),
    Block("agentobs/endpoint/README.md", "problems", problems),
    Block("agentobs/README.md", "not observed", not_observed),
)


if __name__ == "__main__":
    for block in BLOCKS:
        block.write()
