"""The widget wherever a page may have it: in the head, as a module, added later, in an application of one page, bundled."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agentobs.endpoint.assets import WIDGET
from tests.support import needs
from tests.support.endpoint.serving import ROOT, serving
from tests.support.endpoint.twins import SECRET
from tests.support.samples import SAMPLES
from tests.support.stack import fetch, poll, require

needs.module("playwright.sync_api")

Show = Callable[[str], Any]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedding") / "feedback.db"


@pytest.fixture(scope="module")
def port(database: Path) -> Iterator[int]:
    options = json.dumps({"secret": SECRET, "store": f"sqlite:///{database}", "per_address": 10_000})
    with serving("tests.support.endpoint.apps:asgi", "uvicorn", {"FEEDBACK_OPTIONS": options}) as listening:
        yield listening


@pytest.fixture
def show(browser: Any, port: int, database: Path) -> Iterator[Show]:
    """Shows a page of this HTML to a fresh visitor, with a fresh token for TOKEN; `messages` is what its console says."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DELETE FROM agentobs_feedback")
    context = browser.new_context()

    def opened(html: str, **files: str) -> Any:
        page = context.new_page()
        page.messages = []
        page.on("console", lambda message: page.messages.append(message.text))
        page.on("pageerror", lambda error: page.messages.append(str(error)))
        content = html.replace("TOKEN", fresh_token(port))
        page.route("**/page", lambda route: route.fulfill(body=content, content_type="text/html"))
        for name, text in files.items():
            page.route(f"**/{name}.js", partial(script, text))
        page.goto(f"http://127.0.0.1:{port}/page")
        return page

    yield opened
    context.close()


def script(text: str, route: Any) -> None:
    """Answer a request with a script."""
    route.fulfill(body=text, content_type="text/javascript")


def fresh_token(port: int) -> str:
    return fetch(port, "/")[1].decode()


def labels(database: Path) -> list[str]:
    """The labels in the store."""
    with closing(sqlite3.connect(database)) as connection:
        return [label for (label,) in connection.execute("SELECT label FROM agentobs_feedback")]


TAG = '<agentobs-feedback token="TOKEN"></agentobs-feedback>'


def at(endpoint: str) -> str:
    """The element with an endpoint of its own."""
    return TAG.replace("token", f'endpoint="{endpoint}" token')


PLACES = {
    "script in the body": f'<p>Answer</p>{TAG}<script src="/feedback/widget.js"></script>',
    "script in the head": f'<head><script src="/feedback/widget.js"></script></head><body><p>Answer</p>{TAG}</body>',
    "deferred": f'<head><script src="/feedback/widget.js?v=1" defer></script></head><body>{TAG}</body>',
    "asynchronous": f'<head><script src="/feedback/widget.js" async></script></head><body>{TAG}</body>',
    "one tag": '<p>Answer</p><script src="/feedback/widget.js" data-token="TOKEN"></script>',
    "one tag in the head": '<head><script src="/feedback/widget.js" data-token="TOKEN"></script></head><p>Answer</p>',
    "one tag with an endpoint": '<script src="/feedback/widget.js" data-token="TOKEN" data-endpoint="/feedback"></script>',
    "plain script as a module": f'<script type="module" src="/feedback/widget.js"></script>{TAG}',
    "module": f'<script type="module" src="/feedback/widget.mjs"></script>{TAG}',
    "imported": f'<script type="module">import "/feedback/widget.mjs"</script>{TAG}',
    "imported later": f'<script>setTimeout(() => import("/feedback/widget.mjs"))</script>{TAG}',
    "added later": f"""{TAG}<script>addEventListener("load", () => {{
        const script = Object.assign(document.createElement("script"), {{src: "/feedback/widget.js"}})
        document.head.append(script)}})</script>""",
    "endpoint without a slash": f'<script src="/feedback/widget.js"></script>{at("/feedback")}',
    "endpoint of another page": f"""<base href="/some/where/"><script src="/feedback/widget.js"></script>
        {at("../../feedback/")}""",
}


@pytest.mark.parametrize("place", PLACES)
def test_a_click_is_kept_wherever_the_widget_comes_from(place: str, show: Show, database: Path) -> None:
    page = show(f'<!doctype html><link rel="icon" href="data:,">{PLACES[place]}')
    page.get_by_role("button", name="Good answer").click()
    page.get_by_role("status").get_by_text("Thank you").wait_for()
    assert labels(database) == ["thumbs_up"]
    assert page.messages == []


ONE_PAGE = """<!doctype html><link rel="icon" href="data:,"><script src="/feedback/widget.js"></script><main></main><script>
const element = document.createElement("agentobs-feedback")
const show = () => document.querySelector("main").append(element)
</script>"""


def test_an_element_shows_nothing_until_it_has_a_token(show: Show, database: Path, port: int) -> None:
    page = show(ONE_PAGE)
    page.evaluate("show()")
    assert page.get_by_role("button").count() == 0
    page.evaluate("token => { element.token = token }", fresh_token(port))
    page.get_by_role("button", name="Bad answer").click()
    poll(lambda: labels(database) == ["thumbs_down"], "the rating")
    page.evaluate("element.token = null")
    assert page.get_by_role("button").count() == 0


