"""What people said goes in, and comes out without what must not leave; what was counted comes out as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from agentobs.catalogue import ATTRIBUTES, genai, own
from agentobs.packs.secrets import CONTENT_ATTRIBUTES
from tests.stack import poll

from .backend import attributes, backend
from .conftest import Configs
from .sender import event, log, send, span

SECRETS = {
    "e-mail": "ada.lovelace@example.co.uk",
    "card": "4111 1111 1111 1111",
    "card without blanks": "5555555555554444",
    "IBAN": "DE89 3704 0044 0532 0130 00",
    "social security": "078-05-1120",
    "phone": "+44 20 7946 0958",
    "provider key": "sk-ant-api03-abcdefghijklmnopqrst",
    "AWS key": "AKIAIOSFODNN7EXAMPLE",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "Slack token": "xoxb-1234567890-abcdef",
    "web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc-DEF_123",
    "bearer": "Bearer abcdefghijklmnop",
    "private key": "-----BEGIN PRIVATE KEY-----\nMIIEvAIBADANBg\n-----END PRIVATE KEY-----",
}
PASSWORD = "correct horse\nbattery"
MESSAGES = json.dumps([{"role": "user", "parts": [{"type": "text", "content": text}]} for text in SECRETS.values()])
ARGUMENTS = json.dumps({"user": "ada", "password": PASSWORD, "inner": json.dumps({"api_key": "hunter2 hunter3"})})
CONTENT = {attribute.name: MESSAGES for attribute in CONTENT_ATTRIBUTES} | {genai.TOOL_ARGUMENTS.name: ARGUMENTS}
NUMBERS: dict[str, Any] = {a.name: 4111111111111111 + i for i, a in enumerate(ATTRIBUTES) if a.type == "int"}
NUMBERS |= {a.name: 0.25 + i for i, a in enumerate(ATTRIBUTES) if a.type == "double"}
FORBIDDEN = (*SECRETS.values(), "correct horse", "battery", "hunter2", "hunter3", "s3cr3t")


def leaked(raw: bytes) -> list[str]:
    text = raw.decode("latin-1")
    return [secret for secret in FORBIDDEN if secret in text or json.dumps(secret)[1:-1] in text]


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
    assert [m["role"] for m in messages] == ["user"] * len(SECRETS)
    assert {m["parts"][0]["content"] for m in messages} == {"****"}


@PLACES
def test_members_named_like_secrets_are_masked_and_their_neighbours_kept(through: Any, place: str) -> None:
    arguments = json.loads(through[place][genai.TOOL_ARGUMENTS.name])
    assert arguments["user"] == "ada"
    assert arguments["password"] == "****"
    assert json.loads(arguments["inner"]) == {"api_key": "****"}


def test_body_of_a_log_record_is_masked(through: Any) -> None:
    assert through["body"].startswith("said [")
    assert '"password": "****"' in through["body"]


def test_harmless_text_is_left_alone(configs: Configs) -> None:
    plain = {
        genai.INPUT_MESSAGES.name: "Order 4711 of 2026-11-23 cost 12.50 USD, ticket ABC-123, max_tokens=4096",
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
