"""The client libraries are needed here; what they have loaded is not looked through for garbage again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.support import needs

needs.module("openai")
needs.module("anthropic")


@pytest.fixture(scope="session", autouse=True)
def _frozen() -> Iterator[None]:
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("openai", "anthropic"):
        monkeypatch.setattr(f"{library}._base_client.INITIAL_RETRY_DELAY", 0.001)
