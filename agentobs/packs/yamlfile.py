"""Generated YAML files: a header that says who made them, sections with a comment each, the same bytes every time."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

COMMENT_WIDTH = 118


class MissingYAMLError(ImportError):
    """PyYAML is not installed; the message says how to get it."""


@dataclass(frozen=True, slots=True)
class Section:
    """Top-level keys of a YAML file, and the comment above them; an empty comment adds no line."""

    comment: str
    content: Mapping[str, Any]


def comment_lines(text: str) -> str:
    """The text as comment lines of a readable width; blank lines separate paragraphs."""
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        lines += [*textwrap.wrap(paragraph, COMMENT_WIDTH - 2), ""]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines[:-1])


def dump(content: Mapping[str, Any]) -> str:
    """YAML text of plain data, keys in the order given.

    Raises:
        MissingYAMLError: PyYAML, which only generating needs, is not installed.
    """
    try:
        import yaml
    except ImportError as error:
        raise MissingYAMLError("generating YAML needs PyYAML: pip install pyyaml") from error

    class Dumper(yaml.SafeDumper):  # type: ignore[misc,unused-ignore]  # untyped where no stubs are installed
        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

        def ignore_aliases(self, data: object) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> Any:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    return str(yaml.dump(content, Dumper=Dumper, sort_keys=False, width=math.inf, allow_unicode=True))


def document(header: str, sections: Iterable[Section]) -> str:
    """The text of a file: header, then each section below its comment."""
    parts = [comment_lines(header)]
    parts += [
        (comment_lines(section.comment) if section.comment else "") + dump(section.content) for section in sections
    ]
    return "\n".join(parts)
