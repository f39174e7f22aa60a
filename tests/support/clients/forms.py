"""The ways in which a program uses what a client library returns, each for synchronous and asynchronous clients.

A form is given the call still to be made, so that the exception of a call and of its use are seen alike.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from .observation import See

Call = Callable[[], Any]


class Form(NamedTuple):
    """One way, as a program would write it for either kind of client."""

    name: str
    sync: Callable[[Call, See], None]
    asynchronous: Callable[[Call, See], Awaitable[None]]


async def got(value: Any) -> Any:
    """`value`, waited for where it must be."""
    return await value if inspect.isawaitable(value) else value


# --- the value of a plain call ----------------------------------------------------------------------------------------
def _value(call: Call, see: See) -> None:
    see("value", call())


async def _avalue(call: Call, see: See) -> None:
    see("value", await call())


VALUE = Form("value", _value, _avalue)


# --- streams ----------------------------------------------------------------------------------------------------------
def _whole(call: Call, see: See) -> None:
    stream = call()
    see("before", stream)
    for chunk in stream:
        see("chunk", chunk)
    see("after", stream)
    see("again", list(stream))


async def _awhole(call: Call, see: See) -> None:
    stream = await call()
    see("before", stream)
    async for chunk in stream:
        see("chunk", chunk)
    see("after", stream)
    see("again", [chunk async for chunk in stream])


def _nexts(call: Call, see: See) -> None:
    stream = call()
    while (chunk := next(stream, None)) is not None:
        see("chunk", chunk)
        see("response", stream.response)


async def _anexts(call: Call, see: See) -> None:
    stream = await call()
    while (chunk := await anext(stream, None)) is not None:
        see("chunk", chunk)
        see("response", stream.response)


def _broken_off(call: Call, see: See) -> None:
    with call() as stream:
        for chunk in stream:
            see("chunk", chunk)
            break
        see("inside", stream)
    see("after", stream)


async def _abroken_off(call: Call, see: See) -> None:
    async with await call() as stream:
        async for chunk in stream:
            see("chunk", chunk)
            break
        see("inside", stream)
    see("after", stream)


def _closed(call: Call, see: See) -> None:
    stream = call()
    see("chunk", next(stream))
    stream.close()
    see("closed", stream)
    stream.close()
    see("rest", list(stream))


async def _aclosed(call: Call, see: See) -> None:
    stream = await call()
    see("chunk", await anext(stream))
    await stream.close()
    see("closed", stream)
    await stream.close()
    see("rest", [chunk async for chunk in stream])


def _dropped(call: Call, see: See) -> None:
    stream = call()
    response = stream.response
    see("chunk", next(stream))
    del stream
    gc.collect()
    see("response", response)
    response.close()


async def _adropped(call: Call, see: See) -> None:
    stream = await call()
    response = stream.response
    see("chunk", await anext(stream))
    del stream
    gc.collect()
    see("response", response)
    await response.aclose()


def _unread(call: Call, see: See) -> None:
    with call() as stream:
        see("inside", stream)
    see("after", stream)


async def _aunread(call: Call, see: See) -> None:
    async with await call() as stream:
        see("inside", stream)
    see("after", stream)


WHOLE = Form("whole", _whole, _awhole)
STREAMS = (
    WHOLE,
    Form("nexts", _nexts, _anexts),
    Form("broken off", _broken_off, _abroken_off),
    Form("closed", _closed, _aclosed),
    Form("dropped", _dropped, _adropped),
    Form("unread", _unread, _aunread),
)


# --- helper streams: `client.….stream(...)` ---------------------------------------------------------------------------
def _final(stream: Any) -> Any:
    for name in ("get_final_completion", "get_final_response", "get_final_message"):
        if hasattr(stream, name):
            return getattr(stream, name)()
    raise LookupError(type(stream))


def _helper(call: Call, see: See) -> None:
    manager = call()
    see("manager", manager)
    with manager as stream:
        see("before", stream)
        for told in stream:
            see("event", told)
        see("final", _final(stream))
    see("after", stream)


async def _ahelper(call: Call, see: See) -> None:
    manager = call()
    see("manager", manager)
    async with manager as stream:
        see("before", stream)
        async for told in stream:
            see("event", told)
        see("final", await _final(stream))
    see("after", stream)


def _until_done(call: Call, see: See) -> None:
    with call() as stream:
        see("done", stream.until_done() is stream)
        see("final", _final(stream))


async def _auntil_done(call: Call, see: See) -> None:
    async with call() as stream:
        see("done", await stream.until_done() is stream)
        see("final", await _final(stream))


def _helper_left(call: Call, see: See) -> None:
    with call() as stream:
        for told in stream:
            see("event", told)
            break
    see("after", stream)


async def _ahelper_left(call: Call, see: See) -> None:
    async with call() as stream:
        async for told in stream:
            see("event", told)
            break
    see("after", stream)


def _helper_closed(call: Call, see: See) -> None:
    stream = call().__enter__()
    see("event", next(stream))
    stream.close()
    see("after", stream)


async def _ahelper_closed(call: Call, see: See) -> None:
    stream = await call().__aenter__()
    see("event", await anext(stream))
    await stream.close()
    see("after", stream)


def _texts(call: Call, see: See) -> None:
    with call() as stream:
        see("texts", list(stream.text_stream))
        see("text", stream.get_final_text())
        see("snapshot", stream.current_message_snapshot)


async def _atexts(call: Call, see: See) -> None:
    async with call() as stream:
        see("texts", [text async for text in stream.text_stream])
        see("text", await stream.get_final_text())
        see("snapshot", stream.current_message_snapshot)


HELPERS = (
    Form("helper", _helper, _ahelper),
    Form("until done", _until_done, _auntil_done),
    Form("helper left", _helper_left, _ahelper_left),
    Form("helper closed", _helper_closed, _ahelper_closed),
)
TEXTS = Form("texts", _texts, _atexts)


# --- `with_raw_response` ----------------------------------------------------------------------------------------------
def _raw(call: Call, see: See) -> None:
    raw = call()
    see("raw", raw)
    see("content", raw.http_response.content)
    see("parsed", raw.parse())
    see("same", raw.parse() is raw.parse())


async def _araw(call: Call, see: See) -> None:
    raw = await call()
    see("raw", raw)
    see("content", raw.http_response.content)
    see("parsed", await got(raw.parse()))
    see("same", await got(raw.parse()) is await got(raw.parse()))


def _raw_stream(call: Call, see: See) -> None:
    raw = call()
    see("raw", raw)
    stream = raw.parse()
    see("stream", stream)
    see("chunks", list(stream))
    see("after", raw)


async def _araw_stream(call: Call, see: See) -> None:
    raw = await call()
    see("raw", raw)
    stream = await got(raw.parse())
    see("stream", stream)
    see("chunks", [chunk async for chunk in stream])
    see("after", raw)


RAW = Form("raw", _raw, _araw)
RAW_STREAM = Form("raw", _raw_stream, _araw_stream)


# --- `with_streaming_response` ----------------------------------------------------------------------------------------
def _reading(name: str, read: Callable[[Any], Any]) -> Form:
    """A `with` block in which the answer is read by one method of the response, to its end or to its first part."""

    def sync(call: Call, see: See) -> None:
        with call() as raw:
            see("before", raw)
            found = read(raw)
            see("read", list(found) if inspect.isgenerator(found) or hasattr(found, "__next__") else found)
            see("inside", raw)
        see("after", raw)

    async def asynchronous(call: Call, see: See) -> None:
        async with call() as raw:
            see("before", raw)
            found = await got(read(raw))
            see("read", [part async for part in found] if hasattr(found, "__anext__") else found)
            see("inside", raw)
        see("after", raw)

    return Form(f"streaming {name}", sync, asynchronous)


def _first_line(call: Call, see: See) -> None:
    with call() as raw:
        for line in raw.iter_lines():
            see("line", line)
            break
    see("after", raw)


async def _afirst_line(call: Call, see: See) -> None:
    async with call() as raw:
        async for line in raw.iter_lines():
            see("line", line)
            break
    see("after", raw)


_PARSE = _reading("parse", lambda raw: raw.parse())
_BYTES = (
    _reading("read", lambda raw: raw.read()),
    _reading("text", lambda raw: raw.text()),
    _reading("lines", lambda raw: raw.iter_lines()),
    _reading("bytes", lambda raw: raw.iter_bytes()),
    _reading("bytes by 7", lambda raw: raw.iter_bytes(7)),
    _reading("texts", lambda raw: raw.iter_text()),
    _reading("nothing", lambda raw: None),
    Form("streaming first line", _first_line, _afirst_line),
)
READINGS = (_PARSE, _reading("json", lambda raw: raw.json()), *_BYTES)
STREAM_READINGS = (_PARSE, *_BYTES)


# --- plain generators -------------------------------------------------------------------------------------------------
def _generator_left(call: Call, see: See) -> None:
    for chunk in call():
        see("chunk", chunk)
        break


async def _agenerator_left(call: Call, see: See) -> None:
    chunks = await call()
    async for chunk in chunks:
        see("chunk", chunk)
        break
    del chunks
    gc.collect()
    await asyncio.sleep(0)


def _generator_closed(call: Call, see: See) -> None:
    chunks = call()
    see("chunk", next(chunks))
    chunks.close()
    see("rest", list(chunks))


async def _agenerator_closed(call: Call, see: See) -> None:
    chunks = await call()
    see("chunk", await anext(chunks))
    await chunks.aclose()
    see("rest", [chunk async for chunk in chunks])


GENERATORS = (
    WHOLE,
    Form("generator left", _generator_left, _agenerator_left),
    Form("generator closed", _generator_closed, _agenerator_closed),
)
