"""schemathesis against the description that a running endpoint serves of itself: it finds nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.endpoint.serving import serving
from tests.support.endpoint.twins import SECRET
from tests.support.stack.process import fetch

OPTIONS = json.dumps({"secret": SECRET, "per_token": 1_000_000, "per_address": 1_000_000})

# A body that breaks the description by its length alone is too large, which the first check does not know of. What keeps to
# the description is taken, if its token is good and allows the name.
_CONFIG = """
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 405, 413, 415]
[checks.positive_data_acceptance]
expected-statuses = {accepted}
"""
_ACCEPTED = {"made up": [200, 202, 204, 401], "good": [200, 202, 204, 403]}

# Ratings with a token that is good, so that what is behind the token is reached too.
_HOOKS = """
import json, os, schemathesis, urllib.request

def token():
    return urllib.request.urlopen(os.environ["TOKEN_URL"]).read().decode()

@schemathesis.hook
def before_call(context, case, kwargs):
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("token"), str) and 1 <= len(body["token"]) <= 2048:
        body["token"] = token()
"""


@pytest.mark.parametrize("tokens", ["made up", "good"])
@pytest.mark.parametrize(("app", "server"), [("asgi", "uvicorn"), ("wsgi", "gunicorn")])
def test_schemathesis_finds_nothing(app: str, server: str, tokens: str, tmp_path: Path) -> None:
    env = {"FEEDBACK_OPTIONS": OPTIONS}
    with serving(f"tests.support.endpoint.apps:{app}", server, env) as port:
        mount = f"http://127.0.0.1:{port}/feedback"
        (tmp_path / "schemathesis.toml").write_text(_CONFIG.format(accepted=_ACCEPTED[tokens]))
        environ = {**os.environ, "TOKEN_URL": f"http://127.0.0.1:{port}/"}
        if tokens == "good":
            assert len(fetch(port, "/")[1]) > 100
            (tmp_path / "hooks.py").write_text(_HOOKS)
            environ |= {"SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(tmp_path)}
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "--config-file", "schemathesis.toml"),
                *("run", f"{mount}/openapi.json", "--url", mount, "--checks", "all", "--seed", "5", "--no-color"),
                *("--max-examples", "150", "--continue-on-failure"),
            ],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "No issues found" in done.stdout
