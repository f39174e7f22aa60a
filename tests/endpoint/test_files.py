"""The files that the endpoint serves."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from pathlib import Path

import pytest

from agentobs import endpoint
from agentobs.endpoint import assets, openapi
from agentobs.endpoint.contract import SCHEMA
from tests.support.endpoint.twins import Twin, token

FOLDER = Path(endpoint.__file__).parent
WIDGET = FOLDER / "widget"


@pytest.mark.parametrize("name", ["widget.js", "widget.mjs"])
def test_the_widget_is_small_and_needs_no_encoding(name: str) -> None:
    content = (WIDGET / name).read_bytes()
    assert len(gzip.compress(content)) < 5_000
    assert content.isascii()


def test_script_and_package_are_made_from_the_module() -> None:
    module = (WIDGET / "widget.mjs").read_text()
    assert (WIDGET / "widget.js").read_text() == assets.plain_script(module), "python -m agentobs.endpoint.assets"
    assert (WIDGET / "package.json").read_text() == assets.package(), "python -m agentobs.endpoint.assets"


@pytest.mark.parametrize("name", ["widget.js", "widget.mjs"])
def test_the_widget_is_served_with_caching_and_integrity(twin: Twin, name: str) -> None:
    answer, content = twin.ask("GET", f"/feedback/{name}"), (WIDGET / name).read_bytes()
    assert (answer.status, answer.body) == (200, content)
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert answer.headers["access-control-allow-origin"] == "*"
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    assert answer.headers["repr-digest"] == f"sha-256=:{digest}:"
    again = twin.ask("GET", f"/feedback/{name}", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")


def test_the_tag_loads_this_version_and_no_other(twin: Twin) -> None:
    tag = re.fullmatch(
        r'<script src="(/feedback/widget\.js\?v=[^"]+)" integrity="([^"]+)" crossorigin="anonymous" defer></script>',
        endpoint.widget_tag(),
    )
    assert tag is not None
    answer = twin.ask("GET", tag[1])
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert tag[2] == "sha384-" + base64.b64encode(hashlib.sha384(answer.body).digest()).decode()
    assert "immutable" not in twin.ask("GET", "/feedback/widget.js?v=older").headers["cache-control"]


def test_a_head_request_has_the_headers_of_a_get(twin: Twin) -> None:
    got, asked = (twin.ask(method, "/feedback/widget.js") for method in ("GET", "HEAD"))
    assert (asked.status, asked.body, asked.headers) == (200, b"", got.headers)


@pytest.mark.parametrize("path", ["/feedback/widget.js", "/feedback/openapi.json"])
def test_files_are_read_only(twin: Twin, path: str) -> None:
    answer = twin.post({"token": token(), "label": "thumbs_up"}, path=path)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "path", ["/feedback/core.py", "/feedback/../core.py", "/feedback/%2e%2e/core.py", "/feedback/widget.js/"]
)
def test_no_other_file_is_served(twin: Twin, path: str) -> None:
    assert twin.ask("GET", path).problem == "not_found"


def test_the_description_that_is_committed_and_served_is_that_of_the_code(twin: Twin) -> None:
    assert openapi.PATH.read_text() == openapi.text()
    answer = twin.ask("GET", "/feedback/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json == openapi.describe()
    assert answer.json["components"]["schemas"]["Feedback"] == SCHEMA
