"""The OpenAPI description of the endpoint, made from the contract and the table of problems.

`python -m agentobs.endpoint.openapi` writes it beside this file, where it is committed and served from.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from ..version import VERSION
from .contract import BODY_BYTES, SCHEMA
from .problems import MEDIA_TYPE, PROBLEMS, Problem

PATH = Path(__file__).with_name("openapi.json")
_OF_FILES = ("method",)
_OF_PREFLIGHTS = ("origin",)
_HEADERS = {
    "rate": {"Retry-After": "Seconds to wait."},
    "storage": {"Retry-After": "Seconds to wait."},
    "method": {"Allow": "The methods that are allowed."},
}


def _problem(rows: list[Problem]) -> dict[str, Any]:
    """The answer for all problems of one status."""
    response: dict[str, Any] = {
        "description": "; ".join(f"{row.title} (`{row.type}`)" for row in rows),
        "content": {
            MEDIA_TYPE: {
                "schema": {
                    "allOf": [
                        {"$ref": "#/components/schemas/Problem"},
                        {
                            "properties": {
                                "type": {"enum": [row.type for row in rows]},
                                "title": {"enum": [row.title for row in rows]},
                                "status": {"const": rows[0].status},
                            }
                        },
                    ]
                }
            }
        },
    }
    headers = {name: text for row in rows for name, text in _HEADERS.get(row.code, {}).items()}
    if headers:
        response["headers"] = {
            name: {"description": text, "required": True, "schema": {"type": "string"}}
            for name, text in headers.items()
        }
    return response


def _problems(codes: tuple[str, ...]) -> dict[str, Any]:
    by_status: dict[int, list[Problem]] = defaultdict(list)
    for code in codes:
        by_status[PROBLEMS[code].status].append(PROBLEMS[code])
    return {str(status): _problem(rows) for status, rows in sorted(by_status.items())}


def _file(summary: str, media_type: str, schema: dict[str, Any]) -> dict[str, Any]:
    served = {
        "description": "The file.",
        "content": {media_type: {"schema": schema}},
        "headers": {
            name: {"description": text, "required": True, "schema": {"type": "string"}}
            for name, text in (("ETag", "Version of the file."), ("Repr-Digest", "SHA-256 of the file (RFC 9530)."))
        },
    }
    operation = {
        "summary": summary,
        "responses": {
            "200": served,
            "304": {"description": "The version that the client has is the newest."},
            **_problems(_OF_FILES),
        },
    }
    return {"get": operation}


def describe() -> dict[str, Any]:
    """The description as an OpenAPI 3.1 document."""
    posted = tuple(code for code in PROBLEMS if code not in ("not_found", "internal"))
    media = {"schema": {"$ref": "#/components/schemas/Feedback"}}
    accepted = {
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": {"type": "string"},
            "receipt": {"type": "string", "description": "To be sent with the next post of this rating."},
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "agentobs feedback",
            "version": VERSION,
            "description": "Takes ratings of an answer, and ties them to the call that made the answer.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "."}],
        "paths": {
            "/": {
                "post": {
                    "operationId": "postFeedback",
                    "summary": "Rate the answer that the token came with.",
                    "description": (
                        "The same id replaces the rating of before; the same content again changes nothing. Both media "
                        f"types carry JSON in UTF-8, of at most {BODY_BYTES} bytes; `text/plain` needs no preflight."
                    ),
                    "requestBody": {
                        "required": True,
                        "content": {"application/json": media, "text/plain": media},
                    },
                    "responses": {
                        "202": {
                            "description": "Accepted.",
                            "content": {"application/json": {"schema": accepted}},
                        },
                        **_problems(posted),
                    },
                },
                "options": {
                    "summary": "Tell a browser whether a page of another origin may post.",
                    "responses": {"204": {"description": "It may."}, **_problems(_OF_PREFLIGHTS)},
                },
            },
            "/widget.mjs": _file("The widget as a module.", "text/javascript", {"type": "string"}),
            "/widget.js": _file("The widget for web pages.", "text/javascript", {"type": "string"}),
            "/openapi.json": _file("This description.", "application/json", {"type": "object"}),
        },
        "components": {
            "schemas": {
                "Feedback": SCHEMA,
                "Problem": {
                    "description": "What is wrong (RFC 9457).",
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string", "format": "uri"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                    },
                },
            }
        },
    }


def text() -> str:
    """The description as it is committed."""
    return json.dumps(describe(), indent=2) + "\n"


if __name__ == "__main__":
    PATH.write_text(text())
