"""Nothing of ours is on what a program gets: it can be pickled, copied, looked at and compared as without agentobs."""

from __future__ import annotations

import copy
import gc
import pickle
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from agentobs import testing
from tests.support.clients import makers, wire
from tests.support.loopback import Answer, Loopback

Use = Callable[[Any], Iterator[Any]]
"""Makes a call and hands out what a program holds of it: while it is open, and after its end."""


def _value(call: Callable[[], Any]) -> Iterator[Any]:
    yield call()


def _stream(call: Callable[[], Any]) -> Iterator[Any]:
    stream = call()
    chunk = next(stream)
    yield stream
    yield chunk
    yield stream.response
    list(stream)
    yield stream
    yield stream.response
    stream.close()
    yield stream


def _left(call: Callable[[], Any]) -> Iterator[Any]:
    stream = call()
    next(stream)
    stream.close()
    yield stream
    yield stream.response


def _raw(call: Callable[[], Any]) -> Iterator[Any]:
    raw = call()
    yield raw
    yield raw.http_response
    parsed = raw.parse()
    yield parsed
    if hasattr(parsed, "response"):
        list(parsed)
        yield parsed
    yield raw
    yield raw.http_response


def _streaming(call: Callable[[], Any]) -> Iterator[Any]:
    with call() as raw:
        yield raw
        yield raw.http_response
        list(raw.iter_lines())
        yield raw
        yield raw.http_response
    yield raw
    yield raw.http_response


def _helper(call: Callable[[], Any]) -> Iterator[Any]:
    manager = call()
    yield manager
    with manager as stream:
        next(iter(stream))
        yield stream
        list(stream)
        yield stream
    yield stream


CHAT = wire.answer(wire.chat())
CHUNKS = wire.events(wire.CHAT_CHUNKS, named=False)
EVENTS = wire.events(wire.response_events())
MESSAGES = wire.events(wire.MESSAGE_EVENTS)
openai, anthropic = makers.openai_client, makers.anthropic_client
FORMS: dict[str, tuple[Any, Callable[[Any], Any], Callable[..., Iterator[Any]], Answer]] = {
    "chat": (openai, lambda c: c.chat.completions.create(**wire.CHAT), _value, CHAT),
    "chat stream": (openai, lambda c: c.chat.completions.create(**wire.CHAT_STREAM), _stream, CHUNKS),
    "chat stream, left": (openai, lambda c: c.chat.completions.create(**wire.CHAT_STREAM), _left, CHUNKS),
    "chat raw": (openai, lambda c: c.chat.completions.with_raw_response.create(**wire.CHAT), _raw, CHAT),
    "chat raw stream": (
        openai,
        lambda c: c.chat.completions.with_raw_response.create(**wire.CHAT_STREAM),
        _raw,
        CHUNKS,
    ),
    "chat streaming": (
        openai,
        lambda c: c.chat.completions.with_streaming_response.create(**wire.CHAT),
        _streaming,
        CHAT,
    ),
    "chat streaming stream": (
        openai,
        lambda c: c.chat.completions.with_streaming_response.create(**wire.CHAT_STREAM),
        _streaming,
        CHUNKS,
    ),
    "chat helper": (openai, lambda c: c.chat.completions.stream(**wire.CHAT), _helper, CHUNKS),
    "response": (openai, lambda c: c.responses.create(**wire.ASK), _value, wire.answer(wire.response())),
    "response stream": (openai, lambda c: c.responses.create(**wire.ASK, stream=True), _stream, EVENTS),
    "response helper": (openai, lambda c: c.responses.stream(**wire.ASK), _helper, EVENTS),
    "message": (anthropic, lambda c: c.messages.create(**wire.MESSAGE), _value, wire.answer(wire.message())),
    "message stream": (anthropic, lambda c: c.messages.create(**wire.MESSAGE, stream=True), _stream, MESSAGES),
    "message stream, left": (anthropic, lambda c: c.messages.create(**wire.MESSAGE, stream=True), _left, MESSAGES),
    "message raw": (
        anthropic,
        lambda c: c.messages.with_raw_response.create(**wire.MESSAGE),
        _raw,
        wire.answer(wire.message()),
    ),
    "message streaming": (
        anthropic,
        lambda c: c.messages.with_streaming_response.create(**wire.MESSAGE, stream=True),
        _streaming,
        MESSAGES,
    ),
    "message helper": (anthropic, lambda c: c.messages.stream(**wire.MESSAGE), _helper, MESSAGES),
}
forms = pytest.mark.parametrize("form", FORMS)


