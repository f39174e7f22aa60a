"""What the OTEL_* variables do: every row of `agentobs.environment` by what a real receiver gets, or by what is refused."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from agentobs.environment import VARIABLES
from tests.support import needs
from tests.support.process.programs import command, environ, run
from tests.support.process.receiver import Receiver
from tests.support.stack import free_port, poll

PROGRAM = """
    import agentobs, sys
    from tests.support import model
    handle = agentobs.instrument()
    for number in range(int(sys.argv[1]) if len(sys.argv) > 1 else 1):
        with agentobs.agent("support"):
            model.client().chat.completions.create(**model.ask(number))
            agentobs.decision("route", "a reason of some length")
    handle.flush()
    print(handle.report())
"""


SETTINGS = """
file_format: "1.0"
resource: {attributes: [{name: service.name, value: SERVICE}]}
tracer_provider:
  processors: [{batch: {exporter: {otlp_http: {endpoint: ENDPOINT/v1/traces}}}}]
meter_provider:
  readers: [{periodic: {exporter: {otlp_http: {endpoint: ENDPOINT/v1/metrics}}}}]
logger_provider:
  processors: [{batch: {exporter: {otlp_http: {endpoint: ENDPOINT/v1/logs}}}}]
"""
CONFIGURE = """
import os
from opentelemetry.configuration import configure_sdk, load_config_file
configure_sdk(load_config_file(os.environ["OTEL_CONFIG_FILE"]))
"""
TLS = "test_tls.py"
"""The other file with rows of the table."""


def play(received: Receiver, service: str, *args: str, **env: str) -> str:
    return run(
        PROGRAM, *args, **{"OTEL_EXPORTER_OTLP_ENDPOINT": received.http, "OTEL_SERVICE_NAME": service, **env}
    ).stdout


def seen(received: Receiver, signal: str, service: str) -> list[str]:
    items = poll(lambda: received.items(signal, service), f"{signal} of {service}")
    return [item.name for item in items]


@pytest.mark.parametrize("compression", ["gzip", "none"])
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_every_signal_arrives_however_it_is_sent(received: Receiver, protocol: str, compression: str) -> None:
    service = f"{protocol}-{compression}"
    play(
        received,
        service,
        OTEL_EXPORTER_OTLP_ENDPOINT=received.grpc if protocol == "grpc" else received.http,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_EXPORTER_OTLP_COMPRESSION=compression,
    )
    assert "chat gpt-4.1-mini" in seen(received, "traces", service)
    assert seen(received, "logs", service) == ["agentobs.decision"]
    poll(lambda: received.points(service, "agentobs.calls"), "metrics")


def test_a_signal_has_a_place_and_settings_of_its_own(received: Receiver) -> None:
    play(
        received,
        "own-place",
        OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
        OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=received.grpc,
        OTEL_EXPORTER_OTLP_TRACES_PROTOCOL="grpc",
        OTEL_EXPORTER_OTLP_TRACES_INSECURE="true",
        OTEL_EXPORTER_OTLP_TRACES_HEADERS="x-token=a%2Cb",
        OTEL_LOGS_EXPORTER="none",
        OTEL_METRICS_EXPORTER="none",
    )
    assert "chat gpt-4.1-mini" in seen(received, "traces", "own-place")
    assert {item.attributes.get("received.token") for item in received.items("traces", "own-place")} == {"a,b"}
    assert not received.items("logs", "own-place")
    assert not received.points("own-place", "agentobs.calls")


@pytest.mark.parametrize(
    ("sampler", "share", "traces"), [("always_off", "", 0), ("traceidratio", "0", 0), ("always_on", "", 9)]
)
def test_a_sampler_thins_traces_and_nothing_else(received: Receiver, sampler: str, share: str, traces: int) -> None:
    service = f"sampled-{sampler}"
    play(received, service, "3", OTEL_TRACES_SAMPLER=sampler, OTEL_TRACES_SAMPLER_ARG=share)
    (total,) = poll(lambda: received.last(service, "agentobs.calls"), "calls").values()
    assert total == 3
    assert len(seen(received, "logs", service)) == 3
    assert len(received.items("traces", service)) == traces * 2 // 3


def test_limits_of_attributes(received: Receiver) -> None:
    play(
        received,
        "limited",
        OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT="2",
        OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT="4",
        OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT="3",
    )
    poll(lambda: len(received.items("traces", "limited")) == 2, "spans")
    for item in received.items("traces", "limited"):
        assert len(item.attributes) == 2
        assert all(len(value) <= 4 for value in item.attributes.values() if isinstance(value, str))
    (event,) = poll(lambda: received.items("logs", "limited"), "event")
    assert len(event.attributes) == 3


@pytest.mark.parametrize(("preference", "temporality"), [("cumulative", 2), ("delta", 1)])
def test_temporality(received: Receiver, preference: str, temporality: int) -> None:
    service = f"temporality-{preference}"
    play(received, service, OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=preference)
    for metric in ("agentobs.calls", "gen_ai.client.inference.duration"):
        points = poll(lambda metric=metric: received.points(service, metric), metric)
        assert {point.temporality for point in points} == {temporality}


@pytest.mark.parametrize(
    ("aggregation", "shape"),
    [("explicit_bucket_histogram", "histogram"), ("base2_exponential_bucket_histogram", "exponentialHistogram")],
)
def test_shape_of_histograms(received: Receiver, aggregation: str, shape: str) -> None:
    play(received, shape, OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION=aggregation)
    points = poll(lambda: received.points(shape, "gen_ai.client.inference.duration"), "histogram")
    assert all(shape in point.raw for point in points)


def test_exemplars_are_filtered(received: Receiver) -> None:
    for chosen, there in (("trace_based", True), ("always_off", False)):
        service = f"exemplars-{chosen}"
        play(received, service, OTEL_METRICS_EXEMPLAR_FILTER=chosen)
        points = poll(lambda service=service: received.points(service, "gen_ai.client.inference.duration"), "histogram")
        given = [p for point in points for p in point.raw["histogram"]["dataPoints"] if p.get("exemplars")]
        assert bool(given) is there, chosen


def test_metrics_are_exported_as_often_as_asked(received: Receiver) -> None:
    program = """
        import agentobs, os, sys
        agentobs.instrument()
        agentobs.decision("route", "x")
        sys.stdin.read()
        os._exit(0)
    """
    env = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": received.http,
        "OTEL_SERVICE_NAME": "often",
        "OTEL_METRIC_EXPORT_INTERVAL": "200",
        "OTEL_METRIC_EXPORT_TIMEOUT": "5000",
    }
    with subprocess.Popen(command(program), env=environ(env), stdin=subprocess.PIPE) as running:
        poll(lambda: len(received.points("often", "agentobs.decisions")) > 1, "two exports")
        running.communicate(b"")


def test_resource_attributes_are_percent_decoded_on_both_paths(received: Receiver) -> None:
    given = "team=caf%C3%A9%2C%20north,service.version=1.2"
    play(received, "decoded", OTEL_RESOURCE_ATTRIBUTES=given)
    (item, *_) = poll(lambda: received.items("traces", "decoded"), "spans")
    assert (item.resource["team"], item.resource["service.version"]) == ("café, north", "1.2")
    shown = run(
        """
        import agentobs, prometheus_client
        agentobs.instrument(service="decoded")
        print(prometheus_client.generate_latest().decode())
        """,
        OTEL_RESOURCE_ATTRIBUTES=given,
    ).stdout
    assert 'team="café, north"' in shown


def test_detectors_add_to_the_resource_of_every_signal(received: Receiver) -> None:
    play(received, "detected", OTEL_EXPERIMENTAL_RESOURCE_DETECTORS="os,process")
    points = poll(lambda: received.points("detected", "agentobs.calls"), "metrics")
    for signal in ("traces", "logs"):
        points += poll(lambda signal=signal: received.items(signal, "detected"), signal)
    assert {item.resource["os.type"] for item in points} == {platform.system().lower()}
    assert {item.resource["process.executable.path"] for item in points} == {sys.executable}


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd", "is not allowed for spans; allowed are gzip, none with grpc"),
        ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "lz4", "is not allowed for events; allowed are gzip, none with grpc"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", "is not allowed for spans; allowed are grpc, http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon", "is not allowed for spans; allowed is a number of seconds from 0 up"),
        ("OTEL_EXPORTER_OTLP_INSECURE", "perhaps", "is not allowed for spans; allowed are true, false"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "x",
            "is not allowed for metrics; allowed are cumulative",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
            "x",
            "is not allowed for metrics; allowed are expl",
        ),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "bogus", "is not allowed for metrics; allowed are trace_based, always_on"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "0", "is not allowed for metrics; allowed is a whole number from 1 up"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "x", "is not allowed for metrics; allowed is a whole number from 1 up"),
        ("OTEL_TRACES_SAMPLER", "sometimes", "is not allowed for spans; allowed are always_on, always_off"),
        ("OTEL_TRACES_SAMPLER_ARG", "7", "is not allowed for spans; allowed is a number from 0 to 1"),
        ("OTEL_RESOURCE_ATTRIBUTES", "team", "is not allowed for spans; allowed are key=value pairs"),
        *(
            (f"OTEL_{queue}_{name}", "x", "; allowed is a whole number from 1 up")
            for queue in ("BSP", "BLRP")
            for name in ("SCHEDULE_DELAY", "MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE", "EXPORT_TIMEOUT")
        ),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4000", "allowed is at most OTEL_BSP_MAX_QUEUE_SIZE, which is 2048"),
        *(
            (f"OTEL_{name}_LIMIT", "x", "; allowed is a whole number from 0 up")
            for name in (
                "ATTRIBUTE_COUNT",
                "ATTRIBUTE_VALUE_LENGTH",
                "SPAN_ATTRIBUTE_COUNT",
                "SPAN_ATTRIBUTE_VALUE_LENGTH",
                "SPAN_EVENT_COUNT",
                "SPAN_LINK_COUNT",
                "EVENT_ATTRIBUTE_COUNT",
                "LINK_ATTRIBUTE_COUNT",
                "LOGRECORD_ATTRIBUTE_COUNT",
                "LOGRECORD_ATTRIBUTE_VALUE_LENGTH",
            )
        ),
    ],
)
def test_a_wrong_value_is_named_with_signal_and_cure(variable: str, value: str, message: str) -> None:
    sampler = "traceidratio" if variable.endswith("_ARG") else ""
    done = refused(**{"OTEL_TRACES_SAMPLER": sampler, variable: value})
    assert done.startswith(f"ConfigError: {variable}={value!r}"), done
    assert message in done


def refused(**env: str) -> str:
    """The error with which `instrument()` refuses these variables, in a process that has imported nothing yet."""
    program = """
    import agentobs
    try:
        agentobs.instrument()
    except agentobs.ConfigError as error:
        print("ConfigError:", error)
    """
    return run(program, **{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4317", **env}).stdout


def test_a_wrong_header_is_named_without_its_value() -> None:
    message = refused(OTEL_EXPORTER_OTLP_HEADERS="Bearer s3cret")
    assert message.startswith("ConfigError: OTEL_EXPORTER_OTLP_HEADERS is not allowed for spans; allowed are key=value")
    assert "s3cret" not in message


def test_an_address_without_a_scheme_is_named() -> None:
    message = refused(OTEL_EXPORTER_OTLP_ENDPOINT="localhost:4318")
    assert (
        "OTEL_EXPORTER_OTLP_ENDPOINT='localhost:4318' is not allowed for spans; allowed is an address with http"
        in message
    )


def test_the_console_is_an_exporter_too() -> None:
    shown = run(PROGRAM, OTEL_TRACES_EXPORTER="console").stdout
    assert '"name": "chat gpt-4.1-mini"' in shown
    assert "spans: made from the OTEL_* variables" in shown


@pytest.mark.parametrize("signal", ["TRACES", "METRICS", "LOGS"])
def test_an_exporter_that_is_not_installed_is_named(signal: str) -> None:
    message = refused(**{f"OTEL_{signal}_EXPORTER": "carrier_pigeon"})
    assert f"OTEL_{signal}_EXPORTER='carrier_pigeon' names an exporter that is not installed; there are " in message


def test_a_disabled_sdk_exports_nothing_and_the_report_says_why(received: Receiver) -> None:
    report = play(received, "disabled", OTEL_SDK_DISABLED="true")
    assert "spans: off (OTEL_SDK_DISABLED=true)" in report
    assert "events: off (OTEL_SDK_DISABLED=true)" in report
    assert "metrics: prometheus" in report
    assert "OTEL_EXPORTER_OTLP_ENDPOINT, to see them" not in report
    assert not received.items("traces", "disabled")


def test_what_has_no_effect_here_stands_in_the_report(received: Receiver) -> None:
    report = play(
        received,
        "unread",
        OTEL_SEMCONV_STABILITY_OPT_IN="gen_ai_latest_experimental",
        OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT="true",
        OTEL_PROPAGATORS="b3",
    )
    assert "OTEL_SEMCONV_STABILITY_OPT_IN has no effect here; AGENTOBS_CONVENTIONS has" in report
    assert "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT has no effect here; AGENTOBS_CAPTURE has" in report
    for item in poll(lambda: received.items("traces", "unread"), "spans"):
        assert not [name for name in item.attributes if "messages" in name]


def test_prometheus_means_a_page_of_prometheus_client() -> None:
    port = free_port()
    shown = run(
        """
        import agentobs, os, urllib.request
        handle = agentobs.instrument()
        agentobs.decision("route", "x")
        print(urllib.request.urlopen(f"http://127.0.0.1:{os.environ['OTEL_EXPORTER_PROMETHEUS_PORT']}/metrics").read().decode())
        print(handle.report())
        """,
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_HOST="127.0.0.1",
        OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
    ).stdout
    assert "agentobs_decisions_total{" in shown
    assert f"metrics: prometheus (page on http://127.0.0.1:{port}/metrics)" in shown


def test_a_port_that_is_taken_costs_the_page_and_not_the_program() -> None:
    port = free_port()
    done = run(
        """
        import agentobs, os, socket
        taken = socket.create_server(("127.0.0.1", int(os.environ["OTEL_EXPORTER_PROMETHEUS_PORT"])))
        handle = agentobs.instrument()
        print(handle.report())
        print("still here")
        """,
        OTEL_METRICS_EXPORTER="prometheus",
        OTEL_EXPORTER_PROMETHEUS_HOST="127.0.0.1",
        OTEL_EXPORTER_PROMETHEUS_PORT=str(port),
    )
    assert "still here" in done.stdout
    assert f"no page on http://127.0.0.1:{port}/metrics" in done.stdout
    assert done.stderr.count("cannot be served") == 1


@pytest.mark.parametrize("by", ["the program", "opentelemetry-instrument"])
def test_a_file_of_settings_is_not_ours_and_its_providers_are_followed(
    received: Receiver, tmp_path: Path, by: str
) -> None:
    needs.module("opentelemetry.configuration", sdks="contrib")
    service = f"file by {by}"
    file = tmp_path / "settings.yaml"
    file.write_text(SETTINGS.replace("SERVICE", service).replace("ENDPOINT", received.http))
    env = {"OTEL_CONFIG_FILE": str(file)}
    assert "spans: none" in run(PROGRAM, **env).stdout
    assert not received.items("traces", service), "nobody has set providers"
    if by == "the program":
        report = run(CONFIGURE + textwrap.dedent(PROGRAM), **env).stdout
    else:
        argv = [Path(sys.executable).with_name(by), *command(PROGRAM)]
        report = subprocess.run(argv, env=environ(env), capture_output=True, text=True, timeout=60, check=True).stdout
    for words in ("spans", "events"):
        assert f"{words}: set by the program, as service {service!r}" in report
    assert "chat gpt-4.1-mini" in seen(received, "traces", service)
    assert seen(received, "logs", service) == ["agentobs.decision"]
    poll(lambda: received.points(service, "agentobs.calls"), "metrics")


def test_every_row_of_the_table_is_shown_here() -> None:
    text = "".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in (Path(__file__).name, TLS))
    # The stem is what stands in the lists that put such names together.
    stems = {row.name: re.sub("^OTEL_(BSP_|BLRP_)?|_LIMIT$", "", row.name) for row in VARIABLES}
    assert {name for name, stem in stems.items() if name not in text and f'"{stem}"' not in text} == set()
