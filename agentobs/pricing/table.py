"""The bundled price table: one line of JSON per provider, parsed when that provider is first asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from agentobs.pricing.names import candidates

TABLE = "table.jsonl"


@dataclass(frozen=True, slots=True)
class Model:
    """One line of the price list. `prices` and `tiers` are in the table's own form, see `agentobs.pricing.build`."""

    provider: str
    id: str
    prices: Sequence[Mapping[str, Any]] = ()
    tiers: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    max_input: int | None = None
    max_output: int | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider's models by every name, and whose price list holds for what is not among them."""

    models: Mapping[str, Model]
    like: Sequence[str] = ()


class Table:
    """The bundled table. Reading it takes a file of 200 kB; a provider is parsed once, when asked for."""

    def __init__(self, text: str) -> None:
        head, *lines = text.splitlines()
        self.header: Mapping[str, Any] = json.loads(head)
        self._lines = {line[2 : line.index('"', 2)]: line for line in lines}
        self._providers: dict[str, Provider] = {}

    @property
    def providers(self) -> frozenset[str]:
        return frozenset(self._lines)

    def provider(self, name: str) -> Provider | None:
        known = self._providers.get(name)
        if known is None and name in self._lines:
            known = self._providers[name] = _parse(self._lines[name])
        return known

    def find(self, provider: str, model: str) -> Model | None:
        """The model behind a name, or `None`. `provider` is the table's name of it."""
        listed = self.provider(provider)
        if listed is None:
            return None
        if match := _first(listed, candidates(provider, model)):
            return match
        for other in listed.like:
            cousin = self.provider(other)
            if cousin and (match := _first(cousin, candidates(other, model))):
                return Model(provider, match.id, match.prices, {}, match.max_input, match.max_output)
        return None

    def any_provider_lists(self, model: str) -> bool:
        return any(self.find(provider, model) for provider in self._lines)


@cache
def bundled_table() -> Table:
    return Table(Path(__file__).with_name(TABLE).read_text("utf-8"))


def _first(provider: Provider, names: Iterator[str]) -> Model | None:
    return next((provider.models[name] for name in names if name in provider.models), None)


def _parse(line: str) -> Provider:
    name, body = json.loads(line)
    models: dict[str, Model] = {}
    for row in body["models"]:
        max_input, max_output = row.get("window", (None, None))
        model = Model(name, row["id"], row.get("prices", ()), row.get("tiers", {}), max_input, max_output)
        for alias in (row["id"].lower(), *row.get("names", ())):
            models[alias] = model
    return Provider(models, body.get("like", ()))
