"""The files that the endpoint serves: the widget and the description of the endpoint."""

from __future__ import annotations

import base64
import hashlib
import html
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from .http import Head, Response
from .problems import RefusedError

_TYPES = {"widget.js": "text/javascript; charset=utf-8", "openapi.json": "application/json"}
_FRESH = "public, max-age=3600"
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file with what its caching goes by."""

    content: bytes
    media_type: str
    etag: str
    digest: str
    integrity: str


@cache
def asset(name: str) -> Asset:
    """The file `name` of this package."""
    content = (files(__package__) / name).read_bytes()
    sha256 = hashlib.sha256(content).digest()
    sha384 = base64.b64encode(hashlib.sha384(content).digest()).decode()
    version = base64.urlsafe_b64encode(sha256[:12]).decode()
    digest = f"sha-256=:{base64.b64encode(sha256).decode()}:"
    return Asset(content, _TYPES[name], f'"{version}"', digest, f"sha384-{sha384}")


def widget_integrity() -> str:
    """The value for the `integrity` attribute of a script tag that loads the widget of this version."""
    return asset("widget.js").integrity


def widget_tag(mount: str = "/feedback") -> str:
    """The script tag that loads the widget from an endpoint at `mount`, with integrity, cached for as long as it lasts.

    It holds for this version of agentobs, so make it anew for each page and keep it in no file.
    """
    src = f"{mount.rstrip('/')}/widget.js?v={asset('widget.js').etag.strip(chr(34))}"
    return f'<script src="{html.escape(src)}" integrity="{widget_integrity()}" crossorigin="anonymous" defer></script>'


class Assets:
    """Serves the files of this package by GET and HEAD."""

    def answer(self, head: Head) -> Response:
        """The file at the request's path.

        Raises:
            RefusedError: there is none, or the method is another one.
        """
        name = head.path.removeprefix("/")
        if name not in _TYPES:
            raise RefusedError("not_found", "there are / for feedback, /widget.js and /openapi.json")
        if head.method not in ("GET", "HEAD"):
            raise RefusedError("method", "allowed are GET and HEAD", {"allow": "GET, HEAD"})
        found = asset(name)
        versioned = head.query == f"v={found.etag.strip(chr(34))}"
        headers = {
            "etag": found.etag,
            "cache-control": _FOR_EVER if versioned else _FRESH,
            "access-control-allow-origin": "*",
            "cross-origin-resource-policy": "cross-origin",
        }
        known = [tag.strip().removeprefix("W/") for tag in head.headers.get("if-none-match", "").split(",")]
        if found.etag in known or "*" in known:
            return Response(304, headers)
        headers |= {"content-type": found.media_type, "repr-digest": found.digest}
        return Response(200, headers, found.content)
