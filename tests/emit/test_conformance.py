"""Emitted telemetry against the registry of the GenAI conventions and against our own, by the rules of their validator.

The rules are those of the conventions' conformance suite, as far as they need no registry at hand: names that are known,
kinds and names of spans, statuses, what every span of a kind must carry, types of values. The real validator, weaver, is
a Rust program that this environment does not have; `registry/` is what it reads. For the names of the newest conventions
the catalogue stands in; those of `compat` are in the package of OpenTelemetry's conventions, and are compared with it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

import agentobs
from agentobs import catalogue, testing
from agentobs.catalogue import genai
from tests.support.clients import makers, wire
from tests.support.loopback import Loopback

ROOT = Path(__file__).parents[2]
REGISTRY = yaml.safe_load((ROOT / "registry/agentobs.yaml").read_text(encoding="utf-8"))
Names = Literal["latest", "compat"]
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int": (int,),
    "double": (int, float),
    "boolean": (bool,),
    "string[]": (tuple, list),
}
OPERATIONS = {
    "chat": ("client", "gen_ai.request.model"),
    "text_completion": ("client", "gen_ai.request.model"),
    "generate_content": ("client", "gen_ai.request.model"),
    "embeddings": ("client", "gen_ai.request.model"),
    "fetch_response": ("client", None),
    "invoke_agent": ("internal", "gen_ai.agent.name"),
    "execute_tool": ("internal", "gen_ai.tool.name"),
    "retrieval": ("client", "gen_ai.data_source.id"),
}
INFERENCE = {
    "gen_ai.operation.name",
    "gen_ai.provider.name",
    "gen_ai.request.model",
    "gen_ai.response.id",
    "gen_ai.response.model",
    "gen_ai.response.finish_reasons",
    "gen_ai.usage.input_tokens",
    "gen_ai.usage.output_tokens",
    "server.address",
}
"""What every span of an answered inference carries: all that is required or recommended without a condition."""


def program(loopback: Loopback) -> None:
    """One of everything that an agent does."""
    audio = wire.CHAT_USAGE | {"prompt_tokens_details": {"audio_tokens": 3, "cached_tokens": 0}}
    loopback.play(
        wire.answer(wire.chat(usage=audio)),
        wire.events(wire.CHAT_CHUNKS, named=False),
        wire.answer(wire.response()),
        wire.events(wire.response_events()),
        wire.answer({"data": [{"embedding": [0.1]}], "model": "e", "usage": {"prompt_tokens": 2, "total_tokens": 2}}),
        wire.answer(wire.response()),
        wire.error(429, "rate_limit_error"),
        wire.answer({"error": {"message": "no", "code": 502}}),
        wire.answer(wire.message()),
        wire.events(wire.MESSAGE_EVENTS),
    )
    with (
        makers.openai_client(loopback.url, max_retries=0) as client,
        makers.anthropic_client(loopback.url) as claude,
        agentobs.agent("support", version="1", conversation_id="c"),
    ):
        client.chat.completions.create(**wire.CHAT)
        list(client.chat.completions.create(**wire.CHAT_STREAM))
        client.responses.create(**wire.ASK, reasoning={"effort": "low"})
        list(client.responses.create(**wire.ASK, stream=True))
        client.embeddings.create(model="e", input="hello", encoding_format="float")
        client.responses.retrieve("resp_1")
        with pytest.raises(Exception, match="No"):
            client.chat.completions.create(**wire.CHAT)
        client.chat.completions.create(**wire.CHAT)
        claude.messages.create(**wire.MESSAGE)
        list(claude.messages.create(**wire.MESSAGE, stream=True))
        with agentobs.tool("look_up") as tool:
            tool.result = {"place": "depot"}
        agentobs.decision("route", chosen="refund", alternatives=["refund", "reject"])
        with agentobs.fallback("answer", reason="timeout", target="claude-haiku-4-5"):
            agentobs.notice()
        agentobs.feedback("helpful", value=1.0)


@pytest.fixture(params=["latest", "compat"])
def names(request: pytest.FixtureRequest) -> Names:
    found: Names = request.param
    return found


@pytest.fixture
def emitted(loopback: Loopback, names: Names) -> testing.Captured:
    """What the program emits with these names, content included."""
    with (
        agentobs.instrument(conventions=names, capture="full", metrics="off"),
        testing.capture() as seen,
    ):
        program(loopback)
    return seen


def everything(seen: testing.Captured) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every span, event and series with its attributes."""
    yield from ((span.name, span.attributes) for span in seen.spans)
    yield from ((event.name, event.attributes) for event in seen.events)
    yield from ((point.name, point.attributes) for point in seen.points)


def own() -> dict[str, Any]:
    return {each["key"]: each for each in REGISTRY["attributes"]}


def conventions() -> dict[str, str]:
    return {row.name: row.type for row in vars(genai).values() if isinstance(row, catalogue.Attribute)}


