"""A response that is made in the background is one call and, later, fetches; what it used counts once, when it is known."""

from __future__ import annotations

from typing import Any

import pytest

from agentobs import agent, testing
from agentobs.integrations.apis.responses import Background
from tests.support.clients import makers, wire
from tests.support.loopback import Answer, Loopback

NUMBERS = iter(range(10_000))


@pytest.fixture
def name() -> str:
    """An id that no other test has used: ids are remembered by the process."""
    return f"resp_background_{next(NUMBERS)}"


def state(name: str, status: str, **fields: Any) -> dict[str, Any]:
    usage = wire.RESPONSE_USAGE if status in ("completed", "incomplete", "failed", "cancelled") else None
    return wire.response(status, **{"id": name, "background": True, "usage": usage, **fields})


def answers(name: str, *states: str) -> list[Answer]:
    return [wire.answer(state(name, status)) for status in states]


def spent(seen: testing.Captured) -> tuple[float, float]:
    """Output tokens, and calls that count as unpriced."""
    return seen.value("agentobs.tokens", agentobs_token_kind="output"), seen.value("agentobs.calls.unpriced")


async def _poll(client: Any, name: str, fetches: int) -> None:
    made = client.responses.create(**wire.ASK, background=True)
    made = await made if hasattr(made, "__await__") else made
    assert made.status == "queued"
    for _ in range(fetches):
        fetched = client.responses.retrieve(name)
        if hasattr(fetched, "__await__"):
            await fetched


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
async def test_polled_until_it_is_completed(loopback: Loopback, name: str, asynchronous: bool) -> None:
    loopback.play(*answers(name, "queued", "queued", "in_progress", "completed", "completed"))
    client = makers.openai_client(loopback.url, asynchronous)
    with testing.capture() as seen:
        await _poll(client, name, 4)
    await client.close() if asynchronous else client.close()
    made, *fetched = seen.spans
    assert spent(seen) == (7, 0)
    assert seen.value("agentobs.cost.usd") == pytest.approx(fetched[2].attributes["agentobs.cost.usd"])
    assert "gen_ai.response.finish_reasons" not in made.attributes
    assert [span.attributes["agentobs.outcome"] for span in seen.spans] == ["success"] * 5
    assert [span.attributes["gen_ai.response.status"] for span in fetched] == [
        "queued",
        "in_progress",
        "completed",
        "completed",
    ]
    assert ["agentobs.cost.usd" in span.attributes for span in fetched] == [False, False, True, False]


@pytest.mark.parametrize("status", ["incomplete", "failed", "cancelled"])
def test_every_final_state_is_one(loopback: Loopback, name: str, status: str) -> None:
    loopback.play(*answers(name, "queued", status, status))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        client.responses.create(**wire.ASK, background=True)
        client.responses.retrieve(name)
        client.responses.retrieve(name)
    assert spent(seen) == (7, 0)


def test_cancelling_shows_the_end(loopback: Loopback, name: str) -> None:
    loopback.play(*answers(name, "queued", "cancelled", "cancelled"))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        client.responses.create(**wire.ASK, background=True)
        client.responses.cancel(name)
        client.responses.retrieve(name)
    assert spent(seen) == (7, 0)


def test_a_response_that_was_not_made_in_the_background_is_counted_when_it_is_made(loopback: Loopback) -> None:
    loopback.play(*[wire.answer(wire.response())] * 3)
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        client.responses.create(**wire.ASK)
        client.responses.retrieve("resp_1")
        client.responses.retrieve("resp_1")
    assert spent(seen) == (7, 0)


def test_one_that_another_process_asked_for_is_counted_at_its_first_fetch(loopback: Loopback, name: str) -> None:
    loopback.play(*answers(name, "completed", "completed"))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        client.responses.retrieve(name)
        client.responses.with_raw_response.retrieve(name)
    assert spent(seen) == (7, 0)


def stream(name: str, end: bool) -> list[Any]:
    """Events of a stream that starts in the background, with or without its end."""
    told = wire.response_events(last=state(name, "completed"))
    for event in told[:2]:
        event["response"] = state(name, "queued", output=[])
    return told if end else told[:5]


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "ended early"])
def test_a_stream_that_broke_off_and_is_resumed(loopback: Loopback, name: str, cut: bool) -> None:
    first = wire.events(stream(name, end=False)).but(cut=cut)
    rest = wire.events(stream(name, end=True)[5:])
    loopback.play(first, rest, wire.answer(state(name, "completed")))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        broken = client.responses.create(**wire.ASK, background=True, stream=True)
        if cut:
            with pytest.raises(Exception, match=r"closed|Connection error"):
                list(broken)
        else:
            list(broken)
        list(client.responses.retrieve(name, stream=True, starting_after=4))
        client.responses.retrieve(name)
    begun, resumed, _ = seen.spans
    # What the program saw stands: an exception is an error. What ended in good order goes on.
    assert begun.attributes["agentobs.outcome"] == ("error" if cut else "success")
    assert begun.attributes.get("agentobs.error.class") != "incomplete_stream"
    assert resumed.attributes["agentobs.outcome"] == "success"
    assert resumed.attributes["gen_ai.usage.output_tokens"] == 7
    assert spent(seen) == (7, 0)


def test_a_stream_in_the_background_that_came_whole_is_counted_once(loopback: Loopback, name: str) -> None:
    loopback.play(wire.events(stream(name, end=True)), wire.answer(state(name, "completed")))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        list(client.responses.create(**wire.ASK, background=True, stream=True))
        client.responses.retrieve(name)
    assert spent(seen) == (7, 0)


def test_a_stream_in_the_foreground_that_ends_early_is_incomplete(loopback: Loopback) -> None:
    loopback.play(wire.events(wire.response_events()[:5]))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        list(client.responses.create(**wire.ASK, stream=True))
    assert seen.spans[0].attributes["agentobs.error.class"] == "incomplete_stream"


def test_ids_are_remembered_within_bounds() -> None:
    background = Background(remembered=3)
    for number in range(5):
        background.begun(f"resp_{number}")
    background.ended("resp_4")
    # The oldest are forgotten: then it is the response itself that says whether it was made in the background.
    assert [background.counts(f"resp_{number}", background=False) for number in range(5)] == [
        False,
        False,
        True,
        True,
        False,
    ]
    assert background.counts("resp_0", background=True)
    assert not background.counts("resp_4", background=True)


def test_the_finish_reason_of_a_run_is_that_of_its_last_answer(loopback: Loopback, name: str) -> None:
    loopback.play(*answers(name, "queued", "completed"))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client, agent("background"):
        client.responses.create(**wire.ASK, background=True)
        client.responses.retrieve(name)
    assert seen.span("invoke_agent background").attributes["gen_ai.response.finish_reasons"] == ("completed",)
