"""One collector for the tests of a file: services keep them apart."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.process.receiver import Receiver, receiver


@pytest.fixture(scope="module")
def received() -> Iterator[Receiver]:
    with receiver() as running:
        yield running