def _tried(work: Callable[[], Any]) -> Any:
    """What `work` comes to: nothing but that it did, or the exception."""
    try:
        work()
    except Exception as error:
        return type(error).__name__, _steady(str(error))
    return "done"


def _steady(text: str) -> str:
    """`text` without addresses, ports, ids and durations that every run makes anew."""
    return re.sub(r"0x[0-9a-f]+|127\.0\.0\.1:\d+|stainless-python-retry-[0-9a-f-]+|timedelta\(.*?\)", "*", text)


def looked_at(thing: Any) -> dict[str, Any]:
    """Everything that a program may do to what it holds without using it."""
    own = vars(thing)
    return {
        "pickle": _tried(lambda: pickle.loads(pickle.dumps(thing))),  # noqa: S301  our own
        "deepcopy": _tried(lambda: copy.deepcopy(thing)),
        "copy": _tried(lambda: copy.copy(thing)),
        "vars": [(name, _kind(value)) for name, value in own.items()],
        "repr": _steady(repr(thing)),
        "==": (thing == thing, thing == object(), thing != thing),  # noqa: PLR0124
        "hash": _tried(lambda: hash(thing)),
        "dir": dir(thing),
        "parts": {name: _tried(lambda value=value: copy.deepcopy(value)) for name, value in own.items()},
    }


def _kind(value: Any) -> Any:
    return (
        value.__class__.__module__,
        value.__class__.__qualname__,
        isinstance(value, type(value)),
        _steady(repr(value)),
    )


def _seen(loopback: Loopback, form: str) -> list[dict[str, Any]]:
    make, call, use, answer = FORMS[form]
    loopback.play(answer)
    with make(loopback.url) as client:
        return [looked_at(thing) for thing in use(lambda: call(client))]


@forms
def test_it_looks_the_same_while_it_is_open_and_after_its_end(loopback: Loopback, form: str) -> None:
    without = _seen(loopback, form)
    with testing.capture() as seen:
        observed = _seen(loopback, form)
    assert observed == without
    assert len(seen.spans) == 1


@forms
def test_nothing_of_ours_is_left(loopback: Loopback, form: str) -> None:
    make, call, use, answer = FORMS[form]
    loopback.play(answer)
    with testing.capture(), make(loopback.url) as client:
        *_, thing = use(lambda: call(client))
        held = {id(thing): thing}
        for _ in range(4):
            held |= {
                id(each): each
                for each in gc.get_referents(*held.values())
                if hasattr(each, "__dict__") or gc.is_tracked(each)
            }
        ours = [each for each in held.values() if type(each).__module__.startswith("agentobs.integrations.seams")]
    assert not ours


@contextmanager
def _collector_off() -> Iterator[None]:
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@forms
def test_it_leaves_no_cycle(loopback: Loopback, form: str) -> None:
    make, call, use, answer = FORMS[form]

    def garbage() -> int:
        loopback.play(answer)
        with make(loopback.url) as client, _collector_off():
            for _ in use(lambda: call(client)):
                pass
            _ = None
            return sum(type(each).__module__.startswith("agentobs") for each in _collected())

    with testing.capture():
        garbage()
        assert garbage() == 0


def _collected() -> list[Any]:
    """What the garbage collector finds now."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        return list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
