"""botocore: nothing is patched, the program notices nothing, and each call of Bedrock is rightly read."""

from __future__ import annotations

import contextlib
import gc
import json
from collections.abc import Callable
from typing import Any

import pytest

import agentobs
from agentobs import testing
from tests.support import corpus, needs
from tests.support.clients import endings, scenarios, wire
from tests.support.clients.amazon import client, events, refusal
from tests.support.clients.known import check, tokens
from tests.support.clients.observation import See, observe
from tests.support.kept import kept
from tests.support.loopback import Answer, Loopback

botocore = needs.module("botocore.exceptions")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:Exception ignored in. <(socket|function)")

MODEL = "eu.anthropic.claude-sonnet-4-6-v1:0"
ASK: Any = {
    "modelId": MODEL,
    "messages": [{"role": "user", "content": [{"text": "Where is my parcel?"}]}],
    "inferenceConfig": {"maxTokens": 100, "temperature": 0.5},
}
USAGE: Any = {
    "inputTokens": 5,
    "outputTokens": 7,
    "totalTokens": 18,
    "cacheReadInputTokens": 4,
    "cacheWriteInputTokens": 2,
}
KNOWN = {"input": 11, "output": 7, "cache_read.input": 4, "cache_write.input": 2}
SAID: Any = {
    "output": {"message": {"role": "assistant", "content": [{"text": "In the depot."}]}},
    "stopReason": "end_turn",
    "usage": USAGE,
    "metrics": {"latencyMs": 1},
}
WHOLE = wire.answer(SAID)
TOLD: list[tuple[str, Any]] = [
    ("messageStart", {"role": "assistant"}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "In the "}}),
    ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "depot."}}),
    ("contentBlockStop", {"contentBlockIndex": 0}),
    ("messageStop", {"stopReason": "end_turn"}),
    ("metadata", {"usage": USAGE, "metrics": {"latencyMs": 1}}),
]
BUSY = refusal(503, "ServiceUnavailableException")


# --- the program ------------------------------------------------------------------------------------------------------
def _converse(used: Any, see: See) -> None:
    see("value", used.converse(**ASK))


def _retried(used: Any, see: See) -> None:
    see("value", used.converse(**ASK)["ResponseMetadata"]["RetryAttempts"])


def _stream(used: Any, see: See) -> None:
    answer = used.converse_stream(**ASK)
    see("before", answer)
    for event in answer["stream"]:
        see("event", event)
    see("after", answer["stream"])
    see("again", list(answer["stream"]))


def _closed(used: Any, see: See) -> None:
    stream = used.converse_stream(**ASK)["stream"]
    see("event", next(iter(stream)))
    stream.close()
    see("after", stream)


def _dropped(used: Any, see: See) -> None:
    for event in used.converse_stream(**ASK)["stream"]:
        see("event", event)
        break
    gc.collect()


def _invoke(used: Any, see: See) -> None:
    answer = used.invoke_model(modelId=MODEL, body=b"{}")
    see("read", answer["body"].read())


def _invalid(used: Any, see: See) -> None:
    see("value", used.converse(modelId=3))


PROGRAMS: list[tuple[Callable[[Any, See], None], list[Answer], int, str | None]] = [
    (_converse, [WHOLE], 1, None),
    (_retried, [BUSY, WHOLE], 1, None),
    (_converse, [BUSY, BUSY], 1, "ServiceUnavailableException"),
    (_converse, [refusal(400, "ValidationException")], 1, "ValidationException"),
    (_converse, [Answer(body=b"<html>")], 1, None),
    (_converse, [Answer(cut=True), Answer(cut=True)], 1, "ConnectionClosedError"),
    (_stream, [events(TOLD)], 1, None),
    (_stream, [events([*TOLD[:2], ("throttlingException", {"message": "No."})])], 1, "EventStreamError"),
    (_stream, [refusal(404, "ResourceNotFoundException")], 1, "ResourceNotFoundException"),
    (_closed, [events(TOLD)], 1, None),
    (_dropped, [events(TOLD)], 1, None),
    (_invoke, [wire.answer({"content": "In the depot."})], 1, None),
    (_invalid, [], 0, "ParamValidationError"),
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: f"{program[0].__name__[1:]}-{program[3] or 'fine'}")
def test_the_program_notices_nothing(loopback: Loopback, program: Any) -> None:
    run, answers, spans, raises = program

    def scenario(see: See) -> None:
        run(client(loopback.url, attempts=2), see)

    loopback.play(*answers)
    without = observe(loopback, scenario)
    loopback.play(*answers)
    with testing.capture() as seen:
        observed = observe(loopback, scenario)
        gc.collect()
    for each in (without, observed):
        # Whether a dropped stream's socket or its reader is freed first is the garbage collector's choice.
        each.warned = [warned for warned in each.warned if not warned.startswith("ResourceWarning")]
    scenarios.same(without, observed)
    assert (without.raised and without.raised[0][1]) == raises
    assert len(seen.spans) == spans
    assert seen.value("agentobs.calls.active") == 0


