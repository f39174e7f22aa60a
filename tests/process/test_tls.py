"""Export to a receiver that wants to see a certificate: mutual TLS by the OTEL_* variables, against a real collector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentobs.environment import FILES
from tests.support.process.certificates import Certificate, certificate
from tests.support.process.programs import run
from tests.support.process.receiver import Receiver, receiver
from tests.support.stack import poll

PROGRAM = """
    import agentobs
    from tests.support import model
    handle = agentobs.instrument()
    with agentobs.agent("support"):
        model.client().chat.completions.create(**model.ask(1))
        agentobs.decision("route", "a reason")
    handle.flush()
"""


@pytest.fixture(scope="module")
def shown() -> Iterator[Certificate]:
    with certificate() as made:
        yield made


@pytest.fixture(scope="module")
def strict(shown: Certificate) -> Iterator[Receiver]:
    """A collector that takes nothing from who does not show a certificate of its authority."""
    with receiver(shown) as running:
        yield running


def export(strict: Receiver, protocol: str, service: str, **env: str) -> None:
    run(
        PROGRAM,
        OTEL_EXPORTER_OTLP_ENDPOINT=strict.grpc if protocol == "grpc" else strict.http,
        OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
        OTEL_EXPORTER_OTLP_TIMEOUT="5",
        OTEL_SERVICE_NAME=service,
        # `requests` puts these before any file that it is given.
        **{"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": "", **env},
    )


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_every_signal_arrives_by_mutual_tls(strict: Receiver, shown: Certificate, protocol: str) -> None:
    service = f"all-{protocol}"
    export(
        strict,
        protocol,
        service,
        OTEL_EXPORTER_OTLP_CERTIFICATE=str(shown.authority),
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=str(shown.certificate),
        OTEL_EXPORTER_OTLP_CLIENT_KEY=str(shown.key),
    )
    for signal in ("traces", "logs"):
        poll(lambda signal=signal: strict.items(signal, service), signal)
    poll(lambda: strict.points(service, "agentobs.calls"), "metrics")


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_a_signal_shows_a_certificate_of_its_own(strict: Receiver, shown: Certificate, protocol: str) -> None:
    service = f"one-{protocol}"
    export(
        strict,
        protocol,
        service,
        OTEL_EXPORTER_OTLP_CERTIFICATE=str(shown.authority),
        OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE=str(shown.authority),
        OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE=str(shown.certificate),
        OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY=str(shown.key),
    )
    poll(lambda: strict.items("traces", service), "spans")
    assert not strict.items("logs", service), "no certificate was shown for them"
    assert not strict.points(service, "agentobs.calls")


def test_the_bundle_of_requests_wins_over_the_authorities(strict: Receiver, shown: Certificate) -> None:
    export(
        strict,
        "http/protobuf",
        "bundle",
        REQUESTS_CA_BUNDLE=str(shown.authority),
        OTEL_EXPORTER_OTLP_CERTIFICATE=str(shown.key),
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=str(shown.certificate),
        OTEL_EXPORTER_OTLP_CLIENT_KEY=str(shown.key),
    )
    poll(lambda: strict.items("traces", "bundle"), "spans")


@pytest.mark.parametrize("variable", [file.name for file in FILES])
def test_a_file_that_is_missing_costs_the_signal_and_not_the_program(variable: str) -> None:
    done = run(
        """
        import agentobs
        handle = agentobs.instrument()
        agentobs.decision("route", "x")
        print(handle.report())
        """,
        OTEL_EXPORTER_OTLP_ENDPOINT="https://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_PROTOCOL="grpc",
        **{variable: "/missing/file.pem"},
    )
    for words in ("spans", "events", "metrics"):
        assert done.stderr.count(f"the exporter of {words} that the OTEL_* variables ask for cannot be made") == 1
    assert "spans: none, because FileNotFoundError" in done.stdout
    assert "own errors in exporter: 3" in done.stdout
