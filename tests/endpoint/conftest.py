"""What the tests of the endpoint share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agentobs.endpoint import tokens
from agentobs.testing import Captured
from tests.support.endpoint.twins import ASGI, WSGI, Twin
from tests.support.stack import PostgreSQL, postgresql, require


@pytest.fixture(autouse=True)
def _nothing_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AGENTOBS_FEEDBACK_SECRET", "AGENTOBS_FEEDBACK_STORE", "AGENTOBS_FEEDBACK_SPOOL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    tokens.adopt(None)


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """A PostgreSQL for the tests of one file."""
    with postgresql() as running:
        yield running


@pytest.fixture(params=[ASGI, WSGI])
def kind(request: pytest.FixtureRequest) -> Any:
    """One twin after the other, to be made with options of its own."""
    return request.param


@pytest.fixture
def twin(kind: Any, seen: Captured) -> Twin:
    """One twin after the other, with the default options."""
    return kind()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium for the tests of one file."""
    from playwright.sync_api import sync_playwright

    program = require("chromium")
    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=str(program), args=["--no-sandbox", "--no-proxy-server"])
        yield running
        running.close()
