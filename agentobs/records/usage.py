"""What a model call consumed, and what that cost."""

from __future__ import annotations

from dataclasses import dataclass

from ..catalogue.values import CostSource, UnpricedReason


@dataclass(slots=True)
class Usage:
    """Tokens of one model call, normalised to the GenAI semantic conventions.

    `input_tokens` includes tokens read from and written to a cache; `output_tokens` includes reasoning. The others are
    subsets of these two. All counts are tokens; `None` means the provider did not report the count.
    Source of the rule: OpenTelemetry GenAI conventions, inference span, `gen_ai.usage.*`.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    """Part of `cache_write_tokens` kept for an hour (Anthropic `ephemeral_1h_input_tokens`)."""
    reasoning_tokens: int | None = None
    audio_input_tokens: int | None = None
    audio_output_tokens: int | None = None
    service_tier: str | None = None
    """The tier that served the call as the provider names it (`priority`, `flex`, `batch`), not the one asked for."""
    reported_cost_usd: float | None = None
    """What the provider itself says the call cost in USD (OpenRouter, xAI); it wins over any price table."""
    others: tuple[tuple[str | None, Usage], ...] = ()
    """What other models consumed inside the call, by model (Anthropic's advisor); in none of the counts above."""

    def add(self, other: Usage) -> None:
        """Add the counts of more that was consumed at the same rates; a count that both lack stays unknown."""
        for name in _COUNTS:
            more = getattr(other, name)
            if more is not None:
                setattr(self, name, (getattr(self, name) or 0) + more)


_COUNTS = tuple(name for name in Usage.__dataclass_fields__ if name.endswith("_tokens"))


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of one call.

    `amount_usd` is `None` when it cannot be known, and `reason` then says why: `unknown_model`, `no_usage`,
    `bad_usage` (counts that contradict each other) or `unsupported_usage` (a quantity the table has no rate for).
    `source` is `provider` (the response said it), `override` (the user's file) or `local` (the bundled table).
    """

    amount_usd: float | None
    source: CostSource | None = None
    reason: UnpricedReason | None = None

    def plus(self, other: Cost) -> Cost:
        """Both together: unknown where one of them is."""
        if self.amount_usd is None or other.amount_usd is None:
            return self if self.amount_usd is None else other
        return Cost(self.amount_usd + other.amount_usd, self.source)
