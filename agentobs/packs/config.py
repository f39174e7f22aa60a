"""What a user may change in the packs: one frozen object, read from one TOML file.

Each threshold is one constant here, drawn by the panel and compared by the alert that watch the same figure.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from agentobs.catalogue import Conventions, Metric, genai

from .names import NAMINGS, Matcher, Naming, TargetLabel, equals, none_of

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.]*")


class ConfigError(ValueError):
    """A pack option that cannot be used; the text names the file, the field, the value and what is allowed."""


def _number(default: float, doc: str, low: float, high: float) -> Any:
    return field(default=default, metadata={"doc": doc, "low": low, "high": high})


def _url(default: str, doc: str) -> Any:
    return field(default=default, metadata={"doc": doc, "url": True})


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """Service level objectives of agent runs and model calls, over 30 days."""

    availability: float = _number(0.99, "Share of model calls that must not end in an error.", 0.5, 0.99999)
    latency: float = _number(0.95, "Share of model calls that must end within `latency_s`.", 0.5, 0.99999)
    latency_s: float = field(
        default=10.24,
        metadata={"doc": "Time in seconds within which a call is quick enough.", "choices": genai.CALL_SECONDS},
    )
    runs: float = _number(0.99, "Share of agent runs that must serve the user.", 0.5, 0.99999)
    minimum_bad: float = _number(
        5, "Calls or runs in the long window that failed, or were slow, below which no objective is judged.", 1, 1e9
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """Limits of single figures. Shares are from 0 to 1 of the whole in the alert's window."""

    minimum_calls: float = _number(
        20, "Calls, runs or ratings in the window below which shares are not judged.", 1, 1e9
    )
    minimum_failures: float = _number(5, "Failures in the window below which their share is not judged.", 1, 1e9)
    tool_error_share: float = _number(0.2, "Calls of one tool that fail.", 0.001, 1)
    calls_growth: float = _number(3, "Model calls of a run, as a multiple of those of the day before.", 1.1, 100)
    hanging_calls: float = _number(
        5, "Calls under way for half an hour, beyond twice those that can be told from the calls that end.", 1, 1e6
    )
    rejected_outage: float = _number(
        0.5, "Guarded calls that a breaker rejects, from which on it is an outage.", 0.01, 1
    )
    error_share: float = _number(0.1, "Model calls of one provider that end in an error.", 0.001, 1)
    breaker_open_minutes: float = _number(5, "Minutes that a breaker may stay open.", 1, 1440)
    breaker_openings_per_hour: float = _number(4, "Openings of one breaker in an hour.", 1, 1000)
    rejected_share: float = _number(0.05, "Guarded calls that a breaker rejects.", 0.001, 1)
    fallback_share: float = _number(0.2, "Runs of an agent that are not served in full.", 0.001, 1)
    missing_notice_share: float = _number(0.05, "Degraded runs whose user was not told.", 0.001, 1)
    budget_usd_month: float = _number(0, "Budget in USD for 30 days; 0 is none, and no alert.", 0, 1e9)
    cost_growth: float = _number(2, "Cost of an hour, as a multiple of the same hour a week ago.", 1.1, 100)
    cost_minimum_usd_hour: float = _number(1, "USD an hour below which growth of cost is not judged.", 0, 1e6)
    tokens_growth: float = _number(2, "Tokens of a call, as a multiple of those a day ago.", 1.1, 100)
    latency_growth: float = _number(2, "95th percentile of a call, as a multiple of that a day ago.", 1.1, 100)
    retries_per_call: float = _number(0.5, "Hidden retries for each model call.", 0.01, 100)
    feedback_drop: float = _number(0.15, "Fall of the mean score (0 to 1) below its mean a week ago.", 0.01, 1)
    dropped_items: float = _number(10, "Items that agentobs drops for one reason in 15 minutes.", 1, 1e9)
    unpriced_share: float = _number(0.05, "Successful model calls whose cost is unknown.", 0.001, 1)
    escalated_share: float = _number(0.3, "Decisions that are escalated to a person.", 0.001, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackConfig:
    """Everything that changes the generated files.

    Raises ConfigError where a value is not allowed.
    """

    conventions: Conventions = field(
        default="latest",
        metadata={
            "doc": "Generation of the GenAI names, as in `instrument(conventions=...)`.",
            "allowed": get_args(Conventions),
        },
    )
    naming: Naming = field(
        default="default", metadata={"doc": "How OpenTelemetry names reach Prometheus.", "allowed": NAMINGS}
    )
    service_label: str = field(
        default="job", metadata={"doc": "Label that tells services apart.", "pattern": "a Prometheus label name"}
    )
    dashboard_url: str = _url("", "Address of Grafana, for links from alerts to dashboards.")
    runbook_url: str = _url(
        "https://github.com/agentobs/agentobs/blob/main/alerts/RUNBOOK.md", "Address of the runbook."
    )
    slo: Slo = field(default_factory=Slo)
    thresholds: Thresholds = field(default_factory=Thresholds)

    def __post_init__(self) -> None:
        for row in fields(self):
            value = getattr(self, row.name)
            if isinstance(value, Slo | Thresholds):
                for inner in fields(value):
                    _check("", f"{row.name}.{inner.name}", getattr(value, inner.name), inner)
            else:
                _check("", row.name, value, row)

    @property
    def service(self) -> TargetLabel:
        """The label that tells services apart, for `by (...)` and matchers."""
        return TargetLabel(self.service_label)

    @property
    def call_duration(self) -> Metric:
        """The histogram of model calls: seconds, retries included. Read it with `inference`."""
        return genai.OPERATION_DURATION if self.conventions == "compat" else genai.INFERENCE_DURATION

    @property
    def first_chunk(self) -> Metric:
        """The histogram of the seconds to a stream's first chunk."""
        return genai.OPERATION_FIRST_CHUNK if self.conventions == "compat" else genai.INFERENCE_FIRST_CHUNK

    @property
    def per_chunk(self) -> Metric:
        """The histogram of the mean seconds between a stream's chunks."""
        return genai.OPERATION_PER_CHUNK if self.conventions == "compat" else genai.INFERENCE_PER_CHUNK

    @property
    def inference(self) -> tuple[Matcher, ...]:
        """What keeps `call_duration` to model calls: the older name counts other operations too."""
        if self.conventions == "compat":
            return (none_of(genai.OPERATION, "embeddings", "fetch_response", "invoke_agent", "execute_tool"),)
        return ()

    @property
    def served(self) -> tuple[Matcher, ...]:
        """What keeps `call_duration` to model calls that ended well: how long a failure took is no latency."""
        return (*self.inference, equals(genai.ERROR_TYPE, ""))


def load(path: str | Path) -> PackConfig:
    """Read a TOML file: top-level fields of PackConfig, tables `[slo]` and `[thresholds]`; what is absent is default.

    Raises ConfigError, which names the file and the field, and OSError where the file cannot be read.
    """
    try:
        raw = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
    where = f"{path}: "
    values: dict[str, Any] = {}
    known = _allowed_fields(PackConfig)
    for name, value in raw.items():
        row = _row(where, name, known)
        if name in _TABLES:
            values[name] = _table(where, name, value)
        else:
            values[name] = _check(where, name, value, row)
    return PackConfig(**values)


_TABLES: dict[str, type[Slo] | type[Thresholds]] = {"slo": Slo, "thresholds": Thresholds}


def _table(where: str, name: str, value: object) -> Slo | Thresholds:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}{name} = {value!r} is not allowed; allowed: a table [{name}]")
    known = _allowed_fields(_TABLES[name])
    checked = {
        key: _check(where, f"{name}.{key}", inner, _row(where, key, known, f"{name}.")) for key, inner in value.items()
    }
    return _TABLES[name](**checked)


