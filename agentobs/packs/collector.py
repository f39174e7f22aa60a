"""Collector configs that fit what agentobs emits: an agent beside the program and a gateway before the backends.

Attribute names come from the catalogue. Everything that differs from one place to another (addresses, limits) is an
environment variable with a default, so that the committed files run unedited.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agentobs.catalogue import Attribute, genai, own
from agentobs.privacy.patterns import SECRET_NAME

from .secrets import CONTENT_ATTRIBUTES, MASKED, MASKED_INSIDE
from .yamlfile import Section, document

Content = Literal["redact", "drop"]
CONTENTS: tuple[Content, ...] = ("redact", "drop")


@dataclass(frozen=True, slots=True)
class CollectorOptions:
    """What the configs are generated with; the numbers are only defaults of environment variables.

    `content` says what becomes of captured content: `redact` masks personal data and secrets in it, `drop` removes it.
    Units: `slow_ms` milliseconds, `expensive_usd` US dollars of one call or run, `bad_score` 0 to 1 (below is bad),
    `sample_percent` percent of the traces that nothing else keeps.
    """

    content: Content = "redact"
    slow_ms: int = 30_000
    expensive_usd: float = 0.5
    bad_score: float = 0.5
    sample_percent: float = 10

    def __post_init__(self) -> None:
        if self.content not in CONTENTS:
            raise ValueError(f"content={self.content!r} is not allowed; allowed are {', '.join(CONTENTS)}")


def env(name: str, default: object) -> str:
    """A reference to an environment variable with its default; the collector reads the value as YAML."""
    return f"${{env:AGENTOBS_{name}:-{default}}}"


def quoted(attribute: Attribute, value: str) -> str:
    """A value of a closed set, in quotes for an OTTL condition.

    Raises:
        ValueError: the catalogue does not know the value.
    """
    if value not in attribute.values:
        raise ValueError(f"{attribute.name} has no value {value!r}; it has {', '.join(attribute.values)}")
    return f'"{value}"'


# --- parts of both ----------------------------------------------------------------------------------------------------
def _receivers() -> dict[str, Any]:
    # On loopback unless told: there is neither TLS nor authentication in front of it.
    return {
        "otlp": {
            "protocols": {
                "grpc": {"endpoint": env("GRPC_LISTEN", "127.0.0.1:4317")},
                "http": {"endpoint": env("HTTP_LISTEN", "127.0.0.1:4318")},
            }
        }
    }


def _retry() -> dict[str, Any]:
    # 0 is "for ever": with a limit, a long outage of the backend loses what was accepted.
    return {"enabled": True, "initial_interval": "1s", "max_interval": "30s", "max_elapsed_time": 0}


def _batch() -> dict[str, Any]:
    return {"flush_timeout": "1s", "sizer": "items", "min_size": 2_000, "max_size": 8_000}


def _persistent_queue(*, block: bool) -> dict[str, Any]:
    return {
        "storage": "file_storage",
        "sizer": "bytes",
        "queue_size": env("QUEUE_BYTES", 1_073_741_824),
        "block_on_overflow": block,
        # No batch: after a kill the next start puts what waited in one back into the queue, and collector 0.155 can lose
        # requests that arrive meanwhile (measured: 1 restart in 14 with, 1 in 380 without). Senders batch anyway.
        "batch": None,
    }


def _file_storage(directory: str) -> dict[str, Any]:
    return {
        "directory": env("QUEUE_DIR", directory),
        "create_directory": True,
        "fsync": env("QUEUE_FSYNC", "false"),
        "compaction": {"on_rebound": True, "directory": env("QUEUE_DIR", directory), "cleanup_on_start": True},
    }


def _health() -> dict[str, Any]:
    return {"endpoint": env("HEALTH_LISTEN", "127.0.0.1:13133")}


def _own_telemetry() -> dict[str, Any]:
    reader = {"pull": {"exporter": {"prometheus": {"host": env("OWN_METRICS_HOST", "127.0.0.1"), "port": 8888}}}}
    return {"logs": {"level": env("LOG_LEVEL", "info")}, "metrics": {"level": "normal", "readers": [reader]}}


def _prometheus_exporter() -> dict[str, Any]:
    return {
        "endpoint": env("SCRAPE_LISTEN", "127.0.0.1:8889"),
        # Exemplars, the links from a latency panel to a trace, exist in this format only.
        "enable_open_metrics": True,
        "metric_expiration": "10m",
    }


def _drop_content() -> dict[str, Any]:
    return {"actions": [{"key": attribute.name, "action": "delete"} for attribute in CONTENT_ATTRIBUTES]}


# --- agent ------------------------------------------------------------------------------------------------------------
def agent(options: CollectorOptions) -> Mapping[str, Any]:
    """The agent's config: parts of the core distribution only."""
    processors: dict[str, Any] = {
        "memory_limiter": {
            "check_interval": "1s",
            "limit_mib": env("MEMORY_MIB", 256),
            "spike_limit_mib": env("MEMORY_SPIKE_MIB", 64),
        },
        "attributes/secrets": {"actions": [{"pattern": SECRET_NAME, "action": "delete"}]},
    }
    if options.content == "drop":
        processors["attributes/content"] = _drop_content()
    redacted = list(processors)
    return {
        "extensions": {"health_check": _health()},
        "receivers": _receivers(),
        "processors": processors,
        "exporters": {
            "otlp_http/gateway": {
                "endpoint": env("GATEWAY_ENDPOINT", "http://gateway:4318"),
                "retry_on_failure": _retry(),
                "sending_queue": {
                    "sizer": "bytes",
                    "queue_size": env("QUEUE_BYTES", 67_108_864),
                    "batch": _batch(),
                },
            },
            "prometheus": _prometheus_exporter(),
        },
        "service": {
            "extensions": ["health_check"],
            "telemetry": _own_telemetry(),
            "pipelines": {
                "traces": {"receivers": ["otlp"], "processors": redacted, "exporters": ["otlp_http/gateway"]},
                "metrics": {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter"],
                    "exporters": env("METRICS_EXPORTERS", "[otlp_http/gateway]"),
                },
                "logs": {"receivers": ["otlp"], "processors": redacted, "exporters": ["otlp_http/gateway"]},
            },
        },
    }