def test_clients_made_before_and_after_are_seen_and_later_left_alone(loopback: Loopback) -> None:
    before = client(loopback.url)
    loopback.play(*[WHOLE] * 4)
    with testing.capture() as seen:
        between = client(loopback.url)
        before.converse(**ASK)
        between.converse(**ASK)
        assert {*_handlers(before), *_handlers(between)} == {"agentobs.integrations.clients.botocore"}
    assert len(seen.spans) == 2
    with testing.capture() as seen:
        pass
    before.converse(**ASK)
    between.converse(**ASK)
    assert seen.spans == []
    assert all(_handlers(used) == [] for used in (before, between, client(loopback.url)))


def _handlers(used: Any) -> list[str]:
    """The modules of the handlers of an event that only agentobs listens to."""
    called = used.meta.events.emit("after-call-error.bedrock-runtime.Converse", exception=Exception(), context={})
    return [handler.__module__ for handler, _ in called]


def test_other_services_are_left_alone(loopback: Loopback) -> None:
    import boto3

    loopback.play(wire.answer({}))
    with testing.capture() as seen:
        other = boto3.Session("AKIDEXAMPLE", "none", region_name="eu-central-1")
        other.client("dynamodb", endpoint_url=loopback.url).list_tables()
    assert seen.spans == []


def test_a_stubbed_client_asks_no_model() -> None:
    from botocore.stub import Stubber

    with testing.capture() as seen:
        used = client("http://127.0.0.1:9")
        with Stubber(used) as stubber:
            stubber.add_response("converse", SAID)
            used.converse(**ASK)
    assert seen.spans == []


# --- what is known ----------------------------------------------------------------------------------------------------
def made_by(loopback: Loopback, stream: bool, **more: Any) -> None:
    used = client(loopback.url, attempts=3)
    if stream:
        list(used.converse_stream(**ASK | more)["stream"])
    else:
        used.converse(**ASK | more)


kinds = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@kinds
def test_usage_is_in_the_terms_of_the_conventions(loopback: Loopback, stream: bool) -> None:
    loopback.play(events(TOLD) if stream else WHOLE)
    with testing.capture() as seen:
        made_by(loopback, stream)
    span = seen.span(f"chat {MODEL}")
    assert tokens(span) == KNOWN
    assert span.attributes["gen_ai.provider.name"] == "aws.bedrock"
    assert span.attributes["gen_ai.response.finish_reasons"] == ("end_turn",)
    assert (span.attributes["gen_ai.request.max_tokens"], span.attributes["gen_ai.request.temperature"]) == (100, 0.5)
    assert span.attributes.get("agentobs.stream.chunks") == (6 if stream else None)