def _allowed_fields(owner: type[Any]) -> dict[str, Field[Any]]:
    return {row.name: row for row in fields(owner)}


def _row(where: str, name: str, known: dict[str, Field[Any]], prefix: str = "") -> Field[Any]:
    if name not in known:
        raise ConfigError(f"{where}{prefix}{name} is not an option; allowed: {', '.join(sorted(known))}")
    return known[name]


def _check(where: str, name: str, value: Any, row: Field[Any]) -> Any:
    """The value, if the field allows it."""
    allowed = _complaint(value, row)
    if allowed:
        raise ConfigError(f"{where}{name} = {value!r} is not allowed; allowed: {allowed}")
    return value


def _complaint(value: Any, row: Field[Any]) -> str:
    """What is allowed, where the value is not; else the empty string."""
    rule = row.metadata
    if "allowed" in rule:
        return "" if value in rule["allowed"] else ", ".join(rule["allowed"])
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if "choices" in rule:
        return "" if number and value in rule["choices"] else ", ".join(f"{one:g}" for one in rule["choices"])
    if "low" in rule:
        fits = number and rule["low"] <= value <= rule["high"]
        return "" if fits else f"a number from {rule['low']:g} to {rule['high']:g}"
    if "url" in rule:
        fits = isinstance(value, str) and (not value or value.startswith(("https://", "http://")))
        return "" if fits else "an address that starts with https:// or http://"
    return "" if isinstance(value, str) and _LABEL.fullmatch(value) else rule["pattern"]