def agent_queue() -> Mapping[str, Any]:
    """What makes the agent's queue survive a crash; merged over the agent's config, needs the contrib distribution."""
    return {
        "extensions": {"file_storage": _file_storage("/var/lib/agentobs-agent")},
        "exporters": {"otlp_http/gateway": {"sending_queue": _persistent_queue(block=False)}},
        "service": {"extensions": ["health_check", "file_storage"]},
    }


# --- gateway ----------------------------------------------------------------------------------------------------------
def _redaction() -> dict[str, Any]:
    return {
        "allow_all_keys": True,
        "blocked_key_patterns": [SECRET_NAME],
        "blocked_values": list(MASKED),
        "summary": "info",
    }


def _masked_inside() -> dict[str, Any]:
    arguments = [f"{_text(pattern)}, {_text(replacement)}" for pattern, replacement in MASKED_INSIDE]

    def over_attributes(context: str) -> dict[str, Any]:
        # Each context by itself: of statements for spans and for events in one list, the collector would run all only
        # for spans that have events.
        rows = [f'replace_all_patterns({context}.attributes, "value", {row})' for row in arguments]
        return {"context": context, "statements": rows}

    logs = over_attributes("log")
    logs["statements"] += [f"replace_pattern(log.body, {row}) where IsString(log.body)" for row in arguments]
    return {
        "error_mode": "ignore",
        "trace_statements": [over_attributes("span"), over_attributes("spanevent")],
        "log_statements": [logs],
    }


