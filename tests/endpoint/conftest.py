"""What the tests of the endpoint share."""

from __future__ import annotations

from typing import Any

import pytest

from agentobs.endpoint import tokens
from agentobs.testing import Captured
from tests.support.endpoint.twins import ASGI, WSGI, Twin


@pytest.fixture(autouse=True)
def _no_secret_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AGENTOBS_FEEDBACK_SECRET", "AGENTOBS_FEEDBACK_STORE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(tokens, "_adopted", None)


@pytest.fixture(params=[ASGI, WSGI])
def kind(request: pytest.FixtureRequest) -> Any:
    """One twin after the other, to be made with options of its own."""
    return request.param


@pytest.fixture
def twin(kind: Any, seen: Captured) -> Twin:
    """One twin after the other, with the default options."""
    return kind()  # type: ignore[no-any-return]
