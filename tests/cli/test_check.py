"""`agentobs check` finds hand-made changes, says where they are, and how to keep them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agentobs.cli import main

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["generate", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_what_is_committed_is_as_generated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(ROOT)]) == 0, capsys.readouterr().out


def test_generated_files_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(folder)]) == 0
    assert capsys.readouterr().out.endswith("files are as generated\n")


def test_changed_alert_is_named_with_its_field_and_both_values(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edit(folder / "alerts/alerts.yaml", "for: 2m", "for: 20m")
    assert main(["check", str(folder)]) == 1
    out = capsys.readouterr().out
    assert out.startswith(f"{folder / 'alerts/alerts.yaml'}\n")
    where = 'groups["agentobs-agents"].rules["AgentObsRunsBurnFast"].for'
    assert f'  {where}: generated "2m", found "20m"\n' in out
    assert "1 of " in out
    assert "To keep changes of alerts: Put thresholds" in out
    assert f"agentobs generate alerts --out {folder}" in out
    assert "To keep changes of collector" not in out


def test_changed_panel_is_named_by_its_title(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "dashboards/overview.json"
    dashboard = json.loads(path.read_text())
    panel = dashboard["panels"][10]
    panel["description"] = "mine"
    path.write_text(json.dumps(dashboard))
    assert main(["check", str(folder)]) == 1
    out = capsys.readouterr().out
    assert f'panels["{panel["title"]}"].description: generated ' in out
    assert "save your dashboard under a title and uid of its own" in out


def test_added_and_missing_parts_are_told_apart(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder / "collector/gateway.yaml", "    enable_open_metrics: true\n", "    namespace: mine\n")
    assert main(["check", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "exporters.prometheus.enable_open_metrics: missing, generated true" in out
    assert 'exporters.prometheus.namespace: not generated, found "mine"' in out


def test_changed_runbook_is_shown_by_line_below_its_heading(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(
        folder / "alerts/RUNBOOK.md",
        "## AgentObsBreakerOpen\n\nA circuit breaker",
        "## AgentObsBreakerOpen\n\nOur breaker",
    )
    assert main(["check", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "below ## AgentObsBreakerOpen:" in out
    assert "  -A circuit breaker has been open" in out
    assert "  +Our breaker has been open" in out


def test_changed_comment_is_shown_by_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder / "collector/agent.yaml", "# OTLP in", "# Ours: OTLP in")
    assert main(["check", str(folder)]) == 1
    assert "+# Ours: OTLP in" in capsys.readouterr().out


def test_broken_file_is_shown_by_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder / "alerts/rules.yaml", "groups:", "groups: [")
    assert main(["check", str(folder)]) == 1
    assert "+groups: [" in capsys.readouterr().out


def test_missing_file_and_windows_line_ends(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "alerts/RUNBOOK.md").unlink()
    rules = folder / "alerts/rules.yaml"
    rules.write_bytes(rules.read_bytes().replace(b"\n", b"\r\n"))
    assert main(["check", str(folder)]) == 1
    out = capsys.readouterr().out
    assert f"{folder / 'alerts/RUNBOOK.md'}\n  missing\n" in out
    assert f"{rules}\n  line ends or the end of the file\n" in out


def test_rewritten_file_does_not_flood_the_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "alerts/RUNBOOK.md").write_text("ours\n" * 1000)
    assert main(["check", str(folder)]) == 1
    out = capsys.readouterr().out
    assert len(out.splitlines()) < 40
    assert " more\n" in out


def test_one_theme_alone(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(folder / "alerts/alerts.yaml", "for: 2m", "for: 20m")
    assert main(["check", str(folder / "collector")]) == 0
    assert main(["check", str(folder / "alerts")]) == 1


def test_files_made_with_options_are_checked_with_them(folder: Path, tmp_path: Path) -> None:
    assert main(["generate", "--conventions", "compat", "--out", str(folder)]) == 0
    assert main(["check", str(folder)]) == 1
    assert main(["check", str(folder), "--conventions", "compat"]) == 0


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_folder_without_packs(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["check", str(tmp_path / name)]) == 2
    assert str(tmp_path / name) in capsys.readouterr().err