def _text(value: str) -> str:
    """A string of OTTL; "$$" because the collector would read "${1}" as a variable of its own."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${") + '"'


def _ottl(name: str, attribute: Attribute, condition: str) -> dict[str, Any]:
    """A policy that keeps a trace in which a span, or an event of a span, meets the condition; `@` is the attribute."""

    def on(context: str) -> str:
        return condition.replace("@", f'{context}.attributes["{attribute.name}"]')

    return {
        "name": name,
        "type": "ottl_condition",
        "ottl_condition": {"error_mode": "ignore", "span": [on("span")], "spanevent": [on("spanevent")]},
    }


def _policies(options: CollectorOptions) -> list[dict[str, Any]]:
    cost, bad = env("EXPENSIVE_USD", options.expensive_usd), env("BAD_SCORE", options.bad_score)
    return [
        {"name": "errors", "type": "status_code", "status_code": {"status_codes": ["ERROR"]}},
        {"name": "slow", "type": "latency", "latency": {"threshold_ms": env("SLOW_MS", options.slow_ms)}},
        # The policy for numbers takes whole ones only, and a dollar is a lot for one run.
        _ottl("expensive", own.COST_USD, f"@ != nil and @ >= {cost}"),
        _ottl("escalated", own.DECISION_OUTCOME, f"@ == {quoted(own.DECISION_OUTCOME, 'escalated')}"),
        _ottl("degraded", own.DEGRADATION, f"@ != nil and @ != {quoted(own.DEGRADATION, 'full')}"),
        _ottl("badly-rated", genai.SCORE_VALUE, f"@ != nil and @ < {bad}"),
        {
            "name": "rest",
            "type": "probabilistic",
            "probabilistic": {"sampling_percentage": env("SAMPLE_PERCENT", options.sample_percent)},
        },
    ]


def _tail_sampling(options: CollectorOptions) -> dict[str, Any]:
    return {
        # A decision waits for the root span, which ends last and carries cost, degradation and outcome of the run.
        "decision_wait": env("DECISION_WAIT", "60s"),
        "decision_wait_after_root_received": env("DECISION_WAIT_AFTER_ROOT", "5s"),
        "num_traces": env("SAMPLING_TRACES", 50_000),
        "block_on_overflow": True,
        "decision_cache": {"sampled_cache_size": 100_000, "non_sampled_cache_size": 100_000},
        "policies": _policies(options),
    }


def _span_metrics() -> dict[str, Any]:
    dimensions = (
        genai.OPERATION,
        genai.PROVIDER,
        genai.REQUEST_MODEL,
        genai.AGENT_NAME,
        genai.TOOL_NAME,
        own.OUTCOME,
        genai.ERROR_TYPE,
    )
    return {
        "histogram": {"unit": "s", "explicit": {"buckets": [_duration(bound_s) for bound_s in genai.CALL_SECONDS]}},
        "dimensions": [{"name": attribute.name} for attribute in dimensions],
        "exemplars": {"enabled": True, "max_per_data_point": 5},
        "aggregation_cardinality_limit": 10_000,
        "metrics_flush_interval": env("SPAN_METRICS_INTERVAL", "15s"),
        "metrics_expiration": "1h",
    }


def _duration(bound_s: float) -> str:
    return f"{round(bound_s * 1000)}ms"


def _backend(endpoint: str, default: str, *, block: bool) -> dict[str, Any]:
    return {
        "endpoint": env(endpoint, default),
        "retry_on_failure": _retry(),
        "sending_queue": _persistent_queue(block=block),
    }


def gateway(options: CollectorOptions) -> Mapping[str, Any]:
    """The gateway's config: needs parts of the contrib distribution."""
    processors: dict[str, Any] = {
        "memory_limiter": {"check_interval": "1s", "limit_percentage": 75, "spike_limit_percentage": 20},
    }
    if options.content == "drop":
        processors["attributes/content"] = _drop_content()
    # First what is known by what stands around it: of `https://TOKEN@host` redaction would take the whole for an address.
    processors |= {"transform/secrets": _masked_inside(), "redaction": _redaction()}
    redacted = list(processors)
    processors["tail_sampling"] = _tail_sampling(options)
    metrics = env("METRICS_EXPORTERS", "[otlp_http/metrics]")
    return {
        "extensions": {"health_check": _health(), "file_storage": _file_storage("/var/lib/agentobs-gateway")},
        "receivers": _receivers(),
        "processors": processors,
        "connectors": {"forward/sampling": {}, "span_metrics": _span_metrics()},
        "exporters": {
            # Blocks when full: behind the sampler nobody is left who could be refused and would send again.
            "otlp_http/traces": _backend("TRACES_ENDPOINT", "http://tempo:4318", block=True),
            "otlp_http/logs": _backend("LOGS_ENDPOINT", "http://loki:3100/otlp", block=False),
            "otlp_http/metrics": _backend("METRICS_ENDPOINT", "http://prometheus:9090/api/v1/otlp", block=False),
            "prometheus": _prometheus_exporter(),
            "prometheus_remote_write": {
                "endpoint": env("REMOTE_WRITE_ENDPOINT", "http://prometheus:9090/api/v1/write"),
                "retry_on_failure": _retry(),
            },
        },
        "service": {
            "extensions": ["health_check", "file_storage"],
            "telemetry": _own_telemetry(),
            "pipelines": {
                "traces/in": {
                    "receivers": ["otlp"],
                    "processors": redacted,
                    "exporters": ["span_metrics", "forward/sampling"],
                },
                "traces/sampled": {
                    "receivers": ["forward/sampling"],
                    "processors": ["tail_sampling"],
                    "exporters": ["otlp_http/traces"],
                },
                "metrics": {"receivers": ["otlp"], "processors": ["memory_limiter"], "exporters": metrics},
                "metrics/spans": {"receivers": ["span_metrics"], "exporters": metrics},
                "logs": {"receivers": ["otlp"], "processors": redacted, "exporters": ["otlp_http/logs"]},
            },
        },
    }


