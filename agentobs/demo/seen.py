"""What agentobs emitted about the demo's calls: the series of `/metrics`, and the spans call by call."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from prometheus_client import CollectorRegistry
from prometheus_client.samples import Sample

from ..catalogue import Attribute, Metric, genai, own
from .ledger import Totals
from .tariff import Tokens

Group = tuple[str, str, str]
_USD = Decimal("0.000000001")
_OPERATIONS = ("chat", "embeddings")
_INPUT_KINDS = ("input_uncached", "cache_read", "cache_write")


def usd(amount: float) -> Decimal:
    """A sum of binary fractions as the decimal amount it stands for, to a billionth of a dollar.

    All list prices times whole tokens lie on that grid, so nothing is lost but the noise of the representation.
    """
    return Decimal(amount).quantize(_USD)


@dataclass(frozen=True, slots=True)
class SeenCall:
    """One model call as its span tells it."""

    conversation_id: str
    started_ns: int
    duration_s: float
    provider: str
    model: str
    operation: str
    streamed: bool
    outcome: str
    retries: int
    tokens: Tokens
    cost_usd: Decimal | None


class Calls(SpanProcessor):
    """Keeps the spans of model calls as they end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[SeenCall] = []

    def on_end(self, span: ReadableSpan) -> None:
        attributes: Mapping[str, Any] = span.attributes or {}
        if attributes.get(genai.OPERATION.name) in _OPERATIONS:
            with self._lock:
                self._calls.append(_seen_call(span, attributes))

    def all(self) -> list[SeenCall]:
        """The calls that have ended so far, in the order in which they were started."""
        with self._lock:
            return sorted(self._calls, key=lambda call: call.started_ns)


def _seen_call(span: ReadableSpan, attributes: Mapping[str, Any]) -> SeenCall:
    started_ns, ended_ns = span.start_time or 0, span.end_time or 0
    cost = attributes.get(own.COST_USD.name)
    return SeenCall(
        conversation_id=attributes.get(genai.CONVERSATION_ID.name, ""),
        started_ns=started_ns,
        duration_s=(ended_ns - started_ns) / 1e9,
        provider=attributes.get(genai.PROVIDER.name, ""),
        model=attributes.get(genai.REQUEST_MODEL.name, ""),
        operation=attributes[genai.OPERATION.name],
        streamed=bool(attributes.get(genai.STREAM.name)),
        outcome=attributes.get(own.OUTCOME.name, ""),
        retries=attributes.get(own.RETRIES.name, 0),
        tokens=Tokens(
            attributes.get(genai.INPUT_TOKENS.name),
            attributes.get(genai.OUTPUT_TOKENS.name),
            attributes.get(genai.CACHE_READ_TOKENS.name),
            attributes.get(genai.CACHE_WRITE_TOKENS.name, attributes.get(genai.CACHE_CREATION_TOKENS.name)),
            attributes.get(genai.REASONING_TOKENS.name),
        ),
        cost_usd=None if cost is None else usd(cost),
    )


class Metrics:
    """One reading of a registry, by the catalogue's metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._samples: dict[str, list[Sample]] = defaultdict(list)
        for family in registry.collect():
            for sample in family.samples:
                self._samples[sample.name].append(sample)

    def sum(self, metric: Metric, *by: Attribute, suffix: str = "", **only: str) -> Counter[tuple[str, ...]]:
        """Sums of a metric's series by the values of some labels; `only` keeps the series with these labels."""
        sums: Counter[tuple[str, ...]] = Counter()
        for sample in self._samples[metric.prom + suffix]:
            if all(sample.labels.get(label) == value for label, value in only.items()):
                sums[tuple(sample.labels.get(label.label, "") for label in by)] += sample.value  # type: ignore[assignment]
        return sums

    def total(self, metric: Metric, suffix: str = "") -> int:
        """The sum of all series of a counter, or of the counts of a histogram."""
        return int(self.sum(metric, suffix=suffix)[()])


def totals(metrics: Metrics, calls: Iterable[SeenCall]) -> dict[Group, Totals]:
    """What `/metrics` says, by provider, requested model and operation.

    Reasoning tokens are summed from the spans: only the newest names have a metric of them.
    """
    by = (genai.PROVIDER, genai.REQUEST_MODEL, genai.OPERATION)
    outcomes = metrics.sum(own.CALLS, *by, own.OUTCOME)
    streams = metrics.sum(own.CALLS, *by, own.STREAMED)
    retries = metrics.sum(own.CALL_RETRIES, *by, own.RETRY_STATUS)
    tokens = metrics.sum(own.TOKENS, *by, own.TOKEN_KIND)
    costs = metrics.sum(own.COST, *by)
    unpriced = metrics.sum(own.UNPRICED, *by[:2])
    reasoning: Counter[Group] = Counter()
    for call in calls:
        reasoning[call.provider, call.model, call.operation] += call.tokens.reasoning or 0
    groups = {(key[0], key[1], key[2]) for key in outcomes}
    return {
        group: Totals(
            calls=int(sum(count for key, count in outcomes.items() if key[:3] == group)),
            errors=int(outcomes[*group, "error"]),
            abandoned=int(outcomes[*group, "abandoned"]),
            streams=int(streams[*group, "true"]),
            retries=int(sum(count for key, count in retries.items() if key[:3] == group)),
            unpriced=int(unpriced[group[:2]]),
            input_tokens=int(sum(tokens[*group, kind] for kind in _INPUT_KINDS)),
            output_tokens=int(tokens[*group, "output"]),
            cache_read_tokens=int(tokens[*group, "cache_read"]),
            cache_write_tokens=int(tokens[*group, "cache_write"]),
            reasoning_tokens=reasoning[group],
            cost_usd=usd(costs[group]),
            retries_by_status={key[3]: int(count) for key, count in sorted(retries.items()) if key[:3] == group},
        )
        for group in sorted(groups)
    }


def add(several: Iterable[Totals]) -> Totals:
    """The sum of several totals."""
    whole = Totals()
    for part in several:
        causes = Counter(whole.retries_by_status) + Counter(part.retries_by_status)
        names = [name for name in Totals.__slots__ if name != "retries_by_status"]
        sums = {name: getattr(whole, name) + getattr(part, name) for name in names}
        whole = replace(whole, **sums, retries_by_status=dict(sorted(causes.items())))
    return whole
