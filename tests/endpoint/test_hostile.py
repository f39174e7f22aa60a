"""What attackers and broken programs send: the right 4xx, never a 5xx, and no hold on the server."""

from __future__ import annotations

import json
import random
import re
import socket
import threading
from collections import Counter
from typing import Any

import jsonschema
import pytest

from agentobs.endpoint.contract import BODY_BYTES, DEFAULT_NAMES, SCHEMA, USER_FEEDBACK
from agentobs.testing import Captured
from tests.support.endpoint.serving import serving
from tests.support.endpoint.twins import ASGI, SECRET, WSGI, Twin, token
from tests.support.stack import poll
from tests.support.stack.process import fetch

BODIES = 10_000
_MEMBERS = ("token", "name", "value", "label", "comment", "id", "extra", "", "__proto__", "\x00")
_TEXTS = (
    *("", " ", "a", "thumbs_up", "thumbs_down", "stars", "implicit", "copied", "user_feedback", "3_stars", "wrong"),
    *(
        "<script>alert(1)</script>",
        "'; DROP TABLE agentobs_feedback; --",
        "../../etc/passwd",
        "${jndi:ldap://x}",
        "%s%n",
    ),
    *("\x00", "\ud800", "\u202e", "é" * 64, "😀" * 64, "x" * 65, "x" * 1000, "x" * 1001, "\n", "a b", "=1+1", "null"),
)
_NUMBERS = (
    "0",
    "1",
    "-0",
    "0.5",
    "1e-400",
    "1e400",
    "-1",
    "3",
    "5",
    "6",
    "1.0",
    "2.5",
    "9" * 400,
    "9" * 5000,
    "NaN",
    "-Infinity",
)
_CASES = tuple('abcdefghijklmnopqrstuvwxyz{}[]",:0123456789\\ \x00\xff')


