"""`agentobs generate` writes files that can be used as they are, and says what it does not know."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from agentobs.cli import main
from tests.support.stack import promtool

ROOT = Path(__file__).parents[2]


def expr(folder: Path, name: str) -> str:
    groups = yaml.safe_load((folder / "alerts/alerts.yaml").read_text())["groups"]
    found: list[str] = [rule["expr"] for group in groups for rule in group["rules"] if rule["alert"] == name]
    return found[0]


def test_everything_is_written_and_equals_what_is_committed(tmp_path: Path) -> None:
    assert main(["generate", "--out", str(tmp_path)]) == 0
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert {path.parts[0] for path in written} == {"dashboards", "alerts", "collector", "registry"}
    assert [path for path in written if (tmp_path / path).read_bytes() != (ROOT / path).read_bytes()] == []


def test_one_theme(tmp_path: Path) -> None:
    assert main(["generate", "collector", "--out", str(tmp_path)]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["collector"]


def test_one_file(tmp_path: Path) -> None:
    assert main(["generate", "alerts/rules.yaml", "--out", str(tmp_path)]) == 0
    assert [path.name for path in (tmp_path / "alerts").iterdir()] == ["rules.yaml"]


def test_second_time_leaves_the_files_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["generate", "collector", "--out", str(tmp_path)])
    capsys.readouterr()
    assert main(["generate", "collector", "--out", str(tmp_path)]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} == {"same"}


def test_thresholds_from_a_file_reach_rules_and_dashboards(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        'dashboard_url = "https://grafana.example.com"\n[thresholds]\nerror_share = 0.25\n[slo]\navailability = 0.95\n'
    )
    assert main(["generate", "--config", str(tmp_path / "own.toml"), "--out", str(tmp_path)]) == 0
    assert "> 0.25" in expr(tmp_path, "AgentObsProviderErrors")
    assert "> 0.72" in expr(tmp_path, "AgentObsAvailabilityBurnFast")
    assert "https://grafana.example.com/d/agentobs-models" in (tmp_path / "alerts/alerts.yaml").read_text()
    assert "0.25" in json.dumps(json.loads((tmp_path / "dashboards/models.json").read_text()))


def test_command_line_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('service_label = "namespace"\n')
    arguments = ["--config", str(tmp_path / "own.toml"), "--service-label", "service_name", "--out", str(tmp_path)]
    assert main(["generate", "alerts", *arguments]) == 0
    assert "by (service_name, gen_ai_provider_name)" in expr(tmp_path, "AgentObsProviderErrors")


@pytest.mark.parametrize("conventions", ["latest", "compat", "both"])
@pytest.mark.parametrize("naming", ["default", "no-suffix"])
@pytest.mark.parametrize("version", [2, 3])
def test_rules_of_every_flavour_are_accepted(version: int, naming: str, conventions: str, tmp_path: Path) -> None:
    assert main(["generate", "alerts", "--naming", naming, "--conventions", conventions, "--out", str(tmp_path)]) == 0
    files = [tmp_path / "alerts/rules.yaml", tmp_path / "alerts/alerts.yaml"]
    done = promtool(version, "check", "rules", "--lint=all", "--lint-fatal", *files)
    assert done.returncode == 0, done.stderr


def test_utf8_names_are_accepted_by_prometheus_3(tmp_path: Path) -> None:
    assert main(["generate", "alerts", "--naming", "utf8", "--out", str(tmp_path)]) == 0
    assert '{"agentobs.calls_total"' in expr(tmp_path, "AgentObsProviderErrors")
    files = [tmp_path / "alerts/rules.yaml", tmp_path / "alerts/alerts.yaml"]
    done = promtool(3, "check", "rules", "--lint=all", "--lint-fatal", *files)
    assert done.returncode == 0, done.stderr


def test_content_can_be_dropped(tmp_path: Path) -> None:
    assert main(["generate", "collector", "--content", "drop", "--out", str(tmp_path)]) == 0
    gateway = yaml.safe_load((tmp_path / "collector/gateway.yaml").read_text())
    assert "attributes/content" in gateway["service"]["pipelines"]["logs"]["processors"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["dashbords"],
            "there is nothing named 'dashbords' to generate; allowed: dashboards, alerts, collector, registry",
        ),
        (
            ["alerts/rulez.yaml"],
            "'alerts/rulez.yaml' to generate; allowed: dashboards, alerts, collector, registry, alerts/RUNBOOK",
        ),
        (["--naming", "camel"], "naming = 'camel' is not allowed; allowed: default, no-suffix, utf8, untranslated"),
        (["--conventions", "newest"], "conventions = 'newest' is not allowed; allowed: latest, compat, both"),
        (["--service-label", "a b"], "service_label = 'a b' is not allowed; allowed: a Prometheus label name"),
        (["--content", "keep"], "--content='keep' is not allowed; allowed are redact, drop"),
        (["--config", "nowhere.toml"], "--config nowhere.toml: No such file or directory"),
    ],
)
def test_what_is_not_allowed_is_named_with_what_is(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", *arguments, "--out", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thresholds = [", "own.toml is not TOML"),
        ("[thresholds]\nerror_shares = 1\n", "own.toml: thresholds.error_shares is not an option; allowed: "),
        (
            "[thresholds]\nerror_share = 'a lot'\n",
            "own.toml: thresholds.error_share = 'a lot' is not allowed; allowed: a num",
        ),
        ("[slo]\nlatency_s = 11\n", "own.toml: slo.latency_s = 11 is not allowed; allowed: 0.01, 0.02"),
    ],
)
def test_malformed_thresholds_file(text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.toml").write_text(text)
    assert main(["generate", "alerts", "--config", str(tmp_path / "own.toml"), "--out", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err


def test_unknown_option_is_an_error_of_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["generate", "--theme", "dark", "--out", str(tmp_path)])


def test_folder_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "alerts").write_text("a file in the way")
    assert main(["generate", "alerts", "--out", str(tmp_path)]) == 1
    assert str(tmp_path / "alerts") in capsys.readouterr().err


def test_missing_yaml_library_is_named_with_its_cure(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['yaml'] = None; from agentobs.cli import main; raise SystemExit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "generate", "collector", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (
        1,
        "agentobs generate: generating YAML needs PyYAML: pip install pyyaml\n",
    )