# --- files ------------------------------------------------------------------------------------------------------------
_COMMENTS = {
    "extensions": "Answers health checks; keeps queues on disk where file_storage is named.",
    "receivers": "OTLP in, by gRPC and by HTTP.",
    "processors": "memory_limiter comes first in every pipeline. Redaction knows secrets by anchored names and by "
    "their form, so no token count is touched.",
    "connectors": "Spans are counted and timed before sampling throws some away.",
    "exporters": "Retries never end: what was accepted is sent when the backend is there again.",
    "service": "AGENTOBS_METRICS_EXPORTERS chooses the ways out for metrics; README.md lists all variables.",
}
_GENERATED = (
    "Made by `agentobs generate collector`; `agentobs check` tells when it was changed. Keep changes of your own in a "
    "second file and give both to the collector: --config=THIS --config=YOURS."
)


def _file(purpose: str, config: Mapping[str, Any]) -> str:
    sections = [Section(_COMMENTS[key], {key: value}) for key, value in config.items()]
    return document(f"{purpose}\n\n{_GENERATED}", sections)


def files(options: CollectorOptions | None = None) -> dict[str, str]:
    """The text of each config by its file name.

    Raises:
        MissingYAMLError: PyYAML is not installed.
    """
    options = options or CollectorOptions()
    return {
        "agent.yaml": _file(
            "Agent: beside the program, core distribution of the collector, 0.155 or newer.", agent(options)
        ),
        "agent-queue.yaml": _file(
            "Agent with a queue that survives a crash: contrib, --config=agent.yaml --config=agent-queue.yaml.",
            agent_queue(),
        ),
        "gateway.yaml": _file(
            "Gateway: before the backends, contrib distribution of the collector, 0.155 or newer.", gateway(options)
        ),
    }
