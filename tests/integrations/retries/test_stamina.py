"""stamina: what the program retries is counted, with or without an agent, and stamina's own hooks stay what they are."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import agentobs
from agentobs import testing
from tests.support import needs

stamina = needs.module("stamina")
instrumentation = needs.module("stamina.instrumentation")


class RefusedError(Exception):
    """What a model client raises, as far as it is read here."""

    def __init__(self, status_code: int) -> None:
        super().__init__()
        self.status_code = status_code


@pytest.fixture(autouse=True)
def _at_once() -> Any:
    with stamina.set_testing(True, attempts=3):
        yield
    instrumentation.set_on_retry_hooks(None)


def fails(*errors: Exception) -> Any:
    """A function that raises each of `errors` in turn, and then answers."""
    left = list(errors)

    @stamina.retry(on=Exception, attempts=3)  # type: ignore[untyped-decorator]
    def ask() -> str:
        if left:
            raise left.pop(0)
        return "In the depot."

    return ask


def retries(seen: testing.Captured) -> list[str]:
    """What each retry was the answer to, by the events that tell of them."""
    return [event.attributes["agentobs.retry.status"] for event in seen.events]


def test_retries_without_an_agent() -> None:
    with testing.capture() as seen:
        assert fails(RefusedError(429), TimeoutError())() == "In the depot."
    assert retries(seen) == ["429", "timeout"]
    assert seen.value("agentobs.retry.attempts", agentobs_retry_layer="app") == 2
    assert seen.spans == []


def test_retries_are_the_run_s() -> None:
    with testing.capture() as seen, agentobs.agent("desk"):
        fails(RefusedError(503))()
    assert seen.span("invoke_agent desk").attributes["agentobs.retries"] == 1
    assert seen.value("agentobs.retry.attempts", gen_ai_agent_name="desk", agentobs_retry_layer="app") == 1


def test_coroutines_and_blocks_too() -> None:
    @stamina.retry(on=ValueError, attempts=2)  # type: ignore[untyped-decorator]
    async def ask() -> None:
        raise ValueError

    with testing.capture() as seen:
        with pytest.raises(ValueError, match=r"^$"):
            asyncio.run(ask())
        for attempt in stamina.retry_context(on=ValueError, attempts=2):
            with attempt:
                if attempt.num == 1:
                    raise ValueError
    assert len(retries(seen)) == seen.value("agentobs.retry.attempts") > 1


def test_the_program_s_hooks_are_called_and_stay() -> None:
    told: list[int] = []

    def hook(details: Any) -> None:
        told.append(details.retry_num)

    instrumentation.set_on_retry_hooks([hook])
    with testing.capture() as seen:
        fails(RefusedError(500))()
    assert (told, len(retries(seen))) == ([1], 1)
    assert instrumentation.get_on_retry_hooks() == (hook,)


def test_hooks_that_the_program_chooses_later_stay() -> None:
    def hook(details: Any) -> None:
        """Nothing to do."""

    with testing.capture():
        instrumentation.set_on_retry_hooks([hook])
    assert instrumentation.get_on_retry_hooks() == (hook,)


def test_the_defaults_are_made_by_the_first_retry_and_stay() -> None:
    before = [type(hook) for hook in instrumentation.get_on_retry_hooks()]
    for errors in ([], [RefusedError(500)]):
        instrumentation.set_on_retry_hooks(None)
        with testing.capture():
            fails(*errors)()
        assert [type(hook) for hook in instrumentation.get_on_retry_hooks()] == before
