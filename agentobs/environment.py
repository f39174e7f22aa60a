"""What the standard OTEL_* variables do here: one table, for the checks, the documentation and the tests.

OpenTelemetry's own SDK ignores a wrong value with a warning, raises a bare `ValueError` while it is imported, or fails
when the first batch is sent, depending on the variable. Here a wrong value is a `ConfigError` before anything is made.
Only what a provider of ours would read is checked: where the program sets its own providers, they are its own affair.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from .config import ConfigError

Signal = Literal["traces", "metrics", "logs"]
SIGNALS: tuple[Signal, ...] = ("traces", "metrics", "logs")
WORDS: Mapping[str, str] = {"traces": "spans", "metrics": "metrics", "logs": "events"}
_OTLP = "OTEL_EXPORTER_OTLP_"

Check = Callable[[str], str | None]
"""What is allowed, in words, where a value is not; `None` where it is."""


def _one_of(*allowed: str) -> Check:
    return lambda value: None if value.strip().lower() in allowed else f"allowed are {', '.join(allowed)}"


def _number(least: float, words: str) -> Check:
    def check(value: str) -> str | None:
        try:
            number = float(value)
        except ValueError:
            number = math.nan
        return None if number >= least and number != math.inf else f"allowed is {words}"

    return check


def _whole(least: int) -> Check:
    def check(value: str) -> str | None:
        try:
            fits = int(value) >= least
        except ValueError:
            fits = False
        return None if fits else f"allowed is a whole number from {least} up"

    return check


def _ratio(value: str) -> str | None:
    try:
        fits = 0 <= float(value) <= 1
    except ValueError:
        fits = False
    return None if fits else "allowed is a number from 0 to 1"


def _pairs(value: str) -> str | None:
    pairs = [pair for pair in value.split(",") if pair.strip()]
    if all("=" in pair and pair.partition("=")[0].strip() for pair in pairs):
        return None
    return "allowed are key=value pairs with commas between them, percent-encoded where they hold a comma"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of the OpenTelemetry specification, or one of its SDK.

    Attributes:
        name: as it is set; with `each` there is one for each signal too, and that one wins
            (`OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`).
        effect: what it does here, for people.
        signals: the signals whose providers read it; empty where it is not of one signal.
        check: what its values may be; `None` where anything is allowed.
        secret: its value does not stand in messages.
    """

    name: str
    effect: str
    signals: tuple[Signal, ...] = ()
    check: Check | None = None
    each: bool = False
    secret: bool = False

    def names(self, signal: Signal) -> tuple[str, ...]:
        """The names under which it is set for `signal`, the one that wins first."""
        if not self.each:
            return (self.name,)
        return (f"{_OTLP}{signal.upper()}_{self.name.removeprefix(_OTLP)}", self.name)

    def lookup(self, signal: Signal, environ: Mapping[str, str]) -> tuple[str, str] | None:
        """The name that is set for `signal` and its value; an empty value counts as not set."""
        for name in self.names(signal):
            if environ.get(name):
                return name, environ[name]
        return None


