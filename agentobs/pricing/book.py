"""Prices of model calls: usage and model in, USD or the reason why it is unknown out."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock
from typing import TypeVar

from agentobs.pricing.names import MAX_NAME_CHARS, candidates, provider_name
from agentobs.pricing.overrides import NO_OVERRIDES, Overrides, read
from agentobs.pricing.rates import Quote, Rates, quote
from agentobs.pricing.table import Model, Table, bundled_table
from agentobs.records.usage import Cost, Usage

MEMO_ENTRIES = 1_024
_NO_USAGE = Cost(None, reason="no_usage")
_BAD_USAGE = Cost(None, reason="bad_usage")
_UNSUPPORTED_USAGE = Cost(None, reason="unsupported_usage")
_UNKNOWN_MODEL = Cost(None, reason="unknown_model")
_UNKNOWN = Quote(None, reason="unknown_model")

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """Most tokens a model reads and writes in one call; `None` where the catalogue does not say."""

    max_input: int | None
    max_output: int | None


class PriceBook:
    """The bundled price table with the user's own prices, names and discounts before it.

    Nothing is read before the first question, nothing is ever downloaded. What is charged apart from tokens (web
    searches, images, pages, regional surcharges) is not in a usage record and not in the cost. Threads may share it.
    """

    def __init__(self, overrides: Overrides = NO_OVERRIDES) -> None:
        self._overrides = overrides
        self._quotes: dict[tuple[str, str | None, str | None], Quote] = {}
        self._models: dict[tuple[str, str], Model | None] = {}
        self._lock = Lock()

    @classmethod
    def bundled(cls) -> PriceBook:
        """Only the table that comes with the package."""
        return cls()

    @classmethod
    def load(cls, path: str | Path) -> PriceBook:
        """The bundled table with a file of the user's before it: `.toml`, `.yaml` or `.yml`.

        See `agentobs.pricing.overrides` for its form. Raises `PriceFileError` (a `ValueError`) naming file, line and
        field when something in it is wrong, the file cannot be read, or PyYAML is needed and missing.
        """
        return cls(read(Path(path)))

    @property
    def provider_hosts(self) -> Mapping[str, str]:
        """Host of a base URL -> provider, from the user's file."""
        return self._overrides.provider_hosts

    @property
    def as_of(self) -> str:
        """Date of the bundled prices, `YYYY-MM-DD`."""
        return str(_table().header["catalog_date"])

    def age_days(self, now_s: float | None = None) -> float:
        """Age of the bundled prices in days at a Unix time (default: now)."""
        made = datetime.combine(date.fromisoformat(self.as_of), datetime.min.time(), UTC).timestamp()
        return ((time.time() if now_s is None else now_s) - made) / 86_400

    def cost(self, provider: str, model: str | None, usage: Usage | None, *, at_s: float | None = None) -> Cost:
        """Price one call.

        `provider` is `gen_ai.provider.name`, `model` the model that answered (the response's name of it), `at_s` the
        Unix time of the call (default: now). Never raises for odd names or counts.

        An amount the provider reported wins. Cached tokens of a model without a cache rate are billed as input, as
        providers do. Audio without an audio rate, audio that was partly read from a cache, and a service tier without
        a rate are `unsupported_usage`; a missing input or output count makes the whole call `no_usage`, except for
        models that have no output price; counts that contradict each other are `bad_usage`.
        """
        if usage is None:
            return _NO_USAGE
        reported = usage.reported_cost_usd
        if reported is not None:
            return Cost(reported, "provider") if 0 <= reported < math.inf else _BAD_USAGE
        quoted = self._quotes.get((provider, model, usage.service_tier))
        if quoted is None or (
            quoted.timed and not quoted.from_s <= (time.time() if at_s is None else at_s) < quoted.until_s
        ):
            quoted = self._quote(provider, model, usage.service_tier, time.time() if at_s is None else at_s)
        input_tokens, output_tokens = usage.input_tokens, usage.output_tokens
        rates = quoted.base
        if input_tokens is None or output_tokens is None:
            if input_tokens is None or (rates is not None and rates.output is not None):
                return _NO_USAGE
            output_tokens = 0
        if rates is None:
            return _UNKNOWN_MODEL if quoted.reason == "unknown_model" else _UNSUPPORTED_USAGE
        for threshold, above in quoted.over:
            if input_tokens > threshold:
                rates = above
                break
        output_rate = rates.output
        cached, written = usage.cache_read_tokens or 0, usage.cache_write_tokens or 0
        uncached = input_tokens - cached - written
        if (
            output_rate is None
            or uncached < 0
            or output_tokens < 0
            or cached < 0
            or written < 0
            or usage.cache_write_1h_tokens
            or usage.audio_input_tokens
            or usage.audio_output_tokens
            or (usage.reasoning_tokens or 0) > output_tokens
        ):
            return _detailed(quoted, rates, usage, input_tokens, output_tokens)
        amount = uncached * rates.input + cached * rates.cache_read + written * rates.cache_write
        return Cost((amount + output_tokens * output_rate) / quoted.divisor, quoted.source)

    def windows(self, provider: str, model: str | None) -> ContextWindow | None:
        """Context window of a model; `None` when the catalogue has none."""
        known = self._model(provider, model)
        if known is None or (known.max_input is None and known.max_output is None):
            return None
        return ContextWindow(known.max_input, known.max_output)

    def canonical(self, provider: str, model: str | None) -> str | None:
        """The catalogue's id of a model: as a label it is bounded. `None` for a model nobody listed."""
        known = self._model(provider, model)
        return None if known is None else known.id

    def _quote(self, provider: str, model: str | None, tier: str | None, at_s: float) -> Quote:
        known = self._model(provider, model)
        own = known is not None and (known.provider, known.id) in self._overrides.models
        if known is None or (known.provider == "openrouter" and not own):
            result = _UNKNOWN
        else:
            result = quote(known.prices, known.tiers, tier, at_s)
            if own:
                result = replace(result, source="override")
            elif known.provider in self._overrides.discounts:
                result = replace(result, source="override", divisor=1e6 / self._overrides.discounts[known.provider])
        if len(model or "") <= MAX_NAME_CHARS and len(tier or "") <= MAX_NAME_CHARS:
            self._remember(self._quotes, (provider, model, tier), result)
        return result

    def _model(self, provider: str, model: str | None) -> Model | None:
        if model is None or len(model) > MAX_NAME_CHARS:
            return None
        key = (provider, model)
        if key in self._models:
            return self._models[key]
        known = self._search(provider_name(provider), model)
        self._remember(self._models, key, known)
        return known

    def _search(self, provider: str, model: str) -> Model | None:
        """The user's prices by exact name, then by catalogue id; an alias is followed once."""
        provider, model = self._overrides.target(provider, model)
        listed = _openrouter(model) if provider == "openrouter" else _table().find(provider, model)
        own = self._overrides.models
        names = [*candidates(provider, model), *([listed.id.lower()] if listed else [])]
        owned = next((own[provider, name] for name in names if (provider, name) in own), None)
        if owned is None or listed is None:
            return owned or listed
        return replace(
            owned,
            max_input=owned.max_input or listed.max_input,
            max_output=owned.max_output or listed.max_output,
        )

    def _remember(self, memo: dict[K, V], key: K, value: V) -> None:
        """Oldest first out: model names come from servers and must not fill the memory."""
        with self._lock:
            while len(memo) >= MEMO_ENTRIES:
                del memo[next(iter(memo))]
            memo[key] = value


