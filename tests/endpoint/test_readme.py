"""The endpoint's README: what it says to do works, and it names everything that one can set."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import agentobs
from agentobs.config import ConfigError
from agentobs.endpoint import tokens
from agentobs.endpoint.assets import WIDGET
from agentobs.endpoint.contract import REPLACED
from agentobs.endpoint.middleware import HEADER, HOLD_S
from agentobs.endpoint.storage.spool import MOST_ROWS
from agentobs.endpoint.storage.store import DEADLINE_S, REST_S
from tests.support import needs
from tests.support.documents import block, blocks
from tests.support.endpoint.serving import ROOT, serving
from tests.support.endpoint.stores import checked, row
from tests.support.environments import tracked
from tests.support.stack import poll, promtool

README = (ROOT / "agentobs" / "endpoint" / "README.md").read_text()
MODULE = (WIDGET / "widget.mjs").read_text()


def test_every_option_is_named() -> None:
    for make in (agentobs.feedback_app, agentobs.feedback_wsgi):
        options = [name for name in inspect.signature(make).parameters if name != "app"]
        assert [name for name in options if f"`{name}`" not in README.partition("## Options")[2]] == []


def test_every_attribute_of_the_widget_is_named() -> None:
    (observed,) = re.findall(r"observedAttributes = \[([^\]]*)\.\.\.", MODULE)
    (texts,) = re.findall(r"const DEFAULTS = \{(.*?)\}", MODULE, re.DOTALL)
    attributes = [*re.findall(r'"(\w+)"', observed), "for", *re.findall(r'"?(\w+)"?: "', texts)]
    assert len(attributes) > 15
    widget, between = README.partition("## Widget")[2], {"2_stars", "3_stars", "4_stars"}
    assert [name for name in attributes if name not in between and f"`{name}`" not in widget] == []


def test_every_figure_is_that_of_the_code() -> None:
    assert f"`{HEADER}`" in README
    assert f"{HOLD_S * 1000:.0f} ms at most" in README
    assert f"waits for it {DEADLINE_S:.0f} s at most" in README
    assert f"left alone for {REST_S:.0f} s" in README
    assert f"at most {MOST_ROWS:,} rows".replace(",", " ") in README
    assert f"{REPLACED}." in README


DOCUMENTS = [path for path in tracked() if path.suffix == ".md"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_has_a_secret_that_would_be_taken(path: Path) -> None:
    text = path.read_text()
    shown = re.findall(r"""secret=\[?["']([^"']*)["']""", text)
    shown += re.findall(r"""AGENTOBS_FEEDBACK_SECRET=["']?([^\s"'$]+)""", text)
    for secret in shown:
        with pytest.raises(ConfigError):
            tokens.secrets_from(secret)


def test_the_readme_goes_from_header_to_widget(browser: Any, tmp_path: Path) -> None:
    needs.module("fastapi")
    (tmp_path / "readme_app.py").write_text(block(README, "python", "fastapi"))
    html = '<!doctype html><link rel="icon" href="data:,">' + blocks(README, "html")[0]
    path = os.pathsep.join([str(tmp_path), str(ROOT), *sys.path])
    with serving("readme_app:app", "uvicorn", {"PYTHONPATH": path}) as port:
        page = browser.new_page()
        page.route("**/page", lambda route: route.fulfill(body=html, content_type="text/html"))
        page.goto(f"http://127.0.0.1:{port}/page")
        page.get_by_role("button", name="Good answer").click()
        poll(lambda: page.get_by_role("status").all_inner_texts() == ["Thank you"], "the thanks")
        assert page.locator("#answer").inner_text() == "We look into 'why'."
        page.close()


@pytest.mark.parametrize("script", blocks(README, "sh"), ids=lambda script: script.split()[1])
def test_every_command_runs(script: str, tmp_path: Path) -> None:
    store = checked(f"sqlite:///{tmp_path}/feedback.db")
    store.put(row(conversation_id="c-1", updated_s=2e9))
    store.close()
    (tmp_path / "agentobs").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m agentobs "$@"\n')
    (tmp_path / "agentobs").chmod(0o755)
    environ = {
        **os.environ,
        "PATH": os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
    }
    argv = ["bash", "-euo", "pipefail", "-c", script]
    done = subprocess.run(argv, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert ("erased 1;" in done.stdout) == ("erase" in script)


def test_the_query_tells_ratings_as_they_are_now(tmp_path: Path) -> None:
    series = {
        'agentobs_feedback_received_total{gen_ai_evaluation_score_label="thumbs_up"}': 6,
        'agentobs_feedback_received_total{gen_ai_evaluation_score_label="thumbs_down"}': 2,
        'agentobs_feedback_revised_total{gen_ai_evaluation_score_label="thumbs_up",agentobs_feedback_direction="out"}': 4,
        'agentobs_feedback_revised_total{gen_ai_evaluation_score_label="thumbs_down",agentobs_feedback_direction="in"}': 3,
    }
    samples = [
        {"labels": f'{{gen_ai_evaluation_score_label="{label}"}}', "value": value}
        for label, value in (("thumbs_up", 2), ("thumbs_down", 5))
    ]
    # Over 30 days a series of constant growth is counted whole.
    inputs = [{"series": name, "values": f"0+{total}x30"} for name, total in series.items()]
    (query,) = blocks(README, "promql")
    check = {"expr": f"({query.strip()}) / 30", "eval_time": "30d", "exp_samples": samples}
    tests = {"tests": [{"interval": "1d", "input_series": inputs, "promql_expr_test": [check]}]}
    (tmp_path / "query.yaml").write_text(json.dumps(tests))
    done = promtool(2, "test", "rules", str(tmp_path / "query.yaml"))
    assert done.returncode == 0, done.stdout + done.stderr
