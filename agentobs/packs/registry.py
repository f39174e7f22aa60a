"""The names of agentobs as a registry for weaver, so that a validator of telemetry knows them.

It depends on the registry of the GenAI conventions, takes over its signals, and adds what is named `agentobs.`.
Source of the form: weaver's definition schema, version 2. Weaver is alpha there; 0.25 is what the form was written for.
"""

from __future__ import annotations

from typing import Any

from .. import catalogue
from ..catalogue import Attribute, declared
from .yamlfile import Section, document

_OWN = "agentobs."
_CONVENTIONS = "https://github.com/open-telemetry/semantic-conventions-genai.git[model]"
_HEADER = (
    "Names of agentobs for weaver: `weaver registry live-check --registry` this folder. Made by `agentobs generate`."
)
_TYPES = {"json": "string"}


def files() -> dict[str, str]:
    """The registry's files by name: its manifest, and the definitions."""
    return {
        "manifest.yaml": document(_HEADER, [Section("", _manifest())]),
        "agentobs.yaml": document(_HEADER, [Section("", _definitions())]),
    }


def _manifest() -> dict[str, Any]:
    return {
        "name": "agentobs",
        "description": "What agentobs emits besides the GenAI conventions.",
        "schema_url": "https://agentobs.invalid/schemas/0.1.0",
        "stability": "development",
        "dependencies": [{"name": "semantic-conventions-genai", "registry_path": _CONVENTIONS}],
    }


def _definitions() -> dict[str, Any]:
    return {
        "file_format": "definition/2",
        "imports": {signal: ["*"] for signal in ("attribute_groups", "events", "metrics", "spans")},
        "attributes": [_attribute(row) for row in catalogue.ATTRIBUTES if row.name.startswith(_OWN)],
        "metrics": [
            {
                "name": row.name,
                "instrument": row.kind.value,
                "unit": row.unit,
                "brief": row.description,
                "stability": "development",
                **_references(row.labels),
            }
            for row in catalogue.METRICS
            if row.name.startswith(_OWN)
        ],
        "spans": [
            {
                "type": f"{_OWN}{row.name.partition(' ')[0]}",
                "kind": row.kind,
                "name": {"note": row.name},
                "brief": row.description,
                "stability": "development",
                **_references(declared(row)),
            }
            for name, row in vars(catalogue.own).items()
            if isinstance(row, catalogue.Span) and not name.startswith("_")
        ],
        "events": [
            {
                "name": row.name,
                "brief": row.description,
                "stability": "development",
                **_references(declared(row)),
            }
            for row in catalogue.EVENTS
            if row.name.startswith(_OWN)
        ],
    }


def _attribute(row: Attribute) -> dict[str, Any]:
    kind: Any = _TYPES.get(row.type, row.type)
    if row.values:
        kind = {
            "members": [
                {"id": value.replace("-", "_").replace(".", "_"), "value": value, "stability": row.stability}
                for value in row.values
            ]
        }
    return {"key": row.name, "type": kind, "brief": row.description, "stability": row.stability}


def _references(attributes: tuple[Attribute, ...]) -> dict[str, Any]:
    names = dict.fromkeys(row.name for row in attributes)
    return {"attributes": [{"ref": name, "requirement_level": "recommended"} for name in names]} if names else {}