def test_every_attribute_is_in_a_registry_and_of_its_type(emitted: testing.Captured) -> None:
    known, ours = conventions(), own()
    for where, attributes in everything(emitted):
        for name, value in attributes.items():
            if name in ours:
                kind = ours[name]["type"]
                members = kind["members"] if isinstance(kind, dict) else []
                assert not members or value in [member["value"] for member in members], (where, name, value)
                assert isinstance(value, TYPES["string" if members else kind]), (where, name, value)
            else:
                assert name in known, (where, name)
                assert isinstance(value, TYPES[{"json": "string"}.get(known[name], known[name])]), (where, name, value)


def test_every_metric_and_event_is_in_a_registry(emitted: testing.Captured) -> None:
    theirs = {row.name for row in (*catalogue.METRICS, *catalogue.EVENTS) if not row.name.startswith("agentobs.")}
    ours = {each["name"]: each for each in (*REGISTRY["metrics"], *REGISTRY["events"])}
    for point in emitted.points:
        assert point.name in ours or point.name in theirs
        assert point.name not in ours or ours[point.name]["unit"] == point.unit
    assert {event.name for event in emitted.events} <= theirs | set(ours)


def test_signals_carry_what_their_definition_names(emitted: testing.Captured) -> None:
    ours = {each["name"]: each for each in (*REGISTRY["metrics"], *REGISTRY["events"])}
    for where, attributes in everything(emitted):
        if where in ours:
            assert set(attributes) <= {each["ref"] for each in ours[where].get("attributes", ())}, where


def test_spans_have_the_kind_name_and_status_of_their_operation(emitted: testing.Captured) -> None:
    seen = set()
    for span in emitted.spans:
        operation = span.attributes.get("gen_ai.operation.name")
        if operation is None:
            continue
        seen.add(operation)
        kind, keyed = OPERATIONS[operation]
        target = span.attributes.get(keyed) if keyed else None
        assert span.kind.lower() == kind, span.name
        assert span.name == (operation if target is None else f"{operation} {target}")
        assert span.status != "OK"
        assert (span.status == "ERROR") == ("error.type" in span.attributes), span.name
    assert seen == {"chat", "embeddings", "fetch_response", "invoke_agent", "execute_tool"}


def test_answered_inferences_carry_all_that_is_recommended(emitted: testing.Captured) -> None:
    spans = [span for span in emitted.spans if span.attributes.get("gen_ai.operation.name") == "chat"]
    answered = [span for span in spans if span.status == "UNSET"]
    assert len(answered) == 6
    for span in answered:
        assert set(span.attributes) >= INFERENCE, INFERENCE - set(span.attributes)


def test_no_value_is_null(emitted: testing.Captured) -> None:
    for where, attributes in everything(emitted):
        assert None not in attributes.values(), where


def test_content_is_json(emitted: testing.Captured) -> None:
    names = ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.tool.call.result")
    found = [attributes[name] for _, attributes in everything(emitted) for name in names if name in attributes]
    assert len(found) > 10
    assert all(json.loads(text) for text in found)


def test_the_details_of_a_call_say_operation_and_provider(emitted: testing.Captured) -> None:
    details = [event for event in emitted.events if event.name == "gen_ai.client.inference.operation.details"]
    assert len(details) == 8
    for event in details:
        assert {"gen_ai.operation.name", "gen_ai.provider.name"} <= set(event.attributes)


def test_older_names_have_no_tokens_by_modality(emitted: testing.Captured, names: Names) -> None:
    found = {name for _, attributes in everything(emitted) for name in attributes if ".usage.audio." in name}
    assert found == (set() if names == "compat" else {"gen_ai.usage.audio.input_tokens"})


def test_older_names_are_those_of_the_package_of_the_conventions(emitted: testing.Captured, names: Names) -> None:
    released = {value for key, value in vars(gen_ai_attributes).items() if key.startswith("GEN_AI_")}
    used = {name for _, attributes in everything(emitted) for name in attributes if name.startswith("gen_ai.")}
    newer = {
        "gen_ai.conversation.id",
        "gen_ai.request.reasoning.level",
        "gen_ai.response.status",
        "gen_ai.response.time_to_first_chunk",
        "gen_ai.request.stream",
    }
    assert names == "latest" or used - released <= newer


def test_the_registry_is_what_the_validator_reads() -> None:
    manifest = yaml.safe_load((ROOT / "registry/manifest.yaml").read_text(encoding="utf-8"))
    assert {"name", "schema_url", "dependencies"} <= set(manifest)
    assert REGISTRY["file_format"] == "definition/2"
    keys = [each["key"] for each in REGISTRY["attributes"]]
    assert len(keys) == len(set(keys))
    assert all(key.startswith("agentobs.") and re.fullmatch(r"[a-z0-9_.]+", key) for key in keys)
    known = {*keys, *conventions()}
    for signal in ("metrics", "spans", "events"):
        for each in REGISTRY[signal]:
            assert {"brief", "stability"} <= set(each)
            assert {attribute["ref"] for attribute in each.get("attributes", ())} <= known
