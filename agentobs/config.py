"""The options of `instrument()`: one table of names, environment variables, defaults and allowed values.

An argument wins over the environment, the environment over the default. A value that is not allowed raises at once.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from .catalogue.values import Conventions, values_of

Capture = Literal["none", "redacted", "full"]
Metrics = Literal["auto", "otel", "prometheus", "both", "off"]


class ConfigError(ValueError):
    """An option has a value that is not allowed; the message names the option, the value and the allowed ones."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its name as an argument, its environment variable, default, allowed values and meaning."""

    name: str
    env: str
    default: Any
    doc: str
    allowed: tuple[str, ...] = ()


OPTIONS = (
    Option(
        "service",
        "AGENTOBS_SERVICE",
        None,
        "Name of the service; without it OTEL_SERVICE_NAME, else unknown_service.",
    ),
    Option(
        "conventions",
        "AGENTOBS_CONVENTIONS",
        "latest",
        "Names of the GenAI signals: the newest, those of today's other dashboards, or both.",
        values_of(Conventions),
    ),
    Option(
        "capture",
        "AGENTOBS_CAPTURE",
        "none",
        "Content of messages and tools on spans: not at all, with secrets and personal data replaced, or as it is.",
        values_of(Capture),
    ),
    Option(
        "metrics",
        "AGENTOBS_METRICS",
        "auto",
        "Where metrics go; auto takes OpenTelemetry where it is set up, else prometheus_client.",
        values_of(Metrics),
    ),
    Option(
        "libraries",
        "AGENTOBS_LIBRARIES",
        None,
        "What to observe where it is installed, everything by default; a comma-separated list in the environment. "
        "`-threading` leaves one out.",
    ),
    Option("prices", "AGENTOBS_PRICES", None, "A YAML or TOML file with your own prices, aliases and discounts."),
    Option(
        "content_limit_bytes",
        "AGENTOBS_CONTENT_LIMIT_BYTES",
        16_384,
        "Longest captured text, in UTF-8 bytes of one content attribute.",
    ),
    Option(
        "exit_timeout_s",
        "AGENTOBS_EXIT_TIMEOUT_S",
        2.0,
        "Longest time in seconds that the end of the process may wait for what is not sent yet; 0 sends nothing then.",
    ),
)
_BY_NAME = {option.name: option for option in OPTIONS}


@dataclass(frozen=True, slots=True)
class Config:
    """The options in force. Units are in the names; what each means, and its default, stands in `OPTIONS`."""

    service: str | None
    conventions: Conventions
    capture: Capture
    metrics: Metrics
    libraries: tuple[str, ...]
    prices: str | None
    content_limit_bytes: int
    exit_timeout_s: float

    def differences(self, other: Config) -> list[str]:
        """Names of the options in which the two differ."""
        return [f.name for f in fields(self) if getattr(self, f.name) != getattr(other, f.name)]


def _choice(option: Option, value: object, where: str) -> str:
    if value not in option.allowed:
        raise ConfigError(f"{where}={value!r} is not allowed; allowed are {', '.join(option.allowed)}")
    return value


def _libraries(value: object, where: str, known: tuple[str, ...], always: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, Iterable):
        raise ConfigError(f"{where}={value!r} is not a list of names; known are {', '.join(known)}")
    names = tuple(dict.fromkeys(value))
    for name in names:
        if not isinstance(name, str) or name.removeprefix("-") not in (*known, *always):
            raise ConfigError(f"{where} names {name!r}, which agentobs does not know; known are {', '.join(known)}")
    left_out = {name.removeprefix("-") for name in names if name.startswith("-")}
    chosen = tuple(name for name in names if not name.startswith("-"))
    if not chosen and left_out:
        chosen = known
    return tuple(name for name in dict.fromkeys((*chosen, *always)) if name not in left_out)


def _positive(value: object, where: str) -> int:
    try:
        number = int(cast(Any, value))
    except (TypeError, ValueError):
        number = -1
    if number < 0 or isinstance(value, bool):
        raise ConfigError(f"{where}={value!r} is not allowed; allowed is a whole number of bytes from 0 up")
    return number


def _seconds(value: object, where: str) -> float:
    try:
        number = float(cast(Any, value))
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < math.inf or isinstance(value, bool):
        raise ConfigError(f"{where}={value!r} is not allowed; allowed is a number of seconds from 0 up")
    return number


def _text(value: object, where: str) -> str:
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        raise ConfigError(f"{where}={value!r} is not allowed; allowed is a text that is not empty")
    return os.fspath(value)


def _parse(option: Option, value: object, where: str, libraries: tuple[str, ...], always: tuple[str, ...]) -> Any:
    if option.name == "libraries":
        return _libraries(value, where, libraries, always)
    if option.name == "exit_timeout_s":
        return _seconds(value, where)
    if option.allowed:
        return _choice(option, value, where)
    if option.name == "content_limit_bytes":
        return _positive(value, where)
    return _text(value, where)


def resolve(
    arguments: Mapping[str, Any],
    libraries: tuple[str, ...],
    environ: Mapping[str, str] | None = None,
    *,
    always: tuple[str, ...] = (),
) -> Config:
    """The options in force for these arguments; an argument that is `None` counts as not given.

    `libraries` are the names of those that can be observed, which is also the default of that option; `always` are those
    which are in it unless they are left out by name. An empty environment variable counts as not set, as OpenTelemetry's
    specification says of its own.

    Raises:
        ConfigError: an unknown argument, or a value that is not allowed, from either place.
    """
    env = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    for name in arguments:
        if name not in _BY_NAME:
            raise ConfigError(f"instrument() has no option {name!r}; it has {', '.join(_BY_NAME)}")
    for option in OPTIONS:
        given = arguments.get(option.name)
        if given is not None:
            values[option.name] = _parse(option, given, option.name, libraries, always)
        elif env.get(option.env):
            values[option.name] = _parse(option, env[option.env], option.env, libraries, always)
        else:
            values[option.name] = option.default
    if values["libraries"] is None:
        values["libraries"] = (*libraries, *always)
    if values["service"] is None:
        values["service"] = env.get("OTEL_SERVICE_NAME") or None
    return Config(**values)
