"""TOML and YAML files whose fields know their line, so that an error can name it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SUFFIXES = (".toml", ".yaml", ".yml")
Where = tuple[str, ...]


class PriceFileError(ValueError):
    """A price file is wrong. The message names the file, the line, the field and what is allowed."""


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file: its data, and the line on which each field starts."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[Where, int]

    def error(self, where: Where, message: str) -> PriceFileError:
        """An error at a field; a field inside a value of several lines has the line of the nearest field around it."""
        known = next((where[:end] for end in range(len(where), 0, -1) if where[:end] in self.lines), ())
        line = self.lines.get(known, 1)
        return PriceFileError(f"{self.path}, line {line}: {_dotted(where)}: {message}")

    def mapping(self, where: Where, value: Any) -> Mapping[str, Any]:
        """The value, which must be a table with text keys."""
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            raise self.error(where, f"{value!r} is not a table of names and values")
        return value

    def check_fields(self, where: Where, fields: Iterable[str], allowed: Iterable[str]) -> None:
        """Raise for the first field that is not allowed."""
        allowed = tuple(allowed)
        for name in fields:
            if name not in allowed:
                raise self.error((*where, name), f"unknown field; allowed: {', '.join(allowed)}")


def load(path: Path) -> Document:
    """Read a `.toml`, `.yaml` or `.yml` file. Raises `PriceFileError`."""
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise PriceFileError(f"{path}: unknown kind of file {suffix!r}; allowed: {', '.join(_SUFFIXES)}")
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise PriceFileError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise PriceFileError(f"{path}, line {line}: not UTF-8 text") from error
    data, lines = _toml(path, text) if suffix == ".toml" else _yaml(path, text)
    if not isinstance(data, dict):
        raise PriceFileError(f"{path}, line 1: the file must be a table of names and values")
    document = Document(path, data, lines)
    document.mapping((), data)
    return document


def _dotted(where: Where) -> str:
    """`prices."openai/gpt-4.1".input`, as one would write it in TOML."""
    return ".".join(name if name.replace("_", "").replace("-", "").isalnum() else f'"{name}"' for name in where)


def _toml(path: Path, text: str) -> tuple[Any, dict[Where, int]]:
    import tomllib

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PriceFileError(f"{path}: {error}") from error
    return data, _toml_lines(text)


def _toml_lines(text: str) -> dict[Where, int]:
    """Lines of headers and keys. tomllib keeps none, so each line is parsed alone; continued values find nothing."""
    lines: dict[Where, int] = {}
    table: Where = ()
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if stripped.startswith("["):
            table = _only_path(stripped) or table
            path = table
        else:
            key = _key_of(stripped)
            path = (*table, *key) if key else ()
        for end in range(1, len(path) + 1):
            lines.setdefault(path[:end], number)
    return lines


def _key_of(line: str) -> Where:
    """The dotted key before the first `=` that leaves a valid key; quoted keys may hold one themselves."""
    end = line.find("=")
    while end > 0:
        if path := _only_path(f"{line[:end]} = 0"):
            return path
        end = line.find("=", end + 1)
    return ()


def _only_path(snippet: str) -> Where:
    """Path to the only value of a piece of TOML, or nothing when it is no TOML by itself."""
    import tomllib

    try:
        value: Any = tomllib.loads(snippet)
    except tomllib.TOMLDecodeError:
        return ()
    path: Where = ()
    while isinstance(value, dict) and len(value) == 1:
        key, value = next(iter(value.items()))
        path = (*path, key)
    return path


def _yaml(path: Path, text: str) -> tuple[Any, dict[Where, int]]:
    try:
        import yaml
    except ImportError as error:
        raise PriceFileError(
            f"{path}: a YAML file needs PyYAML: pip install pyyaml, or write the file as TOML"
        ) from error
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "not YAML"
        line = f", line {mark.line + 1}" if mark is not None else ""
        raise PriceFileError(f"{path}{line}: {problem}") from error
    except RecursionError as error:
        raise PriceFileError(f"{path}: nested too deeply") from error
    lines: dict[Where, int] = {}
    _note_lines(root, (), lines)
    return {} if data is None else data, lines


def _note_lines(node: Any, where: Where, lines: dict[Where, int]) -> None:
    if getattr(node, "id", None) != "mapping":
        return
    for key, value in node.value:
        path = (*where, str(key.value))
        if path not in lines:
            lines[path] = key.start_mark.line + 1
            _note_lines(value, path, lines)
