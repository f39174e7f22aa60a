"""When a client was made or imported does not matter: it is observed while agentobs is in force, and not after."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import anthropic
import openai
import pytest
from opentelemetry import context, trace

import agentobs
from agentobs import testing
from tests.support.clients import wire
from tests.support.clients.forms import STREAMS, VALUE
from tests.support.clients.makers import anthropic_client, azure_client, openai_client
from tests.support.clients.observation import Observation, observe
from tests.support.clients.scenarios import Scenario, check, same
from tests.support.clients.wire import CHAT, CHAT_STREAM, MESSAGE
from tests.support.loopback import Loopback

CHATTED, CHUNKS = wire.answer(wire.chat()), wire.events(wire.CHAT_CHUNKS, named=False)
ANSWERED, EVENTS = wire.answer(wire.message()), wire.events(wire.MESSAGE_EVENTS)


@pytest.fixture
def client(loopback: Loopback) -> Iterator[Any]:
    with openai_client(loopback.url) as client:
        yield client


def chats(loopback: Loopback, chat: Callable[..., Any]) -> Observation:
    loopback.play(CHATTED)
    return observe(loopback, lambda see: see("value", chat(**CHAT)))


def chat_of(client: Any, **asked: Any) -> Any:
    return client.chat.completions.create(**asked)


MADE_BEFORE = {
    "client": lambda client: partial(chat_of, client),
    "resource": lambda client: client.chat.completions.create,
    "raw resource": lambda client: (
        lambda raw=client.chat.completions.with_raw_response, **asked: raw.create(**asked).parse()
    ),
    "copy": lambda client: client.with_options(max_retries=1).chat.completions.create,
}


@pytest.mark.parametrize("name", MADE_BEFORE)
def test_what_was_made_before(loopback: Loopback, client: Any, name: str) -> None:
    chat = MADE_BEFORE[name](client)
    without = chats(loopback, chat)
    with testing.capture() as seen:
        observed = chats(loopback, chat)
    after = chats(loopback, chat)
    assert without.raised is None
    same(without, observed)
    same(without, after)
    assert len(seen.spans) == 1


def test_what_was_made_under_agentobs_and_is_used_after_it(loopback: Loopback) -> None:
    with testing.capture() as seen:
        client = openai_client(loopback.url)
        chat = client.chat.completions.create
        observed = chats(loopback, chat)
    with client:
        same(observed, chats(loopback, chat))
    assert len(seen.spans) == 1


@pytest.mark.parametrize("form", STREAMS, ids=lambda form: form.name)
def test_a_stream_that_outlives_agentobs(loopback: Loopback, client: Any, form: Any) -> None:
    """Opened under agentobs and used after `uninstrument()`."""

    def use(around: AbstractContextManager[Any]) -> Observation:
        loopback.play(CHUNKS)
        with around:
            held = [client.chat.completions.create(**CHAT_STREAM)]
        return observe(loopback, lambda see: form.sync(held.pop, see))

    without = use(nullcontext())
    assert without.raised is None
    same(without, use(testing.capture()))


def test_the_client_of_the_module(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    with openai.DefaultHttpxClient(verify=False) as http:
        for name, value in {"api_key": "none", "base_url": f"{loopback.url}/v1", "http_client": http}.items():
            monkeypatch.setattr(openai, name, value)
        openai._reset_client()
        without = chats(loopback, openai.chat.completions.create)
        with testing.capture() as seen:
            observed = chats(loopback, openai.chat.completions.create)
        openai._reset_client()
    assert without.raised is None
    same(without, observed)
    assert len(seen.spans) == 1


SCRIPT = """
import json, sys
import agentobs
from agentobs import testing

def run():
    import {library}
    client = {library}.{kind}(base_url={url!r}, api_key="none")
    answer = client.{call}(**{asked!r})
    return type(answer).__module__, answer.model_dump(mode="json")

{first}
with testing.capture() as seen:
    answer = run()