def test_an_element_may_go_and_come_back(show: Show, database: Path, port: int) -> None:
    page = show(ONE_PAGE)
    page.evaluate("token => { element.token = token; show(); element.remove(); show() }", fresh_token(port))
    page.get_by_role("button", name="Bad answer").click()
    poll(lambda: labels(database) == ["thumbs_down"], "the rating")
    page.evaluate("element.remove(); show()")
    assert page.get_by_role("button", pressed=True).get_attribute("title") == "Bad answer"
    page.evaluate("token => { element.token = token }", fresh_token(port))
    assert page.get_by_role("button", pressed=True).count() == 0
    page.get_by_role("button", name="Good answer").click()
    poll(lambda: sorted(labels(database)) == ["thumbs_down", "thumbs_up"], "the second rating")


def test_attributes_and_texts_may_change(show: Show, port: int) -> None:
    page = show(ONE_PAGE)
    page.evaluate("token => { element.token = token; show() }", fresh_token(port))
    page.evaluate("element.setAttribute('kind', 'stars')")
    assert page.get_by_role("button").count() == 5
    page.evaluate("element.setAttribute('3_stars', 'geht so')")
    assert page.get_by_role("button", name="geht so").count() == 1


def test_the_application_is_told_what_became_of_a_rating(show: Show, port: int) -> None:
    page = show(ONE_PAGE)
    page.evaluate("addEventListener('agentobs-feedback', event => { window.told = event.detail })")
    page.evaluate("token => { element.token = token; show() }", fresh_token(port))
    page.get_by_role("button", name="Good answer").click()
    assert poll(lambda: page.evaluate("window.told"), "the event") == {"label": "thumbs_up", "status": "thanks"}


# --- what cannot work ---
def test_a_wrong_endpoint_is_told_in_the_console(show: Show, database: Path) -> None:
    for endpoint, status in (("/", 200), ("/feedback/none/", 404)):
        page = show(f'<script src="/feedback/widget.js"></script>{at(endpoint)}')
        page.get_by_role("button", name="Good answer").click()
        page.get_by_role("status").get_by_text("Not sent").wait_for()
        assert any(f"{endpoint} answered {status}" in text for text in page.messages)
    assert labels(database) == []


def test_an_endpoint_that_cannot_be_reached_is_told_in_the_console(show: Show) -> None:
    page = show(f'<script src="/feedback/widget.js"></script>{at("http://127.0.0.1:9/")}')
    page.get_by_role("button", name="Good answer").click()
    page.get_by_role("status").get_by_text("Sent later").wait_for()
    assert any("http://127.0.0.1:9/ cannot be reached" in text for text in page.messages)


def test_a_second_copy_of_the_widget_does_no_harm(show: Show, database: Path) -> None:
    page = show(
        f'<script src="/feedback/widget.js"></script><script type="module" src="/feedback/widget.mjs"></script>{TAG}'
    )
    poll(lambda: any("is defined already" in text for text in page.messages), "the warning")
    page.get_by_role("button", name="Good answer").click()
    poll(lambda: labels(database) == ["thumbs_up"], "the rating")


def test_every_secret_that_the_endpoint_replaces_is_replaced_in_the_browser(show: Show) -> None:
    page = show('<!doctype html><link rel="icon" href="data:,">')
    texts = [sample.text for sample in SAMPLES]
    redacted = page.evaluate("texts => import('/feedback/widget.mjs').then(({redact}) => texts.map(redact))", texts)
    left = [sample.text for sample, text in zip(SAMPLES, redacted, strict=True) if sample.secret in text]
    assert left == []
    assert page.evaluate("import('/feedback/widget.mjs').then(m => m.redact('It took 25 minutes, and 3 of 4.'))") == (
        "It took 25 minutes, and 3 of 4."
    )


# --- bundled ---
def project(tmp_path: Path) -> Path:
    """A folder in which the widget is installed as npm would do it, and React beside it."""
    modules = require("bundler").parents[1] / "node_modules"
    (tmp_path / "node_modules").mkdir()
    for module in modules.iterdir():
        (tmp_path / "node_modules" / module.name).symlink_to(module)
    shutil.copytree(WIDGET, tmp_path / "node_modules" / "agentobs-feedback")
    return tmp_path


def bundle(folder: Path, source: str, form: str = "iife") -> str:
    """The text of a bundle of `source`."""
    (folder / "main.jsx").write_text(source)
    argv = [require("bundler"), "main.jsx", "--bundle", f"--format={form}", "--jsx=automatic", "--log-level=error"]
    argv += ["--log-override:empty-import-meta=silent", '--define:process.env.NODE_ENV="production"']
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("form", "kind"), [("iife", ""), ("esm", 'type="module"')])
def test_a_bundle_posts_where_it_is_told_to(form: str, kind: str, show: Show, database: Path, tmp_path: Path) -> None:
    source = 'import {configure} from "agentobs-feedback"\nconfigure({endpoint: "/feedback/"})'
    page = show(
        f'<link rel="icon" href="data:,">{TAG}<script {kind} src="/bundled.js"></script>',
        bundled=bundle(project(tmp_path), source, form),
    )
    page.get_by_role("button", name="Good answer").click()
    poll(lambda: labels(database) == ["thumbs_up"], "the rating")
    assert page.messages == []