class Attacker:
    """Makes bodies that are almost right, wrong in every way, or noise; repeatable by its seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def body(self, valid: str) -> bytes:
        pick = self._random.random()
        if pick < 0.15:
            return self._good(valid)
        if pick < 0.35:
            return self._rating(valid)
        if pick < 0.7:
            return self._mutated(self._rating(valid))
        if pick < 0.8:
            return self._random.randbytes(self._random.choice((0, 1, 10, 1000)))
        if pick < 0.9:
            return self._value(3).encode("utf-8", "surrogatepass")
        return self._large()

    def _good(self, valid: str) -> bytes:
        """A rating of a name that the token allows or does not."""
        posted = self._random.choice(
            ({"label": "thumbs_up"}, {"value": 0.5, "id": "a"}, {"label": "wrong", "comment": "<b>"})
        )
        name = self._random.choice((*DEFAULT_NAMES[:1], "another"))
        return json.dumps({"token": valid, "name": name, **posted}).encode()

    def _rating(self, valid: str) -> bytes:
        """A rating with members taken at random, mostly of the right kinds."""
        choose, chance = self._random.choice, self._random.random
        posted: dict[str, str] = {"token": json.dumps(valid if chance() < 0.8 else choose(_TEXTS))}
        for member, usual in (
            ("name", ("user_feedback", "stars", "implicit", "other")),
            ("label", ("thumbs_up", "thumbs_down", "copied", "3_stars", "wrong")),
            ("comment", ("well", "no\nyes", "😀")),
            ("id", ("a", "page-1", "~")),
        ):
            if chance() < 0.4:
                posted[member] = json.dumps(choose(usual) if chance() < 0.8 else choose(_TEXTS))
        if chance() < 0.5:
            posted["value"] = choose(_NUMBERS) if chance() < 0.8 else self._value(1)
        if chance() < 0.1:
            posted[choose(_MEMBERS)] = self._value(1)
        members = ",".join(f"{json.dumps(key)}:{value}" for key, value in posted.items())
        return f"{{{members}}}".encode("utf-8", "surrogatepass")

    def _value(self, depth: int) -> str:
        pick = self._random.randrange(6 if depth else 4)
        if pick == 0:
            return self._random.choice(("null", "true", "false", ""))
        if pick == 1:
            return self._random.choice(_NUMBERS)
        if pick in (2, 3):
            return json.dumps(self._random.choice(_TEXTS), ensure_ascii=self._random.random() < 0.5)
        items = [self._value(depth - 1) for _ in range(self._random.randrange(4))]
        if pick == 4:
            return "[" + ",".join(items) + "]"
        return "{" + ",".join(f"{json.dumps(self._random.choice(_MEMBERS))}:{item}" for item in items) + "}"

    def _mutated(self, body: bytes) -> bytes:
        changed = bytearray(body)
        for _ in range(self._random.randrange(1, 4)):
            at = self._random.randrange(len(changed) + 1)
            pick = self._random.randrange(4)
            if pick == 0:
                del changed[at : at + self._random.randrange(1, 20)]
            elif pick == 1:
                changed[at:at] = self._random.choice(_CASES).encode("latin-1")
            elif pick == 2:
                del changed[at:]
            else:
                changed += changed[at:]
        return bytes(changed)

    def _large(self) -> bytes:
        opening = self._random.choice((b"[", b'{"a":', b" ", b"1", b'"', b"\xf0\x9f\x98\x80"))
        return opening * self._random.choice((100, 2_000, BODY_BYTES // len(opening), BODY_BYTES + 1))


_FORM = jsonschema.Draft202012Validator(SCHEMA)


def rightly(body: bytes, valid: str) -> set[int]:
    """The statuses that the description allows for a body; it is asked through another implementation of JSON Schema."""
    if len(body) > BODY_BYTES:
        return {413}
    posted = _decoded(body)
    if posted is None or not _FORM.is_valid(posted):
        return {400}
    if posted["token"] != valid:
        return {401}
    return {202} if posted.get("name", USER_FEEDBACK) in DEFAULT_NAMES else {403}


def _decoded(body: bytes) -> Any:
    """The body as JSON, `None` where it is none."""
    try:
        posted = json.loads(body.decode(), parse_constant=lambda _: 1 / 0)
    except (ValueError, RecursionError, ZeroDivisionError):
        return None
    # `$` of Python's patterns forgives a line break, that of JSON Schema does not.
    if isinstance(posted, dict) and any(str(posted.get(member)).endswith("\n") for member in ("name", "id")):
        return None
    return posted


@pytest.mark.parametrize("kind", [ASGI, WSGI])
def test_ten_thousand_bodies_get_the_right_answer(kind: type[Twin], seen: Captured) -> None:
    twin, attacker, statuses = kind(per_token=10**6, per_address=10**6), Attacker(seed=5), Counter[int]()
    for number in range(BODIES // 2):
        valid = token()
        body = attacker.body(valid)
        answer = twin.post(body)
        assert {answer.status} == rightly(body, valid), (number, body[:300], answer)
        assert answer.status == 202 or answer.problem
        assert re.fullmatch(rb"[\x20-\x7e]*", answer.body)
        statuses[answer.status] += 1
    # The test would prove little if nearly all of them were noise.
    assert all(statuses[status] > 100 for status in (202, 400, 401, 403, 413)), statuses


@pytest.mark.parametrize("kind", [ASGI, WSGI])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-length": "-1"}, 400),
        ({"content-length": "ten"}, 400),
        ({"content-length": "1_0"}, 400),
        ({"content-length": "9" * 500}, 413),
        ({"content-type": "application/json\x00"}, 415),
        ({"content-type": "application/json; charset=utf-8; " * 1000}, 415),
        ({"origin": "\xff"}, 403),
        ({"origin": "https://" + "a" * 60_000}, 403),
        ({"x-forwarded-for": "," * 60_000}, 400),
    ],
)
def test_hostile_headers(kind: type[Twin], seen: Captured, headers: dict[str, str], status: int) -> None:
    answer = kind(trusted_proxies=2).ask("POST", "/feedback", b"{}", {"content-type": "application/json", **headers})
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json")


TIMEOUT_S = 0.5
SERVERS = [("asgi", "uvicorn"), ("asgi", "gunicorn-asgi"), ("wsgi", "gunicorn"), ("wsgi", "gunicorn-threads")]


def _head(length: int) -> bytes:
    lines = (
        "POST /feedback HTTP/1.1",
        "Host: 127.0.0.1",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    )
    return "\r\n".join((*lines, "", "")).encode()


@pytest.mark.parametrize(("app", "server"), SERVERS)
def test_slow_senders_are_cut_off(app: str, server: str) -> None:
    options = json.dumps({"secret": SECRET, "body_timeout_s": TIMEOUT_S})
    with serving(f"tests.support.endpoint.apps:{app}", server, {"FEEDBACK_OPTIONS": options}) as port:
        for drips in (False, True):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as sender:
                sender.sendall(_head(4_000))
                done = threading.Event()
                dripping = threading.Thread(target=_drip, args=(sender, done), daemon=True)
                if drips:
                    dripping.start()
                answer = _all(sender)
                done.set()
            assert answer.startswith(b"HTTP/1.1 408 "), answer
            assert b"urn:agentobs:feedback:timeout" in answer
        assert fetch(port, "/")[0] == 200


def _drip(sender: socket.socket, done: threading.Event) -> None:
    try:
        while not done.wait(0.05):
            sender.sendall(b" ")
    except OSError:
        return


def _all(sender: socket.socket) -> bytes:
    """What comes until the server hangs up."""
    parts = b""
    try:
        while part := sender.recv(65_536):
            parts += part
    except ConnectionResetError:
        pass
    return parts


def test_a_flood_of_slow_senders_leaves_the_host_served() -> None:
    options = json.dumps({"secret": SECRET, "body_timeout_s": 5})
    with serving("tests.support.endpoint.apps:asgi", "uvicorn", {"FEEDBACK_OPTIONS": options}) as port:
        senders = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(200)]
        for sender in senders:
            sender.sendall(_head(100) + b"{")
        for _ in range(20):
            assert fetch(port, "/")[0] == 200
        answers = poll(lambda: [_all(sender)[:12] for sender in senders], "the answers", 60)
        assert set(answers) == {b"HTTP/1.1 408"}
        for sender in senders:
            sender.close()
