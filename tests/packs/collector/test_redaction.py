"""What people said goes in, and comes out without what must not leave; what was counted comes out as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentobs.catalogue import ATTRIBUTES, genai, own
from agentobs.packs.secrets import CONTENT_ATTRIBUTES
from agentobs.privacy import redact_text
from agentobs.privacy.patterns import CARD, EMAIL, IBAN, PHONE, SECRET, SSN
from tests.support.packs.backend import attributes, backend
from tests.support.packs.sender import event, log, send, span
from tests.support.samples import HARMLESS, JUDGED, SAMPLES
from tests.support.stack import poll

from .conftest import Configs

PASSWORD = "correct horse\nbattery"
SAID = [f"{before}{sample.text}" for sample in SAMPLES for before in ("", "see\n", "(", "größe ")]
MESSAGES = json.dumps(
    [{"role": "user", "parts": [{"type": "text", "content": text}]} for text in SAID], ensure_ascii=False
)
ARGUMENTS = json.dumps({"user": "ada", "password": PASSWORD, "inner": json.dumps({"api_key": "hunter2 hunter3"})})
CONTENT = {attribute.name: MESSAGES for attribute in CONTENT_ATTRIBUTES} | {genai.TOOL_ARGUMENTS.name: ARGUMENTS}
NUMBERS: dict[str, Any] = {a.name: 4111111111111111 + i for i, a in enumerate(ATTRIBUTES) if a.type == "int"}
NUMBERS |= {a.name: 0.25 + i for i, a in enumerate(ATTRIBUTES) if a.type == "double"}
FORBIDDEN = (*(sample.secret for sample in SAMPLES), "correct horse", "battery", "hunter2", "hunter3", "s3cr3t")


def leaked(raw: bytes) -> list[str]:
    text = raw.decode(errors="replace")
    return [secret for secret in FORBIDDEN if secret in text or json.dumps(secret, ensure_ascii=False)[1:-1] in text]


@pytest.fixture(scope="module")
def through(written: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A span with an event and a log record that have been through the gateway, and the raw bytes of both."""
    secret_keys = {"http.request.header.authorization": "s3cr3t", "db.password": "s3cr3t"}
    sent = {**CONTENT, **NUMBERS, **secret_keys}
    gateway = Configs(written, tmp_path_factory.mktemp("redaction")).gateway
    with backend() as behind, gateway(behind, AGENTOBS_SAMPLE_PERCENT="100") as server:
        assert send(server.ports[4318], span(sent, events=[event("details", sent)]))
        assert send(server.ports[4318], log(f"said {MESSAGES} and {ARGUMENTS}", sent))
        poll(lambda: behind.spans() and behind.logs(), "span and log at the backend")
        return {
            "span": attributes(behind.spans()[0]),
            "event": attributes(behind.spans()[0].events[0]),
            "log": attributes(behind.logs()[0]),
            "body": behind.logs()[0].body.string_value,
            "raw": b"".join(behind.raw),
        }


PLACES = pytest.mark.parametrize("place", ["span", "event", "log"])


def test_no_secret_leaves(through: Any) -> None:
    assert leaked(through["raw"]) == []


@PLACES
def test_numbers_are_as_they_were(through: Any, place: str) -> None:
    assert {name: through[place].get(name) for name in NUMBERS} == NUMBERS


@PLACES
def test_content_is_still_json_with_its_structure(through: Any, place: str) -> None:
    messages = json.loads(through[place][genai.INPUT_MESSAGES.name])
    assert [m["role"] for m in messages] == ["user"] * len(SAID)
    assert all("****" in m["parts"][0]["content"] for m in messages)


@PLACES
def test_members_named_like_secrets_are_masked_and_their_neighbours_kept(through: Any, place: str) -> None:
    arguments = json.loads(through[place][genai.TOOL_ARGUMENTS.name])
    assert arguments["user"] == "ada"
    assert arguments["password"] == "****"
    assert json.loads(arguments["inner"]) == {"api_key": "****"}


def test_body_of_a_log_record_is_masked(through: Any) -> None:
    assert through["body"].startswith("said [")
    assert '"password": "****"' in through["body"]


def masked_by_the_process(text: str) -> str:
    for mark in (SECRET, EMAIL, CARD, IBAN, SSN, PHONE):
        text = text.replace(mark, "****")
    return text


def test_process_and_collector_agree_on_every_text_but_those_that_only_code_can_judge(configs: Configs) -> None:
    texts = [f"use {sample.text}" for sample in SAMPLES] + [*HARMLESS, *JUDGED]
    sent = {f"text.{number}": text for number, text in enumerate(texts)}
    with backend() as behind, configs.gateway(behind, AGENTOBS_SAMPLE_PERCENT="100") as server:
        assert send(server.ports[4318], span(sent))
        poll(behind.spans, "span at the backend")
        received = attributes(behind.spans()[0])
    masked = [received[name] for name in sent]
    here = [masked_by_the_process(redact_text(text)) for text in texts]
    assert [text for text, ours, theirs in zip(texts, here, masked, strict=True) if ours != theirs] == list(JUDGED)
    assert all("****" in theirs for text, theirs in zip(texts, masked, strict=True) if text in JUDGED)


def test_harmless_attributes_are_left_alone(configs: Configs) -> None:
    plain = {
        genai.RESPONSE_ID.name: "chatcmpl-BdT3vJc0a1b2c3d4e5f6",
        genai.REQUEST_MODEL.name: "claude-sonnet-4-5-20250929",
        own.DECISION_POLICY.name: "refunds@v3",
    }
    with backend() as behind, configs.gateway(behind, AGENTOBS_SAMPLE_PERCENT="100") as server:
        assert send(server.ports[4318], span(plain))
        poll(behind.spans, "span at the backend")
        assert attributes(behind.spans()[0]) == plain


def test_content_can_be_dropped_by_the_gateway(configs: Configs) -> None:
    with backend() as behind, configs.gateway(behind, content="drop", AGENTOBS_SAMPLE_PERCENT="100") as server:
        assert send(server.ports[4318], span({**CONTENT, **NUMBERS}, events=[]))
        assert send(server.ports[4318], log("done", {**CONTENT, **NUMBERS}))
        poll(lambda: behind.spans() and behind.logs(), "span and log at the backend")
        assert attributes(behind.spans()[0]) == NUMBERS
        assert attributes(behind.logs()[0]) == NUMBERS


def test_agent_deletes_secrets_by_name_and_passes_the_rest_on(configs: Configs) -> None:
    kept = {**NUMBERS, genai.INPUT_MESSAGES.name: "[]"}
    with backend() as behind, configs.agent(behind.url) as server:
        assert send(server.ports[4318], span({**kept, "db.password": "s3cr3t"}))
        assert send(server.ports[4318], log("done", {**kept, "cookie": "s3cr3t"}))
        poll(lambda: behind.spans() and behind.logs(), "span and log at the backend")
        assert attributes(behind.spans()[0]) == kept
        assert attributes(behind.logs()[0]) == kept


def test_content_can_be_dropped_by_the_agent(configs: Configs) -> None:
    with backend() as behind, configs.agent(behind.url, content="drop") as server:
        assert send(server.ports[4318], span({**CONTENT, **NUMBERS}))
        poll(behind.spans, "span at the backend")
        assert attributes(behind.spans()[0]) == NUMBERS