@pytest.mark.parametrize("form", ["iife", "esm"])
def test_a_bundle_without_an_endpoint_says_so(form: str, show: Show, tmp_path: Path) -> None:
    text = bundle(project(tmp_path), 'import "agentobs-feedback"', form)
    page = show(f'<link rel="icon" href="data:,">{TAG}<script type="module" src="/bundled.js"></script>', bundled=text)
    page.get_by_role("button", name="Good answer").click()
    page.get_by_role("status").get_by_text("Not sent").wait_for()
    (message,) = page.messages
    assert "there is no endpoint to post to; set endpoint=, or call configure({endpoint})" in message


def test_it_may_be_imported_where_there_is_no_browser(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        needs.lack("node is not installed", "apt-get install nodejs")
    code = 'import("agentobs-feedback").then(m => console.log(Object.keys(m).sort().join()))'
    done = subprocess.run(
        [node, "-e", code], cwd=project(tmp_path), capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "FeedbackElement,configure,redact\n", done.stderr


_TYPED = """
import { configure, redact, type FeedbackDetail } from "agentobs-feedback"
import type {} from "agentobs-feedback/react"
configure({ endpoint: "/feedback/", thanks: "Danke" })
const element = document.createElement("agentobs-feedback")
element.token = null
element.addEventListener("agentobs-feedback", event => { const told: FeedbackDetail = event.detail; redact(told.status) })
export const view = <agentobs-feedback token="x" kind="stars" comment="off" thumbs_up="Gut" />
// @ts-expect-error there is no such kind
export const wrong = <agentobs-feedback token="x" kind="hearts" />
// @ts-expect-error there is no such setting
configure({ endpont: "/feedback/" })
"""


def test_types_fit_a_program_in_typescript(tmp_path: Path) -> None:
    folder = project(tmp_path)
    (folder / "main.tsx").write_text(_TYPED)
    argv = [require("bundler", "tsc"), "--noEmit", "--strict", "--jsx", "react-jsx", "--module", "nodenext"]
    argv += ["--target", "es2022", "--lib", "es2022,dom", "--types", "react", "main.tsx"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# --- the examples ---
@pytest.fixture(scope="module")
def shop() -> Iterator[int]:
    """The example in FastAPI, under uvicorn."""
    with serving("examples.feedback_fastapi:app", "uvicorn") as listening:
        yield listening


def test_the_plain_example_goes_from_header_to_widget(browser: Any, shop: int) -> None:
    page = browser.new_page()
    example = (ROOT / "examples" / "feedback_plain.html").read_text()
    page.route("**/example", lambda route: route.fulfill(body=example, content_type="text/html"))
    page.goto(f"http://127.0.0.1:{shop}/example")
    page.get_by_role("button", name="Why?").click()
    page.get_by_text("We look into 'why'.").wait_for()
    page.get_by_role("button", name="Bad answer").click()
    page.get_by_role("textbox", name="Better answer").fill("Because.")
    page.get_by_role("button", name="Send").click()
    poll(lambda: page.get_by_role("status").all_inner_texts() == ["Thank you"], "the thanks")
    assert page.get_by_role("button", pressed=True).get_attribute("title") == "Bad answer"
    page.close()


def test_the_react_example_has_a_widget_for_each_answer(browser: Any, shop: int, tmp_path: Path) -> None:
    page = browser.new_page()
    page.messages = []
    page.on("console", lambda message: page.messages.append(message.text))
    script = bundle(project(tmp_path), (ROOT / "examples" / "feedback_react.jsx").read_text())
    html = '<!doctype html><link rel="icon" href="data:,"><body></body><script src="/example.js"></script>'
    page.route("**/example", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.route("**/example.js", lambda route: route.fulfill(body=script, content_type="text/javascript"))
    page.goto(f"http://127.0.0.1:{shop}/example")
    for number in (1, 2):
        page.get_by_role("button", name="Why?").click()
        poll(lambda number=number: page.get_by_role("group", name="Feedback").count() == number, "the answer")
    page.get_by_role("button", name="Bad answer").nth(0).click()
    page.get_by_role("button", name="Good answer").nth(1).click()
    poll(lambda: page.locator("output").all_inner_texts() == ["thanks", "thanks"], "both ratings")
    pressed = page.get_by_role("button", pressed=True)
    assert [button.get_attribute("title") for button in pressed.all()] == ["Bad answer", "Good answer"]
    assert page.get_by_text("Thank you!").count() == 2
    assert page.messages == []
    page.close()
