"""The live table of the demo: what agentobs has seen so far, read from the same metrics that Prometheus scrapes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..catalogue import genai, own
from .ledger import Totals
from .seen import Calls, Metrics, SeenCall, add, totals

_STATE_STYLE = {"closed": "green", "half_open": "yellow", "open": "bold red"}


def percentile(values: list[float], share: float) -> float | None:
    """The value that `share` of the values do not exceed, `None` where there are none."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def draw(registry: CollectorRegistry, calls: Calls, *, title: str) -> Group:
    """The table as it is now, for a terminal of 80 columns or more."""
    metrics, spans = Metrics(registry), calls.all()
    return Group(Text(title, style="bold"), _models(metrics, spans), _agents(metrics))


def _models(metrics: Metrics, spans: list[SeenCall]) -> Table:
    """Calls, errors, hidden retries, tokens, cost and latency by model."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column("model", no_wrap=True)
    for heading in ("calls", "err", "retry", "tok in", "tok out", "USD", "p50/95 ms"):
        table.add_column(heading, justify="right", no_wrap=True)
    durations: dict[str, list[float]] = defaultdict(list)
    for span in spans:
        durations[span.model].append(span.duration_s)
    seen = totals(metrics, spans)
    for (_, model, _), part in seen.items():
        table.add_row(model, *_figures(part, durations[model]))
    table.add_section()
    table.add_row("all", *_figures(add(seen.values()), [span.duration_s for span in spans]), style="bold")
    return table


def _figures(part: Totals, durations_s: list[float]) -> Iterator[str | Text]:
    yield str(part.calls)
    yield Text(str(part.errors), style="red" if part.errors else "")
    yield Text(str(part.retries), style="yellow" if part.retries else "")
    yield _short(part.input_tokens)
    yield _short(part.output_tokens)
    yield f"{part.cost_usd:.4f}" if part.cost_usd or not part.unpriced else "?"
    yield "/".join("" if (p := percentile(durations_s, share)) is None else f"{p * 1000:.0f}" for share in (0.5, 0.95))


def _short(count: int) -> str:
    """A count in at most seven characters, so that a long run fits the terminal too; the end of the demo is exact."""
    for unit, size in (("", 1), ("k", 1_000), ("M", 1_000_000)):
        if count < 100_000 * size:
            return f"{count / size:,.0f}{unit}"
    return f"{count:.1e}"


def _agents(metrics: Metrics) -> Table:
    """What the agents did, what their users got, and how those rated it."""
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    cached = metrics.sum(own.TOKENS, **{own.TOKEN_KIND.label: "cache_read"})
    rows = {
        "retries by status": metrics.sum(own.CALL_RETRIES, own.RETRY_STATUS),
        "errors by class": metrics.sum(own.CALLS, own.ERROR_CLASS),
        "tokens from cache": cached,
        "calls without price": metrics.sum(own.UNPRICED, own.UNPRICED_REASON),
        "runs by level": metrics.sum(own.RUNS, own.DEGRADATION),
        "users told": metrics.sum(own.RUNS, own.NOTICE),
        "decisions": metrics.sum(own.DECISIONS, own.DECISION_KIND, own.DECISION_OUTCOME),
        "fallbacks": metrics.sum(own.FALLBACKS, own.FALLBACK_REASON),
        "feedback": metrics.sum(own.FEEDBACK, genai.SCORE_LABEL),
    }
    for name, counts in rows.items():
        texts = (
            f"{' '.join(key).replace('_', ' ')} {count:,.0f}".strip()
            for key, count in sorted(counts.items())
            if any(key) or not key
        )
        table.add_row(name, ", ".join(texts))
    table.add_row("breakers", _breakers(metrics))
    return table


def _breakers(metrics: Metrics) -> Text:
    states = metrics.sum(own.BREAKER_STATES, own.BREAKER_NAME, own.BREAKER_STATE)
    calls = metrics.sum(own.BREAKER_CALLS, own.BREAKER_NAME, own.BREAKER_OUTCOME)
    text = Text()
    for (name, state), on in sorted(states.items()):
        if on:
            text.append(f"{', ' if text else ''}{name} ")
            text.append(state.replace("_", " "), style=_STATE_STYLE.get(state, ""))
            rejected = calls[name, "rejected"]
            text.append(f" ({rejected:.0f} rejected)" if rejected else "", style="dim")
    return text