print(json.dumps([answer, [span.name for span in seen.spans], "{library}" in before]))
"""


@pytest.mark.parametrize(
    "first", ["before = set(sys.modules)", "import {library}; before = set(sys.modules)"], ids=["after", "before"]
)
@pytest.mark.parametrize("library", ["openai", "anthropic"])
def test_imported_before_or_after(loopback: Loopback, library: str, first: str) -> None:
    """In a fresh interpreter, because a library is imported once."""
    kind, call, url, asked, answered = {
        "openai": ("OpenAI", "chat.completions.create", f"{loopback.url}/v1", CHAT, CHATTED),
        "anthropic": ("Anthropic", "messages.create", loopback.url, MESSAGE, ANSWERED),
    }[library]
    loopback.play(answered)
    first = first.format(library=library)
    script = SCRIPT.format(library=library, kind=kind, call=call, url=url, asked=asked, first=first)
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    (module, value), spans, imported_before = json.loads(done.stdout)
    assert imported_before == ("import" in first)
    assert spans == [f"chat {asked['model']}"]
    assert module.startswith(f"{library}.types.")
    assert value["usage"] is not None


def test_instrumented_twice_is_counted_once(loopback: Loopback, client: Any) -> None:
    with testing.capture() as outer, testing.capture() as inner:
        chats(loopback, client.chat.completions.create)
    assert (len(outer.spans), len(inner.spans)) == (0, 1)
    with agentobs.instrument(metrics="off") as handle:
        assert agentobs.instrument(metrics="off") is handle
        assert chats(loopback, client.chat.completions.create).raised is None
    assert not handle.active


@pytest.mark.parametrize("library", [openai, anthropic])
def test_uninstrumented_methods_are_the_very_objects_that_were_there(library: Any) -> None:
    base = library._base_client
    owners = [base.SyncAPIClient, base.AsyncAPIClient, base.BaseClient]
    before = [dict(vars(owner)) for owner in owners]
    handle = agentobs.instrument(metrics="off")
    patched = [
        name
        for owner, was in zip(owners, before, strict=True)
        for name, value in vars(owner).items()
        if value is not was[name]
    ]
    assert "request" in patched
    for owner in owners[:2]:
        assert inspect.signature(owner.request) == inspect.signature(before[owners.index(owner)]["request"])
    assert inspect.iscoroutinefunction(base.AsyncAPIClient.request)
    handle.uninstrument()
    for owner, was in zip(owners, before, strict=True):
        assert vars(owner).keys() == was.keys()
        assert all(value is was[name] for name, value in vars(owner).items())


@pytest.mark.parametrize("content", ["redacted", "full"])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("streamed", [False, True], ids=["value", "stream"])
@pytest.mark.parametrize("library", ["openai", "anthropic"])
def test_content_capture_changes_nothing(
    loopback: Loopback, library: str, streamed: bool, asynchronous: bool, content: Any
) -> None:
    """A generator of messages is used up by the library, once, and not by agentobs."""
    form = STREAMS[0] if streamed else VALUE
    extra = {"stream": True} if streamed else {}
    if library == "openai":
        answer, make = CHUNKS if streamed else CHATTED, openai_client

        def call(c: Any) -> Any:
            return c.chat.completions.create(**CHAT | extra | {"messages": (each for each in wire.SAID)})
    else:
        answer, make = EVENTS if streamed else ANSWERED, anthropic_client

        def call(c: Any) -> Any:
            return c.messages.create(**MESSAGE | extra | {"messages": (each for each in wire.SAID)})

    scenario = Scenario("content", make, call, form, [answer])
    loopback.play(answer)
    without = observe(loopback, scenario.run(loopback.url, asynchronous))
    loopback.play(answer)
    with testing.capture(content=content) as seen:
        observed = observe(loopback, scenario.run(loopback.url, asynchronous))
    assert without.raised is None
    same(without, observed)
    (span,) = seen.spans
    assert "depot" in span.attributes["gen_ai.output.messages"]


def test_suppressed_by_the_program(loopback: Loopback, client: Any) -> None:
    """OpenTelemetry's own way to keep instrumentations quiet."""
    with testing.capture() as seen:
        token = context.attach(context.set_value("suppress_instrumentation", True))
        observed = chats(loopback, client.chat.completions.create)
        context.detach(token)
    assert observed.raised is None
    assert not seen.spans


def test_nothing_is_current_between_chunks(loopback: Loopback, client: Any) -> None:
    """A span held current across a `yield` would become the parent of whatever the program does next."""
    loopback.play(CHUNKS)
    with testing.capture():
        for _ in client.chat.completions.create(**CHAT_STREAM):
            assert trace.get_current_span() is trace.INVALID_SPAN


def test_azure_names_its_deployment_in_the_path(loopback: Loopback) -> None:
    scenario = Scenario("azure", azure_client, lambda c: c.chat.completions.create(**CHAT), VALUE, [CHATTED])
    check(loopback, scenario, asynchronous=False)
    (request,) = loopback.requests
    assert f"/deployments/{wire.MODEL}/" in request.path


def test_a_difference_would_be_noticed(loopback: Loopback, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself: a wrapper that reads ahead, as some peers do, fails it."""
    without = chats(loopback, client.chat.completions.create)
    from openai._base_client import SyncAPIClient

    process = SyncAPIClient._process_response

    def meddle(self: Any, **given: Any) -> Any:
        result = process(self, **given)
        result.choices[0].message.content += " "
        return result

    monkeypatch.setattr(SyncAPIClient, "_process_response", meddle)
    with pytest.raises(AssertionError):
        same(without, chats(loopback, client.chat.completions.create))