@pytest.mark.parametrize(
    ("usage", "known"),
    [
        ({"inputTokens": 5, "outputTokens": 7, "totalTokens": 12}, {"input": 5, "output": 7}),
        ({"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}, {"input": 0, "output": 0}),
        ({}, {}),
    ],
)
@kinds
def test_what_is_not_said_is_unknown(loopback: Loopback, usage: Any, known: dict[str, int], stream: bool) -> None:
    loopback.play(
        events([*TOLD[:-1], ("metadata", {"usage": usage})]) if stream else wire.answer(SAID | {"usage": usage})
    )
    with testing.capture() as seen:
        made_by(loopback, stream)
    assert tokens(seen.spans[0]) == known


def test_an_arn_is_named_by_what_it_ends_with(loopback: Loopback) -> None:
    loopback.play(WHOLE)
    with testing.capture() as seen:
        made_by(loopback, False, modelId=f"arn:aws:bedrock:eu-central-1:123456789012:inference-profile/{MODEL}")
    assert seen.spans[0].name == f"chat {MODEL}"


def test_retries_belong_to_the_call(loopback: Loopback) -> None:
    loopback.play(BUSY, refusal(429, "ThrottlingException"), WHOLE)
    with testing.capture() as seen:
        made_by(loopback, stream=False)
    (span,) = seen.spans
    assert (span.attributes["agentobs.retries"], span.attributes["agentobs.outcome"]) == (2, "success")
    assert [event.attributes["agentobs.retry.status"] for event in seen.events] == ["503", "429"]


@kinds
def test_content_is_in_the_shapes_of_the_conventions(loopback: Loopback, stream: bool) -> None:
    tool = {"toolUseId": "t-1", "name": "look_up"}
    told = [
        *TOLD[:3],
        ("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": tool}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"order": '}}}),
        ("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '"4711"}'}}}),
        ("messageStop", {"stopReason": "tool_use"}),
    ]
    content = [{"text": "In the depot."}, {"toolUse": tool | {"input": {"order": "4711"}}}]
    whole = SAID | {"stopReason": "tool_use", "output": {"message": {"role": "assistant", "content": content}}}
    loopback.play(events(told) if stream else wire.answer(whole))
    picture = {"image": {"format": "png", "source": {"bytes": b"\x00" * 2000}}}
    result = {"toolResult": {"toolUseId": "t-0", "content": [{"json": {"found": True}}], "status": "success"}}
    messages = [*ASK["messages"], {"role": "user", "content": [picture, result]}]
    tools = [{"toolSpec": {"name": "look_up", "description": "Finds.", "inputSchema": {"json": {"type": "object"}}}}]
    with testing.capture(content="full") as seen:
        made_by(loopback, stream, messages=messages, system=[{"text": "Be short."}], toolConfig={"tools": tools})
    said = {name: json.loads(text) for name, text in seen.spans[0].attributes.items() if str(text).startswith("[")}
    assert said["gen_ai.system_instructions"] == [{"type": "text", "content": "Be short."}]
    assert said["gen_ai.tool.definitions"] == [
        {"type": "function", "name": "look_up", "description": "Finds.", "parameters": {"type": "object"}}
    ]
    blob = {"type": "blob", "mime_type": "image/png", "modality": "image", "content": "", "left_out": True}
    assert said["gen_ai.input.messages"][1]["parts"] == [
        blob | {"byte_count": 2000},
        {
            "type": "tool_call_response",
            "id": "t-0",
            "response": [{"type": "generic", "generic_type": "json", "content": {"found": True}}],
        },
    ]
    call = {"type": "tool_call", "id": "t-1", "name": "look_up", "arguments": {"order": "4711"}}
    parts = [{"type": "text", "content": "In the depot."}, call]
    assert said["gen_ai.output.messages"] == [{"role": "assistant", "parts": parts, "finish_reason": "tool_call"}]


# --- endings ----------------------------------------------------------------------------------------------------------
def test_closed_early(loopback: Loopback) -> None:
    loopback.play(events(TOLD))
    with testing.capture() as seen:
        stream = client(loopback.url).converse_stream(**ASK)["stream"]
        next(iter(stream))
        stream.close()
        check(seen, endings.CLOSED)


def test_dropped(loopback: Loopback) -> None:
    loopback.play(events(TOLD))
    with testing.capture() as seen:
        for _ in client(loopback.url).converse_stream(**ASK)["stream"]:
            break
        check(seen, endings.DROPPED)


def test_never_read(loopback: Loopback) -> None:
    loopback.play(events(TOLD))
    with testing.capture() as seen:
        client(loopback.url).converse_stream(**ASK)
        check(seen, endings.DROPPED)


def test_cut(loopback: Loopback) -> None:
    loopback.play(events(TOLD[:3]).but(cut=True))
    with testing.capture() as seen:
        with pytest.raises(Exception, match=r".") as raised:
            made_by(loopback, stream=True)
        check(seen, endings.CUT, (type(raised.value).__qualname__, "connection"))


def test_a_stream_without_its_end_is_incomplete(loopback: Loopback) -> None:
    loopback.play(events(TOLD[:3]))
    with testing.capture() as seen:
        made_by(loopback, stream=True)
        check(seen, endings.INCOMPLETE, ("incomplete_stream", "incomplete_stream"))


def test_an_error_in_the_stream(loopback: Loopback) -> None:
    loopback.play(events([*TOLD[:3], ("throttlingException", {"message": "No."})]))
    with testing.capture() as seen:
        with pytest.raises(botocore.EventStreamError):
            made_by(loopback, stream=True)
        check(seen, endings.SAID_ERROR, ("throttlingException", "rate_limit"))


@pytest.mark.parametrize(
    ("status", "kind", "message", "error_class"),
    [
        (400, "ValidationException", "No.", "invalid_request"),
        (400, "ValidationException", "Input is too long for requested model.", "context_window"),
        (403, "AccessDeniedException", "No.", "auth"),
        (404, "ResourceNotFoundException", "No.", "not_found"),
        (424, "ModelErrorException", "No.", "invalid_request"),
    ],
)
def test_errors_have_amazon_s_word_and_the_class_of_all(
    loopback: Loopback, status: int, kind: str, message: str, error_class: str
) -> None:
    loopback.play(refusal(status, kind, message))
    with testing.capture() as seen:
        with pytest.raises(botocore.ClientError):
            made_by(loopback, stream=False)
        check(seen, endings.REFUSED, (kind, error_class))


def test_interrupted(loopback: Loopback) -> None:
    def interrupt(**_: Any) -> None:
        raise KeyboardInterrupt

    loopback.play()
    with testing.capture() as seen:
        used = client(loopback.url)
        used.meta.events.register("before-send.bedrock-runtime", interrupt)
        with contextlib.suppress(KeyboardInterrupt):
            used.converse(**ASK)
        check(seen, endings.CANCELLED)


def test_nothing_is_kept_of_calls_that_are_over(loopback: Loopback) -> None:
    used = client(loopback.url)

    def run() -> None:
        loopback.play(WHOLE, events(TOLD), events(TOLD), refusal(400, "ValidationException"))
        used.converse(**ASK)
        list(used.converse_stream(**ASK)["stream"])
        next(iter(used.converse_stream(**ASK)["stream"]))
        with contextlib.suppress(botocore.ClientError):
            used.converse(**ASK)

    with testing.capture():
        run()
        before = kept()
        for _ in range(20):
            run()
        assert kept() == before


def test_the_report_names_the_events() -> None:
    with agentobs.instrument(libraries=["botocore"], metrics="off") as handle:
        (library,) = [each for each in handle.report().libraries if each.name == "botocore"]
    assert library.status == "patched"
    assert "after-call.bedrock-runtime" in library.patched


# --- recordings -------------------------------------------------------------------------------------------------------
def _call(used: Any, form: str, model: str) -> None:
    if form == "bedrock.converse":
        used.converse(**ASK | {"modelId": model})
    elif form == "bedrock.converse.stream":
        list(used.converse_stream(**ASK | {"modelId": model})["stream"])
    elif form == "bedrock.invoke":
        used.invoke_model(modelId=model, body=b"{}")["body"].read()
    else:
        list(used.invoke_model_with_response_stream(modelId=model, body=b"{}")["body"])


@pytest.mark.parametrize("row", corpus.rows(lambda row: row["call_form"].startswith("bedrock."), "bedrock"))
def test_what_is_seen_is_what_was_reported(row: corpus.Row, loopback: Loopback) -> None:
    loopback.play(corpus.answer_of(corpus.exchange_of(row)))
    failed = int(row["status"]) >= 400
    with testing.capture() as seen:
        try:
            _call(client(loopback.url), row["call_form"], row["request_model"].replace("%3A", ":"))
        except botocore.ClientError:
            assert failed
    (span,) = seen.spans
    said = span.attributes
    assert (span.status == "ERROR") == failed
    if failed:
        return
    count = {name: corpus.number(row[f"{name}_tokens"]) for name in ("input", "output", "cached_input", "cache_write")}
    cached = corpus.added(count["cached_input"], count["cache_write"])
    assert said.get("gen_ai.usage.input_tokens") == corpus.added(count["input"], cached)
    assert said.get("gen_ai.usage.output_tokens") == count["output"]
    if row["call_form"] == "bedrock.invoke":
        return  # its body is the program's to read, so only what stands in the headers is known
    assert "|".join(said["gen_ai.response.finish_reasons"]) == row["finish_reasons"]
    assert said.get("gen_ai.response.model") == (row["response_model"] or None)
