"""What the examples need around them: a provider that answers, and an environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agentobs.demo.faults import Fault, Faults
from agentobs.demo.provider import Provider
from tests.support.process.programs import environ


@pytest.fixture(scope="module")
def shell() -> Iterator[dict[str, str]]:
    """Variables with which the real clients reach a provider that always answers."""
    with Provider(seed=1, faults=Faults(**{str(fault): 0.0 for fault in Fault})) as provider:
        yield environ({"OPENAI_API_KEY": "none", "OPENAI_BASE_URL": f"{provider.base_url}/v1", "AGENTOBS_STRICT": "1"})
