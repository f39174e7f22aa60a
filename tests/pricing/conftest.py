"""The table of prices that comes with the package."""

from __future__ import annotations

import pytest

from agentobs.pricing import PriceBook


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return PriceBook.bundled()
