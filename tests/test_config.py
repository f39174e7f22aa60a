"""Options of `instrument()`: argument over environment over default, and a clear word for what is not allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import agentobs
from agentobs import ConfigError
from agentobs.config import OPTIONS, resolve
from agentobs.integrations.table import libraries, processes

LIBRARIES = libraries()

GIVEN = {
    "service": "shop",
    "conventions": "both",
    "capture": "redacted",
    "metrics": "off",
    "libraries": ["openai"],
    "prices": "prices.toml",
    "content_limit_bytes": 512,
    "exit_timeout_s": 0.5,
}


def test_every_option_can_be_given() -> None:
    config = resolve(GIVEN, LIBRARIES, {})
    assert config.libraries == ("openai",)
    assert {name: getattr(config, name) for name in GIVEN} == GIVEN | {"libraries": ("openai",)}


def test_every_option_can_come_from_the_environment() -> None:
    texts = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in GIVEN.items()}
    assert resolve({}, LIBRARIES, {option.env: texts[option.name] for option in OPTIONS}) == resolve(
        GIVEN, LIBRARIES, {}
    )


def test_libraries_can_be_left_out_by_name() -> None:
    known, always = ("openai", "anthropic"), ("uvicorn", "threading")

    def libraries(*names: str) -> tuple[str, ...]:
        return resolve({"libraries": names}, known, {}, always=always).libraries

    assert libraries("openai") == ("openai", "uvicorn", "threading")
    assert libraries("-threading") == ("openai", "anthropic", "uvicorn")
    assert libraries("openai", "-uvicorn") == ("openai", "threading")
    assert resolve({}, known, {}, always=always).libraries == (*known, *always)


def test_an_argument_wins_over_the_environment() -> None:
    assert resolve({"metrics": "otel"}, LIBRARIES, {"AGENTOBS_METRICS": "off"}).metrics == "otel"


def test_an_empty_variable_counts_as_not_set() -> None:
    assert resolve({}, LIBRARIES, {"AGENTOBS_METRICS": ""}).metrics == "auto"


def test_the_service_is_named_as_opentelemetry_names_it() -> None:
    assert resolve({}, LIBRARIES, {"OTEL_SERVICE_NAME": "shop"}).service == "shop"
    assert resolve({}, LIBRARIES, {"OTEL_SERVICE_NAME": "shop", "AGENTOBS_SERVICE": "agent"}).service == "agent"
    assert resolve({}, LIBRARIES, {}).service is None


@pytest.mark.parametrize(
    ("given", "environ", "said"),
    [
        ({"metrics": "statsd"}, {}, "metrics='statsd' is not allowed; allowed are auto, otel, prometheus, both, off"),
        ({"conventions": "old"}, {}, "conventions='old' is not allowed; allowed are latest, compat, both"),
        ({"capture": True}, {}, "capture=True is not allowed; allowed are none, redacted, full"),
        ({}, {"AGENTOBS_CAPTURE": "yes"}, "AGENTOBS_CAPTURE='yes' is not allowed; allowed are none, redacted, full"),
        ({"libraries": ["opena1"]}, {}, "libraries names 'opena1', which agentobs does not know; known are openai"),
        ({}, {"AGENTOBS_LIBRARIES": "openai,x"}, "AGENTOBS_LIBRARIES names 'x', which agentobs does not know"),
        ({"libraries": 3}, {}, "libraries=3 is not a list of names; known are openai, anthropic, "),
        ({"content_limit_bytes": -1}, {}, "content_limit_bytes=-1 is not allowed; allowed is a whole number of bytes"),
        ({}, {"AGENTOBS_CONTENT_LIMIT_BYTES": "much"}, "AGENTOBS_CONTENT_LIMIT_BYTES='much' is not allowed"),
        (
            {"exit_timeout_s": "long"},
            {},
            "exit_timeout_s='long' is not allowed; allowed is a number of seconds from 0 up",
        ),
        ({}, {"AGENTOBS_EXIT_TIMEOUT_S": "-1"}, "AGENTOBS_EXIT_TIMEOUT_S='-1' is not allowed; allowed is a number of"),
        ({"service": ""}, {}, "service='' is not allowed; allowed is a text that is not empty"),
    ],
)
def test_what_is_not_allowed_is_named(given: dict[str, Any], environ: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        resolve(given, LIBRARIES, environ)
    assert str(raised.value).startswith(said)


def test_an_unknown_option_is_an_error_at_once() -> None:
    with pytest.raises(TypeError, match="colour"):
        agentobs.instrument(colour="blue")  # type: ignore[call-arg]


def test_a_bad_variable_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTOBS_METRICS", "statsd")
    with pytest.raises(ConfigError, match="AGENTOBS_METRICS='statsd'"):
        agentobs.instrument()


def test_a_malformed_price_file_is_named_with_line_and_field(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('[prices."openai/gpt-4.1-mini"]\ninput = 1\noutputs = 2\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"prices\.toml.*3.*outputs"):
        agentobs.instrument(prices=path, metrics="off")


def test_the_same_options_again_give_the_same_handle() -> None:
    first = agentobs.instrument(service="shop", metrics="off")
    assert agentobs.instrument(service="shop", metrics="off") is first


def test_other_options_while_it_is_in_force_are_an_error() -> None:
    agentobs.instrument(service="shop", metrics="off")
    with pytest.raises(ConfigError, match=r"other values of service; call agentobs\.uninstrument\(\) first"):
        agentobs.instrument(service="office", metrics="off")


def test_uninstrument_makes_room() -> None:
    with agentobs.instrument(service="shop", metrics="off") as handle:
        assert handle.active
    assert not handle.active
    handle.uninstrument()
    assert agentobs.instrument(service="office", metrics="off").config.service == "office"


def test_the_report_is_worth_reading() -> None:
    import openai

    report = agentobs.instrument(service="shop", libraries=["openai"], metrics="prometheus").report()
    lines = str(report).splitlines()
    assert lines[0] == f"agentobs {agentobs.__version__}, service shop, latest names, content capture none"
    assert lines[1] == f"  openai {openai.__version__}: patched"
    assert lines[2].endswith("not asked for (name it in libraries=... to observe anthropic)")
    assert "  spans: none yet; set a provider, or OTEL_EXPORTER_OTLP_ENDPOINT, to see them" in lines
    assert "  metrics: prometheus" in lines
    patched = [library.name for library in report.libraries if library.patched]
    assert patched[0] == "openai"
    assert set(patched[1:]) <= set(processes()), "beside what the program runs in"


def test_a_place_that_a_release_has_renamed_stands_in_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    from openai._base_client import SyncAPIClient

    monkeypatch.delattr(SyncAPIClient, "_sleep_for_retry")
    (openai, *_) = agentobs.instrument(metrics="off").report().libraries
    assert openai.status == "partly patched"
    assert openai.missing == ("openai._base_client.SyncAPIClient._sleep_for_retry",)