_OWN = "of the providers that agentobs makes"
_QUEUES: tuple[tuple[str, Signal, str], ...] = (("BSP", "traces", "spans"), ("BLRP", "logs", "events"))
_LIMITS: tuple[tuple[str, str, tuple[Signal, ...]], ...] = (
    ("SPAN_ATTRIBUTE_COUNT_LIMIT", "Most attributes of a span.", ("traces",)),
    ("SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "Longest text of an attribute of a span.", ("traces",)),
    ("SPAN_EVENT_COUNT_LIMIT", "Most events in a span.", ("traces",)),
    ("SPAN_LINK_COUNT_LIMIT", "Most links of a span.", ("traces",)),
    ("EVENT_ATTRIBUTE_COUNT_LIMIT", "Most attributes of an event in a span.", ("traces",)),
    ("LINK_ATTRIBUTE_COUNT_LIMIT", "Most attributes of a link.", ("traces",)),
    ("LOGRECORD_ATTRIBUTE_COUNT_LIMIT", "Most attributes of an event.", ("logs",)),
    ("LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", "Longest text of an attribute of an event.", ("logs",)),
)

DISABLED = Variable(
    "OTEL_SDK_DISABLED",
    "`true`: no provider is made and nothing is exported by OpenTelemetry; the report says so. Metrics for "
    "prometheus_client are not of the SDK and stay.",
)
PROTOCOL = Variable(
    _OTLP + "PROTOCOL",
    "`grpc` or `http/protobuf`; not set: `grpc` for an endpoint on port 4317, else `http/protobuf`.",
    SIGNALS,
    _one_of("grpc", "http/protobuf"),
    each=True,
)
ENDPOINT = Variable(
    _OTLP + "ENDPOINT",
    "Where OTLP goes. Without it, and without an exporter by name, agentobs opens no connection.",
    SIGNALS,
    each=True,
)
COMPRESSION = Variable(
    _OTLP + "COMPRESSION", "`gzip` or `none`; for `http/protobuf` `deflate` too.", SIGNALS, each=True
)

FILES = (
    Variable(
        _OTLP + "CERTIFICATE",
        "File with the authorities that the receiver's certificate is checked by. With `http/protobuf`, REQUESTS_CA_BUNDLE "
        "and CURL_CA_BUNDLE win over it.",
        SIGNALS,
        each=True,
    ),
    Variable(
        _OTLP + "CLIENT_CERTIFICATE",
        "File with the certificate that is shown to the receiver. With `grpc` it is not read without CERTIFICATE, nor the "
        "one of a signal without the CERTIFICATE of that signal.",
        SIGNALS,
        each=True,
    ),
    Variable(_OTLP + "CLIENT_KEY", "File with its key.", SIGNALS, each=True),
)

VARIABLES: tuple[Variable, ...] = (
    DISABLED,
    Variable("OTEL_SERVICE_NAME", "Name of the service, where neither `service=` nor AGENTOBS_SERVICE gives one."),
    Variable(
        "OTEL_RESOURCE_ATTRIBUTES",
        f"Resource {_OWN} and labels of `target_info`, percent-decoded. `service.instance.id` is made where it is not "
        "given, and is a new one in every forked process.",
        SIGNALS,
        _pairs,
    ),
    Variable("OTEL_EXPERIMENTAL_RESOURCE_DETECTORS", f"Further resource {_OWN}, by the SDK.", SIGNALS),
    Variable(
        "OTEL_TRACES_EXPORTER", "`otlp`, `console`, `none`, or an installed exporter; several with commas.", ("traces",)
    ),
    Variable(
        "OTEL_METRICS_EXPORTER",
        "As above, and `prometheus`: the metrics of prometheus_client, served on OTEL_EXPORTER_PROMETHEUS_HOST and _PORT.",
        ("metrics",),
    ),
    Variable("OTEL_LOGS_EXPORTER", "As OTEL_TRACES_EXPORTER, for the events.", ("logs",)),
    ENDPOINT,
    PROTOCOL,
    Variable(
        _OTLP + "HEADERS",
        "Sent with every request; the place of access tokens.",
        SIGNALS,
        _pairs,
        each=True,
        secret=True,
    ),
    COMPRESSION,
    Variable(
        _OTLP + "TIMEOUT",
        "Longest time of one export, in seconds, as the SDK reads it.",
        SIGNALS,
        _number(0, "a number of seconds from 0 up"),
        each=True,
    ),
    *FILES,
    Variable(
        _OTLP + "INSECURE",
        "`true`: grpc without TLS where the endpoint has no scheme.",
        SIGNALS,
        _one_of("true", "false"),
        each=True,
    ),
    Variable(
        _OTLP + "METRICS_TEMPORALITY_PREFERENCE",
        "`cumulative`, `delta` or `lowmemory`. Prometheus wants `cumulative`, the default.",
        ("metrics",),
        _one_of("cumulative", "delta", "lowmemory"),
    ),
    Variable(
        _OTLP + "METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "`explicit_bucket_histogram`, with the bounds of agentobs, or `base2_exponential_bucket_histogram`, which the "
        "dashboards do not read.",
        ("metrics",),
        _one_of("explicit_bucket_histogram", "base2_exponential_bucket_histogram"),
    ),
    Variable(
        "OTEL_EXPORTER_PROMETHEUS_HOST",
        "Address of the page of OTEL_METRICS_EXPORTER=prometheus; `localhost` by default.",
        ("metrics",),
    ),
    Variable(
        "OTEL_EXPORTER_PROMETHEUS_PORT",
        "Its port; 9464 by default. A port that is taken costs the page, not the program.",
        ("metrics",),
        _whole(0),
    ),
    Variable("OTEL_METRIC_EXPORT_INTERVAL", "Milliseconds between two exports; 60000.", ("metrics",), _whole(1)),
    Variable("OTEL_METRIC_EXPORT_TIMEOUT", "Milliseconds that one may take.", ("metrics",), _whole(1)),
    Variable(
        "OTEL_METRICS_EXEMPLAR_FILTER",
        "`trace_based`, `always_on` or `always_off`, for OpenTelemetry's metrics.",
        ("metrics",),
        _one_of("trace_based", "always_on", "always_off"),
    ),
    Variable(
        "OTEL_TRACES_SAMPLER",
        f"The sampler {_OWN}. Metrics and events are of all calls, whatever is sampled.",
        ("traces",),
    ),
    Variable("OTEL_TRACES_SAMPLER_ARG", "The share of traces that the `traceidratio` samplers keep.", ("traces",)),
    *(
        Variable(f"OTEL_{queue}_{name}", f"{effect} {words}.", (signal,), check)
        for queue, signal, words in _QUEUES
        for name, effect, check in (
            ("SCHEDULE_DELAY", "Milliseconds between two exports of", _whole(1)),
            ("MAX_QUEUE_SIZE", "Longest queue of", _whole(1)),
            ("MAX_EXPORT_BATCH_SIZE", "Largest batch of", _whole(1)),
            ("EXPORT_TIMEOUT", "Milliseconds that an export may take, of", _whole(1)),
        )
    ),
    Variable("OTEL_ATTRIBUTE_COUNT_LIMIT", "Most attributes of a span or event.", ("traces", "logs"), _whole(0)),
    Variable("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "Longest text of an attribute.", ("traces", "logs"), _whole(0)),
    *(Variable(f"OTEL_{name}", effect, signals, _whole(0)) for name, effect, signals in _LIMITS),
    Variable("OTEL_PROPAGATORS", "Nothing: agentobs adds no header to the program's requests and reads none."),
    Variable("OTEL_SEMCONV_STABILITY_OPT_IN", "Nothing: `conventions=` or AGENTOBS_CONVENTIONS chooses the names."),
    Variable(
        "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
        "Nothing: `capture=` or AGENTOBS_CAPTURE asks for content, which is `redacted` unless it says `full`.",
    ),
    Variable(
        "OTEL_CONFIG_FILE",
        "Nothing here. Where the program or `opentelemetry-instrument` sets providers from it, the signals go there.",
    ),
)
"""Every variable that has, or might be thought to have, an effect."""

_UNREAD = tuple(variable for variable in VARIABLES if variable.effect.startswith("Nothing: `"))


def is_disabled(environ: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's SDK is switched off."""
    return environ.get(DISABLED.name, "").strip().lower() == "true"


def page(environ: Mapping[str, str]) -> tuple[str, int]:
    """Host and port of the page that OTEL_METRICS_EXPORTER=prometheus asks for.

    Raises:
        ConfigError: the port is no number.
    """
    check("metrics", environ, otlp=False)
    return (
        environ.get("OTEL_EXPORTER_PROMETHEUS_HOST") or "localhost",
        int(environ.get("OTEL_EXPORTER_PROMETHEUS_PORT") or 9464),
    )


def unread(environ: Mapping[str, str]) -> Iterator[str]:
    """What is set and has no effect here, in words for the report."""
    for variable in _UNREAD:
        if environ.get(variable.name):
            option = variable.effect.partition(" or ")[2].partition(" ")[0]
            yield f"{variable.name} has no effect here; {option} has"


def _wrong(signal: Signal, name: str, value: str, allowed: str, *, secret: bool = False) -> ConfigError:
    shown = name if secret else f"{name}={value!r}"
    return ConfigError(f"{shown} is not allowed for {WORDS[signal]}; {allowed}")


def protocol(signal: Signal, environ: Mapping[str, str]) -> str:
    """`grpc` or `http/protobuf`.

    Port 4317 is registered for gRPC, and a gRPC server answers HTTP with an error that names neither.
    """
    given = PROTOCOL.lookup(signal, environ)
    if given is not None:
        return given[1].strip().lower()
    endpoint = ENDPOINT.lookup(signal, environ)
    return "grpc" if endpoint is not None and endpoint[1].rstrip("/").endswith(":4317") else "http/protobuf"


def check(signal: Signal, environ: Mapping[str, str], *, otlp: bool) -> None:
    """See whether the variables that the providers of `signal` read have values that are allowed.

    Args:
        signal: traces, metrics or logs.
        environ: the variables.
        otlp: whether the exporter is OTLP's; its variables are not read by others.

    Raises:
        ConfigError: one has not; the message names variable, value, signal and what is allowed.
    """
    for variable in VARIABLES:
        if signal not in variable.signals or (variable.name.startswith(_OTLP) and not otlp):
            continue
        given = variable.lookup(signal, environ)
        wrong = variable.check(given[1]) if given is not None and variable.check is not None else None
        if given is not None and wrong is not None:
            raise _wrong(signal, *given, wrong, secret=variable.secret)
    if signal in ("traces", "logs"):
        _check_queue(signal, environ)
    if signal == "traces":
        _check_sampler(environ)
    if otlp:
        _check_transport(signal, environ)


def _check_queue(signal: Signal, environ: Mapping[str, str]) -> None:
    prefix = "OTEL_BSP_" if signal == "traces" else "OTEL_BLRP_"
    name = prefix + "MAX_EXPORT_BATCH_SIZE"
    queue, batch = environ.get(prefix + "MAX_QUEUE_SIZE") or "2048", environ.get(name) or "512"
    if int(batch) > int(queue):
        raise _wrong(signal, name, batch, f"allowed is at most {prefix}MAX_QUEUE_SIZE, which is {queue}")


def _check_sampler(environ: Mapping[str, str]) -> None:
    name = "OTEL_TRACES_SAMPLER"
    sampler = (environ.get(name) or "").strip().lower()
    if not sampler:
        return
    simple = ("always_on", "always_off", "traceidratio")
    known = (*simple, *(f"parentbased_{one}" for one in simple))
    if sampler not in known and not _is_installed(sampler):
        raise _wrong("traces", name, environ[name], f"allowed are {', '.join(known)}")
    share = environ.get(f"{name}_ARG")
    wrong = _ratio(share) if share and sampler.endswith("traceidratio") else None
    if share and wrong is not None:
        raise _wrong("traces", f"{name}_ARG", share, wrong)


def _is_installed(sampler: str) -> bool:
    from importlib.metadata import entry_points

    return bool(entry_points(group="opentelemetry_traces_sampler", name=sampler))


def _check_transport(signal: Signal, environ: Mapping[str, str]) -> None:
    grpc = protocol(signal, environ) == "grpc"
    compression = COMPRESSION.lookup(signal, environ)
    if compression is not None:
        wrong = _one_of("gzip", "none", *(() if grpc else ("deflate",)))(compression[1])
        if wrong is not None:
            raise _wrong(signal, *compression, f"{wrong} with {'grpc' if grpc else 'http/protobuf'}")
    endpoint = ENDPOINT.lookup(signal, environ)
    if endpoint is not None and not grpc and urlsplit(endpoint[1]).scheme not in ("http", "https"):
        raise _wrong(signal, *endpoint, "allowed is an address with http:// or https://")
