"""What is built for which provider, and where the two sources are not to be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class ProviderPlan:
    """One provider of the table: its name here, in genai-prices and in litellm, and litellm's prefixes of model ids."""

    name: str
    genai: str | None
    litellm: tuple[str, ...]
    prefixes: tuple[str, ...] = ()
    like: tuple[str, ...] = ()
    """Providers whose prices hold for models not listed here (genai-prices' `fallback_model_providers`)."""
    flat: bool = False
    """Ids have no slash: what is left with one is litellm's own notation for a region or commitment."""
    total_window: bool = False
    """genai-prices' window counts input and output together here, so it is no maximum input."""


PLANS = (
    ProviderPlan("openai", "openai", ("openai",), ("openai/",), flat=True, total_window=True),
    ProviderPlan("azure.ai.openai", "azure", ("azure",), ("azure/",), ("openai",), flat=True, total_window=True),
    ProviderPlan("azure.ai.inference", None, ("azure_ai",), ("azure_ai/",), flat=True),
    ProviderPlan("anthropic", "anthropic", ("anthropic",), ("anthropic/",)),
    ProviderPlan("aws.bedrock", "aws", ("bedrock", "bedrock_converse"), ("bedrock/",), flat=True),
    ProviderPlan(
        "gcp.gemini",
        "google",
        ("gemini", "vertex_ai-language-models", "vertex_ai-anthropic_models"),
        ("gemini/", "vertex_ai/"),
        ("anthropic",),
        flat=True,
    ),
    ProviderPlan("mistral_ai", "mistral", ("mistral",), ("mistral/",)),
    ProviderPlan("groq", "groq", ("groq",), ("groq/",)),
    ProviderPlan("deepseek", "deepseek", ("deepseek",), ("deepseek/",)),
    ProviderPlan("x_ai", "x-ai", ("xai",), ("xai/",)),
    ProviderPlan("cohere", "cohere", ("cohere", "cohere_chat"), ("cohere/", "cohere_chat/")),
    ProviderPlan("perplexity", "perplexity", ("perplexity",), ("perplexity/",)),
    ProviderPlan("together", "together", ("together_ai",), ("together_ai/",)),
    ProviderPlan("fireworks", "fireworks", ("fireworks_ai",), ("fireworks_ai/",)),
    ProviderPlan("cerebras", "cerebras", ("cerebras",), ("cerebras/",)),
    ProviderPlan("moonshot_ai", "moonshotai", ("moonshot",), ("moonshot/",)),
)

STALE_IN_GENAI_PRICES = frozenset(
    {
        ("deepseek", "deepseek-chat"),
        ("deepseek", "deepseek-reasoner"),
        ("mistral_ai", "mistral-large-latest"),
    }
)
"""Compared with both vendors' price pages as litellm cites them: genai-prices 0.2.3 still has the prices of 2025."""


@dataclass(slots=True)
class Row:
    """One model on its way into the table; the rates' form is described in the package's docstring."""

    id: str
    names: set[str] = field(default_factory=set)
    prices: list[dict[str, Any]] = field(default_factory=list)
    tiers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    window: tuple[int | None, int | None] = (None, None)
    source: str = "genai-prices"

    def as_json(self) -> Mapping[str, Any]:
        """Without what is empty; the window is `[max input, max output]`."""
        body: dict[str, Any] = {"id": self.id}
        if names := sorted(self.names - {self.id.lower()}):
            body["names"] = names
        if self.prices:
            body["prices"] = self.prices
        if self.tiers:
            body["tiers"] = {tier: self.tiers[tier] for tier in sorted(self.tiers)}
        if any(self.window):
            body["window"] = list(self.window)
        if self.source != "genai-prices":
            body["by"] = self.source
        return body

    def same_price(self, other: Row) -> bool:
        return (self.prices, self.tiers, self.window) == (other.prices, other.tiers, other.window)


def number(value: Any) -> int | float:
    """A price in USD per million as the shortest JSON number; ten digits wash out litellm's binary artefacts."""
    rounded = float(f"{float(value):.10g}")
    return int(rounded) if rounded.is_integer() else rounded


def without_no_ops(rates: Mapping[str, Any], whole: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Drop rates equal to the rate of the whole they are part of: they are billed like that anyway."""
    return {
        key: rate for key, rate in rates.items() if not any(key == part and rate == rates.get(of) for part, of in whole)
    }