def _detailed(quoted: Quote, rates: Rates, usage: Usage, input_tokens: int, output_tokens: int) -> Cost:
    """The whole formula, with audio and one-hour cache writes, and its checks."""
    cached = usage.cache_read_tokens or 0
    hour = usage.cache_write_1h_tokens or 0
    written = hour if usage.cache_write_tokens is None else usage.cache_write_tokens
    audio_in, audio_out = usage.audio_input_tokens or 0, usage.audio_output_tokens or 0
    reasoning = usage.reasoning_tokens or 0
    uncached = input_tokens - cached - written
    counts = (input_tokens, output_tokens, cached, written, hour, audio_in, audio_out, reasoning)
    if (
        min(counts) < 0
        or uncached < 0
        or hour > written
        or audio_in > input_tokens
        or max(audio_out, reasoning) > output_tokens
    ):
        return _BAD_USAGE
    if (
        (output_tokens and rates.output is None)
        or (audio_in and rates.audio_input is None)
        or (audio_out and rates.audio_output is None)
        or audio_in > uncached
    ):
        return _UNSUPPORTED_USAGE
    amount = (
        (uncached - audio_in) * rates.input
        + cached * rates.cache_read
        + (written - hour) * rates.cache_write
        + hour * rates.cache_write_1h
        + audio_in * (rates.audio_input or 0.0)
        + (output_tokens - audio_out) * (rates.output or 0.0)
        + audio_out * (rates.audio_output or 0.0)
    )
    return Cost(amount / quoted.divisor, quoted.source)


def _openrouter(model: str) -> Model | None:
    """OpenRouter reports what a call cost; the vendor's list serves for names and windows, not for prices."""
    vendor, _, name = model.partition("/")
    known = _table().find(provider_name(vendor), name) if name else None
    return None if known is None else replace(known, provider="openrouter", prices=(), tiers={})


def _table() -> Table:
    return bundled_table()
