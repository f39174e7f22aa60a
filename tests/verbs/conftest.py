"""What the verbs emit, as plain objects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentobs.testing import Captured, capture


@pytest.fixture
def seen() -> Iterator[Captured]:
    with capture() as captured:
        yield captured
