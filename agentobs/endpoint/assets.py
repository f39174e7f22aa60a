"""The files that the endpoint serves: the widget and the description of the endpoint.

`python -m agentobs.endpoint.assets` makes the plain script of the widget from its module, and writes it beside that one,
where it is committed and served from.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from ..version import VERSION
from .http import Head, Response
from .problems import RefusedError

WIDGET = Path(__file__).with_name("widget")
_SCRIPT = "text/javascript; charset=utf-8"
_TYPES = {"widget.js": _SCRIPT, "widget.mjs": _SCRIPT, "openapi.json": "application/json"}
_FRESH = "public, max-age=3600"
_FOR_EVER = "public, max-age=31536000, immutable"

_BEFORE = """// Made from widget.mjs by `python -m agentobs.endpoint.assets`: the widget as a plain script.
(() => {
// A script of type "module" is not the current one.
const script = document.currentScript ?? document.querySelector('script[src*="/widget.js"]')
"""
_AFTER = """
// <script src="widget.js" data-token="..." data-endpoint="/feedback/"></script>
const {token, kind, name, comment, correction, for: answer, ...others} = script?.dataset ?? {}
configure(others)
if (token) {
  const element = document.createElement(TAG)
  for (const [attribute, value] of Object.entries({kind, name, comment, correction, for: answer, token})) {
    if (value != null) element.setAttribute(attribute, value)
  }
  const place = () => script.closest("head") ? document.body.append(element) : script.after(element)
  if (document.body) place()
  else addEventListener("DOMContentLoaded", place)
}
})()
"""


def plain_script(module: str) -> str:
    """The text of `widget.js`, made from that of `widget.mjs`."""
    body = re.sub(r"^export ", "", module, flags=re.MULTILINE).replace("import.meta.url", "script?.src")
    return _BEFORE + body[body.index("\n\n") :].lstrip("\n") + _AFTER


def package() -> str:
    """The text of `package.json`, with which npm installs the widget."""
    described = {
        "name": "agentobs-feedback",
        "version": VERSION,
        "description": "Thumbs, stars, comments and corrections for the answers of AI agents",
        "license": "Apache-2.0",
        "type": "module",
        "main": "./widget.mjs",
        "types": "./widget.d.mts",
        "exports": {
            ".": {"types": "./widget.d.mts", "default": "./widget.mjs"},
            "./react": {"types": "./react.d.ts"},
            "./widget.js": "./widget.js",
        },
        "files": ["widget.mjs", "widget.d.mts", "widget.js", "react.d.ts"],
        "sideEffects": True,
    }
    return json.dumps(described, indent=2) + "\n"


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
    folder = files(__package__)
    content = (folder / name if name == "openapi.json" else folder / "widget" / name).read_bytes()
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
            raise RefusedError(
                "not_found", "there are / for feedback, /rate, /widget.js, /widget.mjs and /openapi.json"
            )
        if head.method not in ("GET", "HEAD"):
            raise RefusedError("method", "allowed are GET and HEAD", {"allow": "GET, HEAD"})
        served = asset(name)
        versioned = head.query == f"v={served.etag.strip(chr(34))}"
        headers = {
            "etag": served.etag,
            "cache-control": _FOR_EVER if versioned else _FRESH,
            "access-control-allow-origin": "*",
            "cross-origin-resource-policy": "cross-origin",
        }
        known = [tag.strip().removeprefix("W/") for tag in head.headers.get("if-none-match", "").split(",")]
        if served.etag in known or "*" in known:
            return Response(304, headers)
        headers |= {"content-type": served.media_type, "repr-digest": served.digest}
        return Response(200, headers, served.content)


if __name__ == "__main__":
    module = (WIDGET / "widget.mjs").read_text(encoding="utf-8")
    (WIDGET / "widget.js").write_text(plain_script(module), encoding="utf-8")
    (WIDGET / "package.json").write_text(package(), encoding="utf-8")
