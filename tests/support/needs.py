"""What a test needs and a machine may lack. A test that lacks it is skipped, and the summary has one line for each lack.

genai_prices = needs.module("genai_prices")
boto3 = needs.module("boto3", sdks="litellm")     # a client that has an environment of its own in sdks.toml
needs.lack("npm is not installed", "apt-get install npm")
"""

from __future__ import annotations

import importlib
import os
from collections import Counter
from importlib.util import find_spec
from typing import Any, NoReturn

import pytest


def module(name: str, sdks: str = "newest") -> Any:
    """A module of the environment `sdks` of sdks.toml; in every other one it may be missing, and the test is skipped.

    Raises:
        ImportError: it is missing in its own environment.
    """
    if os.environ.get("AGENTOBS_SDKS") != sdks and not _there(name):
        lack(f"{name} is not installed here", "bash tests/run" + ("" if sdks == "newest" else f" --sdks {sdks}"))
    return importlib.import_module(name)


def _there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def lack(what: str, cure: str) -> NoReturn:
    """Skip this test, or this file of tests: something is missing, which the command `cure` provides."""
    pytest.skip(reason(what, cure), allow_module_level=True)


def require(what: str, cure: str) -> NoReturn:
    """As `lack`, for what must be there where nothing may go untested: AGENTOBS_REQUIRE_STACK=1 makes it a failure."""
    if os.environ.get("AGENTOBS_REQUIRE_STACK") == "1":
        pytest.fail(reason(what, cure), pytrace=False)
    lack(what, cure)


def reason(what: str, cure: str) -> str:
    """The reason of a skip, in the form that the summary shows."""
    return f"{what}: run {cure}"


def summary(skipped: list[Any]) -> list[str]:
    """One line for each reason among the reports of skipped tests, the most frequent one first."""
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    return [f"{count:5d} skipped: {text}" for text, count in reasons.most_common()]
