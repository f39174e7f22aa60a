"""One TOML file changes the packs; what is wrong in it is named with what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from agentobs.catalogue import genai
from agentobs.packs import ConfigError, PackConfig, build, load
from tests.support.packs.boards import boards, panels


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "agentobs.toml"
    path.write_text(text)
    return path


def test_what_is_absent_has_its_default(tmp_path: Path) -> None:
    assert load(written(tmp_path, "")) == PackConfig()


def test_every_part_can_be_set(tmp_path: Path) -> None:
    top = 'naming = "no-suffix"\nservice_label = "service_name"\n'
    text = top + "[slo]\nlatency_s = 5.12\n[thresholds]\nerror_share = 0.5\n"
    config = load(written(tmp_path, text))
    assert (config.naming, config.service.label) == ("no-suffix", "service_name")
    assert (config.slo.latency_s, config.thresholds.error_share) == (5.12, 0.5)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('naming = "utf-8"', "naming = 'utf-8' is not allowed; allowed: default, no-suffix, utf8, untranslated"),
        ("conventions = 3", "conventions = 3 is not allowed; allowed: latest, compat, both"),
        ('service_label = "a b"', "service_label = 'a b' is not allowed; allowed: a Prometheus label name"),
        ('dashboard_url = "grafana"', "dashboard_url = 'grafana' is not allowed; allowed: an address that starts with"),
        ("[slo]\navailability = 99", "slo.availability = 99 is not allowed; allowed: a number from 0.5 to 0.99999"),
        ("[slo]\nlatency_s = 3", "slo.latency_s = 3 is not allowed; allowed: 0.01, 0.02,"),
        ('[thresholds]\nerror_share = "10%"', "thresholds.error_share = '10%' is not allowed; allowed: a number"),
        ("[thresholds]\nerror_share = true", "thresholds.error_share = True is not allowed"),
        ("[thresholds]\nerrors = 1", "thresholds.errors is not an option; allowed: breaker_open_minutes,"),
        ("slo = 0.99", "slo = 0.99 is not allowed; allowed: a table [slo]"),
        ("colour = 1", "colour is not an option; allowed: conventions,"),
        ("naming = ", "is not TOML: "),
    ],
)
def test_a_wrong_file_is_told_with_field_value_and_cure(tmp_path: Path, text: str, told: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as raised:
        load(path)
    assert str(raised.value).startswith(str(path))
    assert told in str(raised.value)


def test_an_object_with_a_wrong_value_is_refused_too() -> None:
    with pytest.raises(ConfigError, match="naming = 'x' is not allowed"):
        PackConfig(naming="x")  # type: ignore[arg-type]


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(ConfigError, match="nothing named 'dashboard' to generate; allowed: all, dashboards"):
        build(what="dashboard")  # type: ignore[arg-type]


def test_a_threshold_moves_the_line_of_its_panel(tmp_path: Path) -> None:
    config = load(written(tmp_path, "[thresholds]\nerror_share = 0.42\n"))
    before, after = (
        [panel["fieldConfig"]["defaults"]["thresholds"]["steps"] for panel in panels(boards(each)["models"])]
        for each in (PackConfig(), config)
    )
    moved = [new[1]["value"] for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {0.42}


@pytest.mark.parametrize(
    ("conventions", "metric"),
    [
        ("latest", genai.INFERENCE_DURATION),
        ("both", genai.INFERENCE_DURATION),
        ("compat", genai.OPERATION_DURATION),
    ],
)
def test_conventions_choose_the_names_that_are_emitted(conventions: str, metric: object) -> None:
    config = PackConfig(conventions=conventions)  # type: ignore[arg-type]
    assert config.call_duration is metric
    assert all(
        row.emitted_by(config.conventions) for row in (config.call_duration, config.first_chunk, config.per_chunk)
    )
