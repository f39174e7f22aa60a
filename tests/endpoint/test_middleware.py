"""The middlewares: a token in the header of every answer in which an agent ran, streamed or not."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import requests

import agentobs
from agentobs.config import ConfigError
from agentobs.endpoint import tokens
from agentobs.testing import Captured
from tests.support.endpoint.serving import serving
from tests.support.endpoint.twins import SECRET

HEADER = "x-agentobs-feedback-token"


def asgi(app: Any, **options: Any) -> tuple[dict[str, str], list[bytes]]:
    """Headers and chunks of the answer of an ASGI application behind the middleware."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    asyncio.run(agentobs.FeedbackTokenMiddleware(app, **{"secret": SECRET, **options})(scope, receive, send))
    assert [message["type"] for message in sent].count("http.response.start") == 1
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return headers, [message["body"] for message in sent[1:]]


def wsgi(app: Any, **options: Any) -> tuple[dict[str, str], list[bytes]]:
    """The same of a WSGI application."""
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
        started.append({name.lower(): value for name, value in headers})
        return lambda chunk: None

    result = agentobs.FeedbackTokenWSGI(app, **{"secret": SECRET, **options})({}, start_response)
    chunks = list(result)
    if hasattr(result, "close"):
        result.close()
    (headers,) = started
    return headers, chunks


async def whole_asgi(scope: Any, receive: Any, send: Any) -> None:
    with agentobs.agent("support"):
        body = b"answer"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
    await send({"type": "http.response.body", "body": body})


async def streamed_asgi(scope: Any, receive: Any, send: Any) -> None:
    @agentobs.agent("support")
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
    async for chunk in chunks():
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def plain_asgi(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-own", b"1")]})
    await send({"type": "http.response.body", "body": b"no agent here"})


def whole_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    with agentobs.agent("support"):
        body = b"answer"
    start_response("200 OK", [("X-Own", "1")])
    return [body]


def streamed_wsgi(environ: Any, start_response: Any) -> Iterator[bytes]:
    @agentobs.agent("support")
    def chunks() -> Iterator[bytes]:
        yield b"one "
        yield b"two"

    start_response("200 OK", [("X-Own", "1")])
    return chunks()


def lazy_wsgi(environ: Any, start_response: Any) -> Iterator[bytes]:
    """A generator application, which starts its response with the first chunk."""
    start_response("200 OK", [("X-Own", "1")])
    with agentobs.agent("support"):
        chunk = b"one "
    yield chunk
    yield b"two"


def writing_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    with agentobs.agent("support"):
        start_response("200 OK", [("X-Own", "1")])(b"one ")
    return [b"two"]


def plain_wsgi(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("X-Own", "1")])
    return [b"no agent here"]


def empty_wsgi(environ: Any, start_response: Any) -> Iterator[bytes]:
    start_response("204 No Content", [("X-Own", "1")])
    return iter(())


WITH_AGENT = [
    (asgi, whole_asgi),
    (asgi, streamed_asgi),
    (wsgi, whole_wsgi),
    (wsgi, streamed_wsgi),
    (wsgi, lazy_wsgi),
    (wsgi, writing_wsgi),
]


@pytest.mark.parametrize(("run", "app"), WITH_AGENT)
def test_the_header_has_a_token_of_the_run(run: Any, app: Any, seen: Captured) -> None:
    headers, chunks = run(app, names=["tone"])
    claims = tokens.signer_of((SECRET,)).read(headers[HEADER])
    span = seen.span("invoke_agent support")
    assert (claims.rated.trace_id, claims.rated.span_id) == (span.trace_id, span.span_id)
    assert claims.names == ("tone",)
    assert headers["x-own"] == "1"
    assert headers["access-control-expose-headers"].lower() == HEADER
    assert b"".join(chunks) in (b"answer", b"one two", b"two")


@pytest.mark.parametrize(("run", "app"), [(asgi, plain_asgi), (wsgi, plain_wsgi), (wsgi, empty_wsgi)])
def test_an_answer_without_an_agent_stays_as_it_is(run: Any, app: Any, seen: Captured) -> None:
    assert run(app)[0] == {"x-own": "1"}


