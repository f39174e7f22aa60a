"""Where a file differs from what the generators make: in terms of panels, rules and settings where it can be read."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from typing import Any

_NAMES = ("alert", "record", "title", "name", "refId")
"""What an item of a list is called by, in this order."""
_MOST = 20
_LONGEST = 160


def differences(path: str, generated: str, committed: str) -> list[str]:
    """What differs, one line each, at most 20 of them; `committed` is the text of the file.

    JSON and YAML are compared by their structure, everything else, and what differs in layout or comments only, by line.
    """
    structures = [_structure(path, text) for text in (generated, committed)]
    if None not in structures and structures[0] != structures[1]:
        lines = list(_walk("", *structures))
    else:
        lines = _by_line(generated, committed)
    more = [f"... and {len(lines) - _MOST} more"] if len(lines) > _MOST else []
    return [line if len(line) <= _LONGEST else line[:_LONGEST] + " ..." for line in lines[:_MOST]] + more


def _structure(path: str, text: str) -> Any:
    """The data of the file; None where it is neither JSON nor YAML, or cannot be read."""
    if path.endswith(".json"):
        try:
            return json.loads(text)
        except ValueError:
            return None
    if path.endswith(".yaml"):
        import yaml

        try:
            return yaml.safe_load(text)
        except yaml.YAMLError:
            return None
    return None


def _walk(where: str, generated: Any, committed: Any) -> Iterator[str]:
    if generated == committed:
        return
    if isinstance(generated, list) and isinstance(committed, list):
        generated, committed = _keyed(generated), _keyed(committed)
    if not (isinstance(generated, dict) and isinstance(committed, dict)):
        yield f"{where}: generated {_short(generated)}, found {_short(committed)}"
        return
    if list(generated) != list(committed) and set(generated) == set(committed):
        yield f"{where or 'the file'}: in another order"
    for key in dict.fromkeys([*generated, *committed]):
        inner = f"{where}.{key}" if where and not key.startswith("[") else f"{where}{key}"
        if key not in committed:
            yield f"{inner}: missing, generated {_short(generated[key])}"
        elif key not in generated:
            yield f"{inner}: not generated, found {_short(committed[key])}"
        else:
            yield from _walk(inner, generated[key], committed[key])


def _keyed(items: list[Any]) -> dict[str, Any]:
    """The items by their names; by their numbers where they have none, and where two have the same one."""
    names = [next((str(item[n]) for n in _NAMES if isinstance(item, dict) and item.get(n)), "") for item in items]
    return {
        f"[{json.dumps(name, ensure_ascii=False)}]" if name and names.count(name) == 1 else f"[{number}]": item
        for number, (name, item) in enumerate(zip(names, items, strict=True))
    }


def _short(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _by_line(generated: str, committed: str) -> list[str]:
    """A unified difference; the heading or block above each change is named."""
    before, after = generated.splitlines(), committed.splitlines()
    lines: list[str] = []
    for line in difflib.unified_diff(before, after, lineterm="", n=1):
        if line.startswith(("---", "+++")):
            continue
        if line.startswith("@@"):
            number = int(line.split("+")[1].split(" ")[0].split(",")[0])
            heading = next((one for one in reversed(after[:number]) if one.startswith("#")), "")
            lines.append(f"line {number}{', below ' + heading if heading else ''}:")
        else:
            lines.append(line)
    return lines or ["line ends or the end of the file"]
