"""Nothing of ours is on what a program gets: it can be pickled, copied, looked at and compared as without agentobs."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pydantic import BaseModel

from agentobs import testing
from agentobs.integrations.deferred import drain
from tests.support.clients import wire
from tests.support.clients.forms import HELPERS, RAW, RAW_STREAM, READINGS, STREAM_READINGS, STREAMS, VALUE
from tests.support.clients.looks import look, reached
from tests.support.clients.makers import anthropic_client, openai_client
from tests.support.clients.observation import See
from tests.support.clients.scenarios import Scenario, parametrize, with_forms
from tests.support.loopback import Answer, Loopback


class Verdict(BaseModel):
    """What the program wants."""

    action: str


VERDICT = '{"action": "answer"}'
EMBEDDING = {"object": "embedding", "index": 0, "embedding": "zczMPc3MTD4="}
EMBEDDED = {"object": "list", "model": "m", "data": [EMBEDDING], "usage": {"prompt_tokens": 2, "total_tokens": 2}}


def every_form(
    name: str, make: Any, resource: Any, asked: Any, whole: Answer, streamed: Answer, *, readings: int = 2
) -> list[Scenario]:
    """The call forms of one API; of the many ways to read an HTTP response, the first few."""
    stream = {**asked, "stream": True}
    rows: list[tuple[str, Any, Any, Answer]] = [
        ("", lambda c: resource(c).create(**asked), [VALUE], whole),
        (" stream", lambda c: resource(c).create(**stream), STREAMS, streamed),
        (" helper", lambda c: resource(c).stream(**asked), HELPERS, streamed),
        ("", lambda c: resource(c).with_raw_response.create(**asked), [RAW], whole),
        (" stream", lambda c: resource(c).with_raw_response.create(**stream), [RAW_STREAM], streamed),
        ("", lambda c: resource(c).with_streaming_response.create(**asked), READINGS[:readings], whole),
        (
            " stream",
            lambda c: resource(c).with_streaming_response.create(**stream),
            STREAM_READINGS[:readings],
            streamed,
        ),
    ]
    return [each for kind, call, forms, answer in rows for each in with_forms(name + kind, make, call, forms, answer)]


OPENAI = [
    *every_form(
        "chat",
        openai_client,
        lambda c: c.chat.completions,
        wire.CHAT,
        wire.answer(wire.chat()),
        wire.events(wire.CHAT_CHUNKS, named=False),
    ),
    *every_form(
        "response",
        openai_client,
        lambda c: c.responses,
        wire.ASK,
        wire.answer(wire.response()),
        wire.events(wire.response_events()),
    ),
    *with_forms(
        "chat parse",
        openai_client,
        lambda c: c.chat.completions.parse(**wire.CHAT, response_format=Verdict),
        [VALUE],
        wire.answer(wire.chat(VERDICT)),
    ),
    *with_forms(
        "embeddings",
        openai_client,
        lambda c: c.embeddings.create(model="m", input="hello"),
        [VALUE],
        wire.answer(EMBEDDED),
    ),
    *with_forms(
        "speech",
        openai_client,
        lambda c: c.audio.speech.create(model="tts-1", voice="alloy", input="hello"),
        [VALUE],
        Answer(body=b"\x00\x01audio", headers={"content-type": "audio/mpeg"}),
    ),
]
ANTHROPIC = [
    *every_form(
        "message",
        anthropic_client,
        lambda c: c.messages,
        wire.MESSAGE,
        wire.answer(wire.message()),
        wire.events(wire.MESSAGE_EVENTS),
    ),
    *with_forms(
        "message parse",
        anthropic_client,
        lambda c: c.messages.parse(**wire.MESSAGE, output_format=Verdict),
        [VALUE],
        wire.answer(wire.message(VERDICT)),
    ),
]
forms = parametrize([*OPENAI, *ANTHROPIC])


def run(loopback: Loopback, scenario: Scenario, asynchronous: bool, see: See) -> None:
    loopback.play(*scenario.answers)
    work = scenario.run(loopback.url, asynchronous)(see)
    if inspect.iscoroutine(work):
        asyncio.run(work)


def looks(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> list[tuple[str, dict[str, Any]]]:
    """How everything looks that the program gets, while it is open and after its end."""
    looked: list[tuple[str, dict[str, Any]]] = []
    run(loopback, scenario, asynchronous, lambda name, thing: looked.append((name, look(thing))))
    return looked


def _forgive_iterator(observed: list[tuple[str, dict[str, Any]]], without: list[tuple[str, dict[str, Any]]]) -> None:
    """The one known difference: anthropic makes the iterator of a stream on first use, agentobs when the stream comes."""
    for (_, with_it), (name, bare) in zip(observed, without, strict=True):
        if name in ("before", "inside", "after") and "_iterator" not in bare["vars"]:
            with_it["vars"].pop("_iterator", None)
            with_it["parts"].pop("_iterator", None)
            with_it["order of vars"] = [each for each in with_it["order of vars"] if each != "_iterator"]


@forms
def test_it_looks_the_same_while_it_is_open_and_after_its_end(
    loopback: Loopback, scenario: Scenario, asynchronous: bool
) -> None:
    without = looks(loopback, scenario, asynchronous)
    with testing.capture() as seen:
        observed = looks(loopback, scenario, asynchronous)
    if scenario.make is anthropic_client:
        _forgive_iterator(observed, without)
    assert observed == without
    assert without
    assert len(seen.spans) == 1


@forms
def test_nothing_of_ours_is_left(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    things: list[Any] = []
    with testing.capture():
        run(loopback, scenario, asynchronous, lambda _, thing: things.append(thing))
        drain()
        ours = [each for each in reached(things) if type(each).__module__.startswith("agentobs.")]
    assert not ours


@contextmanager
def _garbage() -> Iterator[list[Any]]:
    """What only a garbage collection would free."""
    gc.collect()
    gc.disable()
    try:
        yield gc.garbage
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
    finally:
        gc.set_debug(0)
        gc.enable()


@parametrize([each for each in [*OPENAI, *ANTHROPIC] if each.form.name != "dropped"])
def test_it_leaves_no_cycle(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    """But for a dropped stream: openai 2 makes a cycle of its streams, and a collection is how such a drop is seen."""
    with testing.capture():
        run(loopback, scenario, asynchronous, lambda *_: None)
        with _garbage() as garbage:
            run(loopback, scenario, asynchronous, lambda *_: None)
        ours = [each for each in garbage if type(each).__module__.startswith("agentobs")]
        garbage.clear()
    assert not ours
