"""Tables in the READMEs that are made from the code: `python -m tests.support.documents` writes them, a test compares.

A table stands between `<!-- NAME -->` and `<!-- /NAME -->`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from agentobs.environment import VARIABLES, Variable

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


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table as Markdown."""
    columns = tuple(head)
    lines = [columns, ("---",) * len(columns), *rows]
    return "".join(f"| {' | '.join(cells)} |\n".replace("| --- ", "|---").replace("|--- |", "|---|") for cells in lines)


def _names(variable: Variable) -> str:
    return f"`{variable.name}`" + (", one for each signal too" if variable.each else "")


def variables() -> str:
    """What each OTEL_* variable does."""
    return table(("variable", "what it does here"), ((_names(one), one.effect) for one in VARIABLES))


BLOCKS = (Block("agentobs/README.md", "variables", variables),)


if __name__ == "__main__":
    for block in BLOCKS:
        block.write()