@pytest.mark.parametrize(("run", "app"), WITH_AGENT)
def test_without_instrument_there_is_no_header_and_nothing_else_changes(run: Any, app: Any) -> None:
    assert run(app)[0] == {"x-own": "1"}


def test_the_level_is_that_of_the_end_of_the_run(seen: Captured) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        with agentobs.agent("support"), agentobs.fallback("answer", kind="static"):
            pass
        start_response("200 OK", [])
        return [b""]

    assert tokens.signer_of((SECRET,)).read(wsgi(app)[0][HEADER]).rated.level == "static"


def test_the_model_of_a_streamed_answer_is_known_with_its_first_chunk(seen: Captured) -> None:
    import httpx2
    import openai

    delta = {"index": 0, "delta": {"content": "x"}}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [delta]}
    body = f"data: {json.dumps(chunk)}\n\ndata: [DONE]\n\n"
    transport = httpx2.MockTransport(
        lambda request: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    )
    client = openai.OpenAI(
        api_key="none", base_url="http://provider.test/v1", http_client=httpx2.Client(transport=transport)
    )

    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        @agentobs.agent("support")
        def chunks() -> Iterator[bytes]:
            with client.chat.completions.create(
                model="gpt-4.1-mini", messages=[{"role": "user", "content": "x"}], stream=True
            ) as stream:
                for part in stream:
                    yield (part.choices[0].delta.content or "").encode()

        start_response("200 OK", [])
        return chunks()

    assert tokens.signer_of((SECRET,)).read(wsgi(app)[0][HEADER]).rated.model == "gpt-4.1-mini"


