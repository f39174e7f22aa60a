"""An answer with status 200 that is no answer is an error, by what its body says; the program sees what it always saw."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest

from agentobs import testing
from tests.support.clients import endings, makers, wire
from tests.support.clients.forms import RAW, RAW_STREAM, STREAM_READINGS, VALUE, WHOLE, Form
from tests.support.clients.observation import observe
from tests.support.clients.scenarios import Make, Scenario, check
from tests.support.loopback import Answer, Loopback

PAGE = b"<!DOCTYPE html><html><body>Sign in to continue</body></html>"
BODIES: dict[str, tuple[Answer, str, str]] = {
    "OpenRouter": (
        wire.answer({"error": {"message": "Provider returned error", "code": 502}}),
        "502",
        "server_error",
    ),
    "OpenAI's shape": (
        wire.answer({"error": {"message": "Slow down", "type": "tokens", "code": "rate_limit_exceeded"}}),
        "rate_limit_exceeded",
        "rate_limit",
    ),
    "Anthropic's shape": (
        wire.answer({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
        "overloaded_error",
        "overloaded",
    ),
    "Gemini's list": (wire.answer([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]), "429", "rate_limit"),
    "a gateway": (wire.answer({"status": 503, "error": "Service Unavailable"}), "503", "overloaded"),
    "API management": (wire.answer({"statusCode": 401, "message": "Access denied"}), "401", "auth"),
    "an error that says nothing": (wire.answer({"error": "no"}), "invalid_output", "invalid_output"),
    "none of the fields": (wire.answer({"detail": "hello"}), "invalid_output", "invalid_output"),
    "a page": (Answer(body=PAGE, headers={"content-type": "text/html"}), "invalid_output", "invalid_output"),
}


class Api:
    """One API of a client: the call, whole or streamed, and as the raw forms make it."""

    def __init__(self, name: str, make: Make, call: Callable[..., Any], streams: bool = True) -> None:
        self.name, self.make, self.call, self.streams = name, make, call, streams


def _api(resource: Callable[[Any], Any], arguments: dict[str, Any]) -> Callable[..., Any]:
    def call(client: Any, raw: str | None = None, **more: Any) -> Any:
        found = resource(client)
        return (found if raw is None else getattr(found, raw)).create(**arguments, **more)

    return call


APIS = [
    Api("chat", makers.openai_client, _api(lambda c: c.chat.completions, wire.CHAT)),
    Api("completions", makers.openai_client, _api(lambda c: c.completions, {"model": "m", "prompt": "hello"})),
    Api("responses", makers.openai_client, _api(lambda c: c.responses, wire.ASK)),
    Api("embeddings", makers.openai_client, _api(lambda c: c.embeddings, {"model": "e", "input": "hello"}), False),
    Api("messages", makers.anthropic_client, _api(lambda c: c.messages, wire.MESSAGE)),
    Api("beta messages", makers.anthropic_client, _api(lambda c: c.beta.messages, wire.MESSAGE)),
]


def _rows() -> list[Any]:
    rows = []
    for api in APIS:
        forms: list[tuple[Form, dict[str, Any]]] = [
            (VALUE, {}),
            (RAW, {"raw": "with_raw_response"}),
            (STREAM_READINGS[1], {"raw": "with_streaming_response"}),
        ]
        if api.streams:
            forms += [
                (WHOLE, {"stream": True}),
                (RAW_STREAM._replace(name="raw stream"), {"raw": "with_raw_response", "stream": True}),
                (
                    STREAM_READINGS[0]._replace(name="streaming parse"),
                    {"raw": "with_streaming_response", "stream": True},
                ),
            ]
        rows += [
            pytest.param(
                api, form, options, asynchronous, id=f"{api.name}-{form.name}-{'async' if asynchronous else 'sync'}"
            )
            for form, options in forms
            for asynchronous in (False, True)
        ]
    return rows


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("api", "form", "options", "asynchronous"), _rows())
def test_it_is_an_error(
    loopback: Loopback, api: Api, form: Form, options: dict[str, Any], asynchronous: bool, body: str
) -> None:
    answer, error_type, error_class = BODIES[body]
    if (api.name, form.name, error_type) == ("embeddings", "value", "invalid_output"):
        # The library itself refuses embeddings without data, and stumbles over a page.
        error_type = "AttributeError" if body == "a page" else "ValueError"
    scenario = Scenario(body, api.make, lambda client: api.call(client, **options), form, (answer,))
    with testing.capture() as seen:
        run(loopback, scenario, asynchronous)
    (span,) = seen.spans
    told = span.attributes
    assert (told["agentobs.outcome"], told["error.type"], told["agentobs.error.class"]) == (
        "error",
        error_type,
        error_class,
    )
    assert span.status == endings.NO_ANSWER.status
    assert seen.value("agentobs.calls", agentobs_outcome="error") == 1
    assert seen.value("agentobs.calls.unpriced") == 0


def run(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    """Run it once, whatever the program gets."""
    loopback.play(*scenario.answers)
    observe(loopback, scenario.run(loopback.url, asynchronous))


@pytest.mark.parametrize("body", ["a page", "OpenRouter"])
@pytest.mark.parametrize("api", [APIS[0], APIS[-2]], ids=["chat", "messages"])
def test_the_program_sees_the_same(loopback: Loopback, api: Api, body: str) -> None:
    answer = BODIES[body][0]
    check(loopback, Scenario(body, api.make, api.call, VALUE, (answer,)), False)


def test_an_answer_with_an_error_beside_it_counts_what_it_used(loopback: Loopback) -> None:
    loopback.play(wire.answer(wire.chat() | {"error": {"message": "Upstream broke off", "code": 502}}))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        client.chat.completions.create(**wire.CHAT)
    (span,) = seen.spans
    assert span.attributes["agentobs.error.class"] == "server_error"
    assert span.attributes["gen_ai.usage.input_tokens"] == 11


@pytest.mark.parametrize("page", [True, False], ids=["a page", "JSON"])
def test_sound_that_is_none(loopback: Loopback, page: bool) -> None:
    answer = BODIES["a page"][0] if page else wire.answer({"error": {"message": "no", "code": 429}})
    loopback.play(answer)
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        client.audio.speech.create(model="tts-1", voice="alloy", input="hello")
    (span,) = seen.spans
    assert span.attributes["agentobs.error.class"] == ("invalid_output" if page else "rate_limit")


def test_sound_is_an_answer(loopback: Loopback) -> None:
    loopback.play(Answer(body=b"ID3...", headers={"content-type": "audio/mpeg"}))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        client.audio.speech.create(model="tts-1", voice="alloy", input="hello")
    assert seen.spans[0].attributes["agentobs.outcome"] == "success"


def test_a_text_is_a_transcription_and_a_page_is_none(loopback: Loopback) -> None:
    outcomes = []
    for answer in (Answer(body=b"Hello.", headers={"content-type": "text/plain"}), BODIES["a page"][0]):
        loopback.play(answer)
        with testing.capture() as seen, makers.openai_client(loopback.url) as client:
            client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", b"ID3"), response_format="text")
        outcomes.append(seen.spans[0].attributes["agentobs.outcome"])
    assert outcomes == ["success", "error"]


def test_an_answer_in_a_class_of_the_programs_own_is_one(loopback: Loopback) -> None:
    class Mine(openai.BaseModel):
        id: str

    loopback.play(wire.answer(wire.chat()))
    with testing.capture() as seen, makers.openai_client(loopback.url) as client:
        client.post("/chat/completions", cast_to=Mine, body=dict(wire.CHAT))
    (span,) = seen.spans
    assert span.attributes["agentobs.outcome"] == "success"
    assert span.attributes["gen_ai.usage.output_tokens"] == 7
