"""What Amazon Bedrock sends, and a client that talks to the loopback server."""

from __future__ import annotations

import functools
import json
import struct
import zlib
from collections.abc import Iterable
from typing import Any

from tests.support.loopback import Answer


@functools.cache
def _loader() -> Any:
    """One for all tests, because each reads the descriptions of the services anew."""
    from botocore.loaders import create_loader

    return create_loader()


def client(url: str, attempts: int = 1) -> Any:
    """A client of Bedrock's runtime, of a session of its own."""
    from botocore.config import Config
    from botocore.session import Session

    session = Session()
    session.register_component("data_loader", _loader())
    session.set_credentials("AKIDEXAMPLE", "none")
    return session.create_client(
        "bedrock-runtime",
        region_name="eu-central-1",
        endpoint_url=url,
        config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
    )


def event(value: Any, kind: str, message: str = "event") -> bytes:
    """One event of Amazon's binary event stream, `value` as its JSON payload."""
    headers = b"".join(
        struct.pack("!B", len(name)) + name.encode() + struct.pack("!BH", 7, len(text)) + text.encode()
        for name, text in (
            (f":{message}-type", kind),
            (":content-type", "application/json"),
            (":message-type", message),
        )
    )
    payload = json.dumps(value).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    head = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + payload
    return head + struct.pack("!I", zlib.crc32(head))


def events(told: Iterable[tuple[str, Any]]) -> Answer:
    """A stream of events, each in a chunk of its own; an event named like an exception is one."""
    chunks = [event(value, kind, "exception" if kind.endswith("Exception") else "event") for kind, value in told]
    return Answer(headers={"content-type": "application/vnd.amazon.eventstream"}, chunks=chunks)


def refusal(status: int, kind: str, message: str = "No.") -> Answer:
    """An HTTP error."""
    return Answer(status, json.dumps({"message": message}).encode(), {"x-amzn-errortype": kind})
