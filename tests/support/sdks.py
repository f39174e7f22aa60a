"""The environments that tests/run makes. Runs before anything is installed, so it imports only the standard library.

    python tests/support/sdks.py NAME

prints the requirements of the environment, one a line, and after an empty line the folders of its tests; without a
name, the names. `--link SHARED OWN` links the commands of a shared environment into one of a checkout.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "tests" / "sdks.toml"


@dataclass(frozen=True)
class Environment:
    """What is installed, and which tests run there when none are named: all of them, when `tests` is empty."""

    name: str
    requirements: tuple[str, ...]
    tests: tuple[str, ...]


def environments(table: Path = TABLE, project: Path = ROOT / "pyproject.toml") -> dict[str, Environment]:
    """Every environment by name, in the order of the table.

    Raises:
        ValueError: an environment has a key that is not known, or lacks `requirements`.
    """
    described = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    own = [*described["dependencies"], *_extras(described, described["optional-dependencies"])]
    result = {}
    for name, row in tomllib.loads(table.read_text(encoding="utf-8")).items():
        if not {"requirements"} <= set(row) <= {"requirements", "tests"}:
            raise ValueError(
                f"{table.name}: [{name}] has {sorted(row)}; there are requirements, which it needs, and tests"
            )
        wanted = dict.fromkeys([*own, *row["requirements"]])
        result[name] = Environment(name, tuple(wanted), tuple(row.get("tests", ())))
    return result


def _extras(project: Mapping[str, Any], names: Any) -> list[str]:
    """The requirements of these extras, with those that stand in them as the project's own extras put in full."""
    result = []
    for name in names:
        for requirement in project["optional-dependencies"][name]:
            own = re.fullmatch(rf"{re.escape(project['name'])}\[(.*)\]", requirement)
            result += _extras(project, own[1].split(",")) if own else [requirement]
    return result


def link_commands(shared: Path, own: Path) -> None:
    """Give an environment of a checkout, by its folder of commands, those of the shared one, run by its own Python."""
    for command in shared.iterdir():
        target = own / command.name
        of_python = command.name.startswith(("python", "pip", "activate", "Activate"))
        if of_python or target.exists() or not command.is_file():
            continue
        content = command.read_bytes()
        if content.startswith(b"#!"):
            target.write_bytes(content.replace(f"{shared}/python".encode(), f"{own}/python".encode(), 1))
            target.chmod(0o755)
        else:
            target.symlink_to(command)


def main(arguments: list[str]) -> int:
    table = environments()
    if not arguments:
        print(*table, sep="\n")
        return 0
    if arguments[0] == "--link":
        link_commands(*map(Path, arguments[1:]))
        return 0
    (name,) = arguments
    if name not in table:
        print(f"tests/run: --sdks {name} is not known; there are: {', '.join(table)}", file=sys.stderr)
        return 2
    print(*table[name].requirements, "", *table[name].tests, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
