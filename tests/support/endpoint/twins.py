"""The endpoint asked in the process, through ASGI and through WSGI, with the same words and answers."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import agentobs

SECRET = "a secret for the tests that is long enough"
JSON = "application/json"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True)
class Answer:
    """What came back; `json` is the decoded body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str:
        """The last part of the problem's type."""
        assert self.headers["content-type"] == "application/problem+json"
        problem = self.json
        assert problem["status"] == self.status
        return str(problem["type"].removeprefix("urn:agentobs:feedback:"))


class Twin:
    """One of the twins, mounted at `/feedback`."""

    def __init__(self, **options: Any) -> None:
        self.app = self.make(**{"secret": SECRET, **options})

    def make(self, **options: Any) -> Any:
        raise NotImplementedError

    def ask(
        self, method: str, path: str = "/feedback", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        raise NotImplementedError

    def post(self, members: Any, media_type: str = JSON, path: str = "/feedback", **headers: str) -> Answer:
        """Post `members`, as JSON unless it is bytes; header names are given with underscores."""
        body = members if isinstance(members, bytes) else json.dumps(members).encode()
        named = {"content-type": media_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return self.ask("POST", path, body, named)


class ASGI(Twin):
    make = staticmethod(agentobs.feedback_app)

    def ask(self, method, path="/feedback", body=b"", headers=None):  # type: ignore[no-untyped-def]
        sent: list[Any] = []
        parts = urlsplit(path)
        given = {"host": "testserver", "content-length": str(len(body)), **(headers or {})}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": parts.path,
            "root_path": "/feedback",
            "query_string": parts.query.encode(),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items() if value is not None],
            "client": ("127.0.0.1", 4711),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        asyncio.run(self.app(scope, receive, send))
        start, *rest = sent
        names = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], names, b"".join(message["body"] for message in rest))


class WSGI(Twin):
    make = staticmethod(agentobs.feedback_wsgi)

    def ask(self, method, path="/feedback", body=b"", headers=None):  # type: ignore[no-untyped-def]
        parts = urlsplit(path)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "/feedback",
            "PATH_INFO": parts.path.removeprefix("/feedback"),
            "QUERY_STRING": parts.query,
            "CONTENT_LENGTH": str(len(body)),
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "testserver",
            "wsgi.input": io.BytesIO(body),
        }
        for name, value in (headers or {}).items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        setup_testing_defaults(environ)
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[..., Any]:
            started.extend((int(status[:3]), {name.lower(): value for name, value in headers}))
            return lambda chunk: None

        # The validator warns about methods that it does not know, and fails on lengths that are no numbers.
        app = validator(self.app) if method in _METHODS and environ["CONTENT_LENGTH"].isdigit() else self.app
        result = app(environ, start_response)
        try:
            content = b"".join(result)
        finally:
            if hasattr(result, "close"):
                result.close()
        return Answer(started[0], started[1], content)


def token(agent: str = "support", **options: Any) -> str:
    """A token for a run of `agent`."""
    with agentobs.agent(agent, conversation_id="conversation-7"):
        made = agentobs.feedback_token(**{"secret": SECRET, **options})
    assert made is not None
    return made
