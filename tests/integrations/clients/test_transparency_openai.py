"""Every call form of openai gives the program exactly what it gives without agentobs, and sends exactly the same."""

from __future__ import annotations

from typing import Any

import httpx2
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

from tests.support.clients import wire
from tests.support.clients.forms import HELPERS, RAW, RAW_STREAM, READINGS, STREAM_READINGS, STREAMS, VALUE, WHOLE
from tests.support.clients.makers import azure_client, openai_client
from tests.support.clients.scenarios import Scenario, check, parametrize, with_forms
from tests.support.clients.wire import ASK, CHAT, CHAT_STREAM
from tests.support.loopback import Answer, Loopback


class Verdict(BaseModel):
    action: str


VERDICT = '{"action": "answer"}'
TOOL: Any = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}
CHATTED = wire.answer(wire.chat())
CHUNKS = wire.events(wire.CHAT_CHUNKS, named=False)
JUDGED = wire.answer(wire.chat(VERDICT))
RESPONDED = wire.answer(wire.response())
RESPONSE_EVENTS = wire.events(wire.response_events())
EMBEDDED = wire.answer(
    {
        "object": "list",
        "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": "zczMPc3MTD4="}],
        "usage": {"prompt_tokens": 2, "total_tokens": 2},
    }
)
COMPLETED = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1790000000,
    "model": "gpt-3.5-turbo-instruct",
    "choices": [{"index": 0, "text": "In the depot.", "finish_reason": "stop", "logprobs": None}],
    "usage": {"prompt_tokens": 2, "completion_tokens": 4, "total_tokens": 6},
}
IMAGE = wire.answer({"created": 1, "data": [{"b64_json": "AAAA"}], "usage": {"input_tokens": 5, "output_tokens": 9}})
SPOKEN = Answer(body=b"\x00\x01audio", headers={"content-type": "audio/mpeg"})
HEARD = wire.answer({"text": "hello", "usage": {"type": "tokens", "input_tokens": 5, "output_tokens": 2}})
MODELS = wire.answer({"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "me"}]})
SOUND = ("hello.wav", b"RIFF", "audio/wav")
ASK_STREAM: Any = {**ASK, "stream": True}
COMPLETE: Any = {"model": "gpt-3.5-turbo-instruct", "prompt": "Where is my parcel?"}


def each(name: str, call: Any, forms: Any, *answers: Answer, spans: int = 1) -> list[Scenario]:
    return with_forms(name, openai_client, call, forms, *answers, spans=spans)


CHATS = [
    *each("chat", lambda c: c.chat.completions.create(**CHAT), [VALUE], CHATTED),
    *each("chat with tools", lambda c: c.chat.completions.create(**CHAT, tools=[TOOL]), [VALUE], CHATTED),
    *each(
        "chat, generator",
        lambda c: c.chat.completions.create(model="m", messages=(m for m in wire.SAID)),
        [VALUE],
        CHATTED,
    ),
    *each("chat parse", lambda c: c.chat.completions.parse(**CHAT, response_format=Verdict), [VALUE], JUDGED),
    *each("chat beta parse", lambda c: c.beta.chat.completions.parse(**CHAT, response_format=Verdict), [VALUE], JUDGED),
    *each("chat stream", lambda c: c.chat.completions.create(**CHAT_STREAM), STREAMS, CHUNKS),
    *each("chat stream without usage", lambda c: c.chat.completions.create(**CHAT, stream=True), [WHOLE], CHUNKS),
    *each(
        "chat tool stream", lambda c: c.chat.completions.create(**CHAT_STREAM), [WHOLE], wire.events(wire.TOOL_CHUNKS)
    ),
    *each("chat helper", lambda c: c.chat.completions.stream(**CHAT), HELPERS, CHUNKS),
    *each("chat tool helper", lambda c: c.chat.completions.stream(**CHAT), HELPERS[:1], wire.events(wire.TOOL_CHUNKS)),
    *each("chat raw", lambda c: c.chat.completions.with_raw_response.create(**CHAT), [RAW], CHATTED),
    *each(
        "chat raw stream", lambda c: c.chat.completions.with_raw_response.create(**CHAT_STREAM), [RAW_STREAM], CHUNKS
    ),
    *each("chat", lambda c: c.chat.completions.with_streaming_response.create(**CHAT), READINGS, CHATTED),
    *each(
        "chat stream",
        lambda c: c.chat.completions.with_streaming_response.create(**CHAT_STREAM),
        STREAM_READINGS,
        CHUNKS,
    ),
    *each("chat, with_options", lambda c: c.with_options(timeout=9).chat.completions.create(**CHAT), [VALUE], CHATTED),
    *each("chat, copy", lambda c: c.copy(max_retries=0).chat.completions.create(**CHAT), [VALUE], CHATTED),
    *each(
        "chat, extra",
        lambda c: c.chat.completions.create(**CHAT, extra_headers={"x": "y"}, extra_body={"z": 1}),
        [VALUE],
        CHATTED,
    ),
    *each("chat, post", lambda c: c.post("/chat/completions", body=CHAT, cast_to=ChatCompletion), [VALUE], CHATTED),
    *each(
        "chat, post for HTTP",
        lambda c: c.post("/chat/completions", body=CHAT, cast_to=httpx2.Response),
        [VALUE],
        CHATTED,
    ),
    *each("chat, post for text", lambda c: c.post("/chat/completions", body=CHAT, cast_to=str), [VALUE], CHATTED),
]
RESPONSES = [
    *each("responses", lambda c: c.responses.create(**ASK), [VALUE], RESPONDED),
    *each(
        "responses parse",
        lambda c: c.responses.parse(**ASK, text_format=Verdict),
        [VALUE],
        wire.answer(wire.response(text=VERDICT)),
    ),
    *each("responses stream", lambda c: c.responses.create(**ASK_STREAM), STREAMS, RESPONSE_EVENTS),
    *each("responses helper", lambda c: c.responses.stream(**ASK), HELPERS, RESPONSE_EVENTS),
    *each("responses raw", lambda c: c.responses.with_raw_response.create(**ASK), [RAW], RESPONDED),
    *each(
        "responses raw stream",
        lambda c: c.responses.with_raw_response.create(**ASK_STREAM),
        [RAW_STREAM],
        RESPONSE_EVENTS,
    ),
    *each("responses", lambda c: c.responses.with_streaming_response.create(**ASK), READINGS, RESPONDED),
    *each(
        "responses stream",
        lambda c: c.responses.with_streaming_response.create(**ASK_STREAM),
        STREAM_READINGS,
        RESPONSE_EVENTS,
    ),
    *each("responses retrieve", lambda c: c.responses.retrieve("resp_1"), [VALUE], RESPONDED),
    *each("responses retrieve stream", lambda c: c.responses.retrieve("resp_1", stream=True), [WHOLE], RESPONSE_EVENTS),
    *each("responses retrieve raw", lambda c: c.responses.with_raw_response.retrieve("resp_1"), [RAW], RESPONDED),
]
OTHERS = [
    *each(
        "embeddings", lambda c: c.embeddings.create(model="text-embedding-3-small", input="hello"), [VALUE], EMBEDDED
    ),
    *each("embeddings raw", lambda c: c.embeddings.with_raw_response.create(model="m", input="hello"), [RAW], EMBEDDED),
    *each("completions", lambda c: c.completions.create(**COMPLETE), [VALUE], wire.answer(COMPLETED)),
    *each(
        "completions stream",
        lambda c: c.completions.create(**COMPLETE, stream=True),
        STREAMS,
        wire.events([COMPLETED, "[DONE]"], named=False),
    ),
    *each("image", lambda c: c.images.generate(model="gpt-image-1", prompt="a parcel"), [VALUE], IMAGE),
    *each(
        "speech",
        lambda c: c.audio.speech.create(model="tts-1", voice="alloy", input="hello"),
        [RAW._replace(name="binary", sync=VALUE.sync, asynchronous=VALUE.asynchronous)],
        SPOKEN,
    ),
    *each(
        "speech",
        lambda c: c.audio.speech.with_streaming_response.create(model="tts-1", voice="alloy", input="hi"),
        READINGS[2:3],
        SPOKEN,
    ),
    *each("transcription", lambda c: c.audio.transcriptions.create(model="whisper-1", file=SOUND), [VALUE], HEARD),
    *each("models, which is no model call", lambda c: c.models.with_raw_response.list(), [RAW], MODELS, spans=0),
    *with_forms("azure chat", azure_client, lambda c: c.chat.completions.create(**CHAT), [VALUE], CHATTED),
    *with_forms("azure stream", azure_client, lambda c: c.chat.completions.create(**CHAT_STREAM), [WHOLE], CHUNKS),
    *with_forms("azure responses", azure_client, lambda c: c.responses.create(**ASK), [VALUE], RESPONDED),
    *with_forms(
        "azure embeddings", azure_client, lambda c: c.embeddings.create(model="e", input="hello"), [VALUE], EMBEDDED
    ),
]


@parametrize(CHATS + RESPONSES + OTHERS)
def test_the_program_sees_the_same(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> None:
    observation = check(loopback, scenario, asynchronous)
    assert not observation.warned
    assert not observation.unraisable
