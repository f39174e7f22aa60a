"""The user's price file.

    [prices."openai/my-model"]              # provider/model; replaces the bundled price as a whole
    input = 1.5                             # USD per million tokens; all other rates may be left out
    output = 6
    cache_read = 0.15                       # left out: cached tokens are billed as input
    max_input = 128000                      # tokens, for the context window
    tiers.batch = { input = 0.75, output = 3 }

    [aliases]                               # what a response calls it = what the catalogue calls it
    "azure.ai.openai/prod-deployment" = "gpt-4.1"

    [discounts]                             # factor on the bundled prices of a provider, not on those above
    "anthropic" = 0.85

    [providers]                             # host of a base URL = provider
    "llm.example.internal" = "openai"

YAML has the same form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentobs.pricing.documents import Document, PriceFileError, load
from agentobs.pricing.names import provider_name
from agentobs.pricing.table import Model, bundled_table

RATES = {
    "input": "in",
    "output": "out",
    "cache_read": "cr",
    "cache_write": "cw",
    "cache_write_1h": "cw1h",
    "audio_input": "ai",
    "audio_output": "ao",
}
_WINDOW = ("max_input", "max_output")
_MODEL_FIELDS = (*RATES, *_WINDOW, "tiers")
_MAX_FACTOR = 10


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the user's file says, by the table's provider names and lower-case model names."""

    models: Mapping[tuple[str, str], Model] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    discounts: Mapping[str, float] = field(default_factory=dict)
    provider_hosts: Mapping[str, str] = field(default_factory=dict)

    def target(self, provider: str, model: str) -> tuple[str, str]:
        """Provider and model an alias stands for, or the given ones. `provider/model` goes before `model`."""
        if not self.aliases:
            return provider, model
        name = model.strip().lower()
        alias = self.aliases.get(f"{provider}/{name}") or self.aliases.get(name)
        if alias is None:
            return provider, model
        head, slash, rest = alias.partition("/")
        named = provider_name(head)
        known = slash and (named in bundled_table().providers or any(owner == named for owner, _ in self.models))
        return (named, rest) if known else (provider, alias)


NO_OVERRIDES = Overrides()


def read(path: Path) -> Overrides:
    """Read and check a price file. Raises `PriceFileError` at the first thing that is wrong."""
    document = load(path)
    sections: dict[str, Callable[[Document, Mapping[str, Any]], Any]] = {
        "prices": _prices,
        "aliases": _aliases,
        "discounts": _discounts,
        "providers": _providers,
    }
    document.check_fields((), document.data, sections)
    read_sections = {
        name: reader(document, document.mapping((name,), document.data.get(name) or {}))
        for name, reader in sections.items()
    }
    result = Overrides(
        read_sections["prices"], read_sections["aliases"], read_sections["discounts"], read_sections["providers"]
    )
    _check_aliases(document, result)
    return result


def _prices(document: Document, section: Mapping[str, Any]) -> dict[tuple[str, str], Model]:
    models: dict[tuple[str, str], Model] = {}
    for key, body in section.items():
        where = ("prices", key)
        provider, slash, name = key.partition("/")
        if not (provider and slash and name):
            raise document.error(where, 'the name must be "provider/model", such as "openai/gpt-4.1"')
        fields = document.mapping(where, body)
        document.check_fields(where, fields, _MODEL_FIELDS)
        max_input, max_output = (_tokens(document, (*where, limit), fields.get(limit)) for limit in _WINDOW)
        tiers = document.mapping((*where, "tiers"), fields.get("tiers") or {})
        owner = provider_name(provider)
        models[owner, name.lower()] = Model(
            owner,
            name.lower(),
            [_rates(document, where, {rate: fields[rate] for rate in RATES if rate in fields})],
            {tier: [_rates(document, (*where, "tiers", tier), rates)] for tier, rates in tiers.items()},
            max_input,
            max_output,
        )
    return models


def _rates(document: Document, where: tuple[str, ...], value: Any) -> dict[str, float]:
    fields = document.mapping(where, value)
    document.check_fields(where, fields, RATES)
    if "input" not in fields:
        raise document.error(where, "input is missing; it is the price of a million input tokens in USD")
    return {RATES[name]: _price(document, (*where, name), rate) for name, rate in fields.items()}


def _price(document: Document, where: tuple[str, ...], value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise document.error(where, f"{value!r} is not a price; allowed: a number of USD per million tokens, 0 or more")
    return float(value)


def _tokens(document: Document, where: tuple[str, ...], value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise document.error(where, f"{value!r} is not a number of tokens; allowed: a whole number, 1 or more")
    return value


def _aliases(document: Document, section: Mapping[str, Any]) -> dict[str, str]:
    return {_alias_key(name): _text(document, ("aliases", name), model).lower() for name, model in section.items()}


def _alias_key(name: str) -> str:
    """`azure/prod` and `azure.ai.openai/prod` are one name."""
    provider, slash, model = name.lower().partition("/")
    return f"{provider_name(provider)}/{model}" if slash else provider


def _check_aliases(document: Document, overrides: Overrides) -> None:
    """An alias for a model without a price would leave calls unpriced that the user meant to price."""
    table = bundled_table()
    for key, alias in overrides.aliases.items():
        provider, slash, name = alias.partition("/")
        owner = provider_name(provider)
        own = any(alias in (model, f"{by}/{model}") or (owner, name) == (by, model) for by, model in overrides.models)
        listed = table.any_provider_lists(alias) or (slash and table.find(owner, name))
        if not own and not listed:
            where = next(name for name in document.data["aliases"] if _alias_key(name) == key)
            raise document.error(
                ("aliases", where), f"{alias!r} has no price; allowed: a model of the table or one under [prices]"
            )


def _discounts(document: Document, section: Mapping[str, Any]) -> dict[str, float]:
    factors: dict[str, float] = {}
    for provider, value in section.items():
        where = ("discounts", provider)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _MAX_FACTOR:
            raise document.error(
                where,
                f"{value!r} is not a factor; allowed: a number above 0 and up to {_MAX_FACTOR}, 0.85 for 15 % off",
            )
        if provider_name(provider) not in bundled_table().providers:
            raise document.error(where, f"unknown provider; allowed: {', '.join(sorted(bundled_table().providers))}")
        factors[provider_name(provider)] = float(value)
    return factors


def _providers(document: Document, section: Mapping[str, Any]) -> dict[str, str]:
    hosts: dict[str, str] = {}
    for host, provider in section.items():
        if "/" in host or not host:
            raise document.error(("providers", host), "not a host; allowed: a host name without scheme and path")
        hosts[host.lower()] = _text(document, ("providers", host), provider)
    return hosts


def _text(document: Document, where: tuple[str, ...], value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise document.error(where, f"{value!r} is not a name; allowed: a text that is not empty")
    return value.strip()


__all__ = ["NO_OVERRIDES", "Overrides", "PriceFileError", "read"]
