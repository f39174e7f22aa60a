"""Names as Prometheus knows them: of metrics, of labels, and the conditions on labels.

One function each turns a catalogue object into a name under the three ways that names travel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from agentobs.catalogue import Attribute, Kind, Metric

Naming = Literal["default", "no-suffix", "utf8", "untranslated"]
"""How OpenTelemetry names reach Prometheus: its translation strategies UnderscoreEscapingWithSuffixes (also what every
Python exporter does), UnderscoreEscapingWithoutSuffixes, NoUTF8EscapingWithSuffixes and NoTranslation."""
NAMINGS: tuple[Naming, ...] = get_args(Naming)
_DOTTED = ("utf8", "untranslated")
_SUFFIXED = ("default", "utf8")

Part = Literal["", "bucket", "sum", "count"]

LEGACY = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_RE2_SPECIAL = re.compile(r"([\\.^$|?*+()\[\]{}])")
_UNIT_SUFFIX = {"s": "_seconds", "By": "_bytes"}


@dataclass(frozen=True, slots=True)
class TargetLabel:
    """A label that Prometheus, not agentobs, puts on a series."""

    label: str


Label = Attribute | TargetLabel

JOB = TargetLabel("job")
INSTANCE = TargetLabel("instance")
LE = TargetLabel("le")
ALERT_NAME = TargetLabel("alertname")
ALERT_STATE = TargetLabel("alertstate")
SEVERITY = TargetLabel("severity")


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A metric that Prometheus makes itself, read as a gauge."""

    name: str
    labels: tuple[Label, ...]


ALERTS = BuiltIn("ALERTS", (ALERT_NAME, ALERT_STATE, SEVERITY))


class Named(Protocol):
    """What has a name in Prometheus: a metric of the catalogue, a recorded or a built-in one."""

    @property
    def name(self) -> str: ...


def metric_name(metric: Named, part: Part = "", naming: Naming = "default") -> str:
    """The name of a metric in Prometheus; a recorded or built-in one has the same name under every naming."""
    if not isinstance(metric, Metric):
        return metric.name
    name = metric.name if naming in _DOTTED else metric.name.replace(".", "_")
    if naming in _SUFFIXED:
        name += _UNIT_SUFFIX.get(metric.unit, "") + ("_total" if metric.kind is Kind.COUNTER else "")
    return f"{name}_{part}" if part else name


def label_name(label: Label, naming: Naming = "default") -> str:
    """The name of a label in Prometheus, unquoted."""
    return label.name if naming in _DOTTED and isinstance(label, Attribute) else label.label


def alert_value(label: Label, naming: Naming = "default") -> str:
    """The label's value in an alert's template."""
    name = label_name(label, naming)
    return f"{{{{ $labels.{name} }}}}" if LEGACY.fullmatch(name) else f'{{{{ index $labels "{name}" }}}}'


def legend(label: Label, naming: Naming = "default") -> str:
    """The label's value in the name of a Grafana series."""
    return f"{{{{{label_name(label, naming)}}}}}"


# --- matchers ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label; an absent label counts as the empty string."""

    label: Label
    op: Literal["=", "!=", "=~", "!~"]
    value: str

    def render(self, naming: Naming) -> str:
        return f"{quoted_name(label_name(self.label, naming))}{self.op}{quoted(self.value)}"


def equals(label: Label, value: str) -> Matcher:
    return Matcher(label, "=", _known(label, value))


def differs(label: Label, value: str) -> Matcher:
    return Matcher(label, "!=", _known(label, value))


def one_of(label: Label, *values: str) -> Matcher:
    return Matcher(label, "=~", "|".join(_RE2_SPECIAL.sub(r"\\\1", _known(label, value)) for value in values))


def none_of(label: Label, *values: str) -> Matcher:
    return Matcher(label, "!~", "|".join(_RE2_SPECIAL.sub(r"\\\1", _known(label, value)) for value in values))


def like(label: Label, pattern: str) -> Matcher:
    """A regular expression over the whole value, such as a Grafana variable: `like(label, "$model")`."""
    return Matcher(label, "=~", pattern)


def quoted(text: str) -> str:
    """A PromQL string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _known(label: Label, value: str) -> str:
    if isinstance(label, Attribute) and label.values and value and value not in label.values:
        raise ValueError(f"{label.name} is never {value!r}; allowed: {', '.join(label.values)}")
    return value


def quoted_name(name: str) -> str:
    return name if LEGACY.fullmatch(name) else quoted(name)


def listed(labels: tuple[Label, ...], naming: Naming) -> str:
    return ", ".join(quoted_name(label_name(label, naming)) for label in labels)