def test_errors_of_the_application_are_its_own(seen: Captured) -> None:
    class OwnError(Exception):
        pass

    async def fails(scope: Any, receive: Any, send: Any) -> None:
        raise OwnError

    def fails_too(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"x"
        raise OwnError

    with pytest.raises(OwnError):
        asgi(fails)
    with pytest.raises(OwnError):
        wsgi(fails_too)


def test_the_error_page_replaces_headers_that_were_held_back(seen: Captured) -> None:
    def app(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        start_response("500 Internal Server Error", [("X-Own", "error")], None)
        yield b"sorry"

    assert wsgi(app)[0] == {"x-own": "error"}


def test_other_protocols_pass_through(seen: Captured) -> None:
    passed = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["type"])

    middleware = agentobs.FeedbackTokenMiddleware(app, secret=SECRET)
    asyncio.run(middleware({"type": "websocket"}, None, None))  # type: ignore[arg-type]
    assert passed == ["websocket"]


def test_a_missing_secret_is_an_error_when_the_middleware_is_made() -> None:
    for kind in (agentobs.FeedbackTokenMiddleware, agentobs.FeedbackTokenWSGI):
        with pytest.raises(ConfigError, match=f"{kind.__name__} needs a secret"):
            kind(lambda *_: None)  # type: ignore[arg-type, return-value]


# --- headers of streams are not kept waiting ---
async def _stream_that_waits_for_its_reader(app_starts: Callable[[], Any], **options: Any) -> list[Any]:
    """The messages of a stream that gives its first chunk only when its headers have arrived."""
    sent: list[Any] = []
    arrived = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with app_starts():
            await asyncio.wait_for(arrived.wait(), 30)
            await send({"type": "http.response.body", "body": b"chunk", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)
        arrived.set()

    scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
    await agentobs.FeedbackTokenMiddleware(app, **{"secret": SECRET, **options})(scope, receive, send)
    return sent


def test_headers_of_a_stream_do_not_wait_for_its_first_chunk(seen: Captured) -> None:
    sent = asyncio.run(_stream_that_waits_for_its_reader(contextlib.nullcontext))
    assert [message["type"] for message in sent] == ["http.response.start", *["http.response.body"] * 2]
    assert sent[0]["headers"] == []


def test_headers_of_a_stream_in_which_an_agent_runs_do_not_wait_for_its_first_chunk(seen: Captured) -> None:
    sent = asyncio.run(_stream_that_waits_for_its_reader(lambda: agentobs.agent("support")))
    token = dict(sent[0]["headers"])[HEADER.encode()].decode()
    assert tokens.signer_of((SECRET,)).read(token).rated.agent == "support"


def test_a_stream_that_cannot_be_sent_is_told_to_the_application(seen: Captured) -> None:
    class GoneError(OSError):
        pass

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await tried.wait()
        with pytest.raises(GoneError):
            await send({"type": "http.response.body", "body": b"chunk"})

    async def send(message: Any) -> None:
        tried.set()
        raise GoneError

    async def main() -> None:
        scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        with pytest.raises(GoneError):
            await agentobs.FeedbackTokenMiddleware(app, secret=SECRET)(scope, send, send)  # type: ignore[arg-type]

    tried = asyncio.Event()
    asyncio.run(main())


def test_headers_of_a_stream_arrive_through_a_server_before_its_first_chunk() -> None:
    # Not under gunicorn's own ASGI worker, which keeps headers back itself.
    with (
        serving("tests.support.endpoint.apps:streaming", "uvicorn", ready="/") as port,
        requests.get(f"http://127.0.0.1:{port}/stream", stream=True, timeout=30) as answer,
    ):
        assert answer.status_code == 200
        assert requests.get(f"http://127.0.0.1:{port}/go-on", timeout=30).status_code == 200
        assert answer.content == b"chunk"


# --- answers that others may get from a cache ---
SHARED = [
    (304, {}),
    (200, {"Cache-Control": "public"}),
    (200, {"Cache-Control": "Public, max-age=60"}),
    (200, {"Cache-Control": "max-age=60"}),
    (200, {"Cache-Control": "s-maxage=60, max-age=0"}),
    (200, {"Cache-Control": "no-cache", "CDN-Cache-Control": "max-age=60"}),
    (200, {"Cache-Control": 'private="set-cookie", max-age=60'}),
    (200, {"Expires": "Thu, 01 Dec 2050 16:00:00 GMT"}),
]
OWN = [
    ({}, "private"),
    ({"Cache-Control": "no-cache"}, "no-cache, private"),
    ({"Cache-Control": "max-age=0"}, "max-age=0, private"),
    ({"Cache-Control": "private, max-age=60"}, "private, max-age=60"),
    ({"Cache-Control": "no-store"}, "no-store"),
    ({"Expires": "0"}, "private"),
]


def answering(run: Any, status: int, headers: dict[str, str]) -> Any:
    """An application in which an agent runs, and that answers so."""

    async def asgi_app(scope: Any, receive: Any, send: Any) -> None:
        with agentobs.agent("support"):
            fields = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": fields})
        await send({"type": "http.response.body", "body": b""})

    def wsgi_app(environ: Any, start_response: Any) -> list[bytes]:
        with agentobs.agent("support"):
            start_response(f"{status} whatever", list(headers.items()))
        return [b""]

    return asgi_app if run is asgi else wsgi_app


@pytest.mark.parametrize(("status", "headers"), SHARED)
@pytest.mark.parametrize("run", [asgi, wsgi])
def test_an_answer_that_caches_may_share_gets_no_token(
    run: Any, status: int, headers: dict[str, str], seen: Captured, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(answering(run, status, headers))[0] == {name.lower(): value for name, value in headers.items()}
    assert "gets no feedback token, because others may get it from a cache" in caplog.text


@pytest.mark.parametrize(("headers", "control"), OWN)
@pytest.mark.parametrize("run", [asgi, wsgi])
def test_an_answer_with_a_token_is_kept_out_of_shared_caches(
    run: Any, headers: dict[str, str], control: str, seen: Captured
) -> None:
    answered, _ = run(answering(run, 200, headers))
    assert HEADER in answered
    assert answered["cache-control"] == control
