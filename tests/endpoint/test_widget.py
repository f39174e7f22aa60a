"""The widget in a real browser: clicked, by keyboard, without a network, on dark and narrow pages, under a strict CSP."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support import needs
from tests.support.endpoint.serving import serving
from tests.support.endpoint.twins import SECRET
from tests.support.stack import poll

needs.module("playwright.sync_api")

PICTURES = Path(__file__).parents[2] / "examples" / "pictures"
PAGE = """<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>Support</title>
<link rel="icon" href="data:,"><script src="/feedback/widget.js" defer></script>
<p id="answer">Hold the button for ten seconds, then let it go.</p>
<agentobs-feedback id="thumbs" token="TOKEN" for="answer"></agentobs-feedback>
<agentobs-feedback id="stars" token="TOKEN" kind="stars" comment="off"></agentobs-feedback>"""


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("widget") / "feedback.db"


@pytest.fixture(scope="module")
def base(database: Path) -> Iterator[str]:
    options = json.dumps(
        {"secret": SECRET, "store": f"sqlite:///{database}", "per_token": 10_000, "per_address": 10_000}
    )
    with serving(
        "tests.support.endpoint.apps:asgi", "uvicorn", {"FEEDBACK_OPTIONS": options, "FEEDBACK_PAGE": PAGE}
    ) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def page(browser: Any, base: str, database: Path) -> Iterator[Any]:
    """A fresh page of a fresh visitor; nothing may be written to its console but failed requests."""
    with sqlite3.connect(database) as connection:
        connection.execute("DELETE FROM agentobs_feedback")
    connection.close()
    context = browser.new_context()
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = context.new_page()
    opened.messages = []
    opened.on("console", lambda message: opened.messages.append(message.text))
    opened.on("pageerror", lambda error: opened.messages.append(str(error)))
    opened.goto(f"{base}/page")
    yield opened
    context.close()
    assert [text for text in opened.messages if "Failed to load resource" not in text] == []


def kept(database: Path) -> dict[str, tuple[Any, ...]]:
    """Label, comment and revision of what the store holds, by name."""
    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT name, label, comment, revision FROM agentobs_feedback").fetchall()
    connection.close()
    return {name: rest for name, *rest in rows}


def waiting(page: Any) -> list[dict[str, Any]]:
    """The bodies that wait in the browser."""
    records = page.evaluate("Object.values(localStorage)")
    return [record["waiting"][1] for record in map(json.loads, records) if record.get("waiting")]


def status(page: Any, text: str) -> None:
    page.locator("#thumbs [role=status]", has_text=text).wait_for()


def test_a_click_is_kept_and_can_be_changed(page: Any, database: Path) -> None:
    thumbs = page.locator("#thumbs")
    thumbs.get_by_role("button", name="Good answer").click()
    status(page, "Thank you")
    assert kept(database) == {"user_feedback": ["thumbs_up", None, 0]}
    thumbs.get_by_role("button", name="Bad answer").click()
    poll(lambda: kept(database) == {"user_feedback": ["thumbs_down", None, 1]}, "the change")
    assert thumbs.get_by_role("button", pressed=True).all_inner_texts() == [""]
    assert thumbs.get_by_role("button", name="Bad answer").get_attribute("aria-pressed") == "true"


def test_a_comment_follows(page: Any, database: Path) -> None:
    thumbs = page.locator("#thumbs")
    assert not thumbs.get_by_role("textbox").is_visible()
    thumbs.get_by_role("button", name="Bad answer").click()
    thumbs.get_by_role("textbox", name="Comment").fill("It was the <b>other</b> button, ask bob@example.com")
    thumbs.get_by_role("button", name="Send").click()
    poll(lambda: kept(database).get("user_feedback", [0, 0])[1], "the comment")
    assert kept(database)["user_feedback"][:2] == ["thumbs_down", "It was the <b>other</b> button, ask [EMAIL]"]
    assert not thumbs.get_by_role("textbox").is_visible()


def test_the_keyboard_is_enough(page: Any, database: Path) -> None:
    for key in ("Tab", "Tab", "Enter", "Tab"):
        page.keyboard.press(key)
    page.keyboard.type("no")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    poll(lambda: kept(database).get("user_feedback", [0, 0])[:2] == ["thumbs_down", "no"], "the rating")


def test_stars(page: Any, database: Path) -> None:
    page.locator("#stars").get_by_role("button", name="4 stars").click()
    poll(lambda: kept(database) == {"stars": ["4_stars", None, 0]}, "the rating")
    assert page.locator("#stars .on").count() == 4
    assert page.locator("#stars").get_by_role("button", pressed=True).count() == 1
    assert not page.locator("#stars").get_by_role("textbox").is_visible()


def test_a_copied_answer_is_a_signal(page: Any, database: Path) -> None:
    page.locator("#answer").select_text()
    page.keyboard.press("Control+C")
    poll(lambda: kept(database) == {"implicit": ["copied", None, 0]}, "the signal")


def test_what_a_screen_reader_is_told(page: Any) -> None:
    page.locator("#thumbs").get_by_role("button", name="Good answer").click()
    status(page, "Thank you")
    told = page.locator("#thumbs").aria_snapshot()
    assert told.splitlines() == [
        '- group "Feedback":',
        '  - button "Good answer" [pressed]',
        '  - button "Bad answer"',
        '- textbox "Comment"',
        '- button "Send"',
        "- status: Thank you",
    ]


def test_what_could_not_be_sent_is_kept_and_sent_later(page: Any, database: Path) -> None:
    page.context.set_offline(True)
    page.locator("#thumbs").get_by_role("button", name="Bad answer").click()
    status(page, "Sent later")
    assert kept(database) == {}
    page.context.set_offline(False)  # the browser tells the page that it is online again
    status(page, "Thank you")
    assert kept(database) == {"user_feedback": ["thumbs_down", None, 0]}


def test_what_could_not_be_sent_survives_the_page(page: Any, base: str, database: Path) -> None:
    page.route("**/feedback/", lambda route: route.fulfill(status=503, body="{}"))
    page.locator("#thumbs").get_by_role("button", name="Bad answer").click()
    status(page, "Sent later")
    page.unroute("**/feedback/")
    assert kept(database) == {}
    page.goto(f"{base}/page")
    poll(lambda: kept(database) == {"user_feedback": ["thumbs_down", None, 0]}, "the rating")
    assert poll(lambda: waiting(page) == [], "nothing left to send")


def test_it_is_tried_again_without_anybody_doing_anything(page: Any, database: Path) -> None:
    failures = iter([500, 429])

    def answer(route: Any) -> None:
        code = next(failures, None)
        route.continue_() if code is None else route.fulfill(status=code, body="{}")

    page.clock.install()
    page.route("**/feedback/", answer)
    page.locator("#thumbs").get_by_role("button", name="Good answer").click()
    status(page, "Sent later")
    poll(lambda: page.clock.fast_forward(300_000) or kept(database), "the rating")


def test_what_is_refused_is_told_and_not_tried_again(page: Any) -> None:
    page.evaluate("document.querySelector('#thumbs').setAttribute('token', 'forged')")
    page.locator("#thumbs").get_by_role("button", name="Good answer").click()
    status(page, "Not sent")
    assert page.evaluate("Object.keys(localStorage).length") == 0
    assert "answered 401: send the token as it was given" in page.messages.pop()


def test_a_second_click_takes_the_rating_back(page: Any, database: Path) -> None:
    thumbs = page.locator("#thumbs")
    thumbs.get_by_role("button", name="Bad answer").click()
    thumbs.get_by_role("textbox", name="Comment").fill("too slow")
    thumbs.get_by_role("button", name="Send").click()
    poll(lambda: kept(database).get("user_feedback") == ["thumbs_down", "too slow", 1], "the rating")
    thumbs.get_by_role("button", name="Bad answer").click()
    status(page, "Withdrawn")
    assert kept(database) == {"user_feedback": [None, None, 2]}
    assert thumbs.get_by_role("button", pressed=True).count() == 0
    assert not thumbs.get_by_role("textbox", name="Comment").is_visible()
    thumbs.get_by_role("button", name="Good answer").click()
    poll(lambda: kept(database).get("user_feedback") == ["thumbs_up", None, 3], "the new rating")


def test_a_corrected_answer(page: Any, database: Path) -> None:
    page.evaluate("document.querySelector('#thumbs').setAttribute('correction', 'on')")
    thumbs = page.locator("#thumbs")
    thumbs.get_by_role("button", name="Bad answer").click()
    thumbs.get_by_role("textbox", name="Better answer").fill(
        "Hold it for five\u0000 seconds.\nThen call bob@example.com."
    )
    thumbs.get_by_role("button", name="Send").click()
    status(page, "Thank you")
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT label, correction FROM agentobs_feedback").fetchall()
    assert rows == [("thumbs_down", "Hold it for five seconds.\nThen call [EMAIL].")]


def test_a_rating_is_shown_again_after_a_reload(page: Any, base: str, database: Path) -> None:
    token = page.locator("#thumbs").get_attribute("token")
    page.locator("#thumbs").get_by_role("button", name="Bad answer").click()
    page.locator("#stars").get_by_role("button", name="2 stars").click()
    poll(lambda: len(kept(database)) == 2, "the ratings")
    page.goto(f"{base}/page")
    for element in ("#thumbs", "#stars"):
        assert page.locator(element).get_by_role("button", pressed=True).count() == 0
        page.locator(element).evaluate("(element, token) => { element.token = token }", token)
    pressed = [
        page.locator(element).get_by_role("button", pressed=True).get_attribute("title")
        for element in ("#thumbs", "#stars")
    ]
    assert pressed == ["Bad answer", "2 stars"]
    page.locator("#thumbs").get_by_role("button", name="Good answer").click()
    poll(lambda: kept(database).get("user_feedback", [None])[0] == "thumbs_up", "the change")


SECRETS = [
    *("bob@example.com", "+49 171 1234567", "(202) 555-0143", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00"),
    *(
        "123-45-6789",
        "sk-abcdefghijklmnopqrstuvwx",
        "AKIAIOSFODNN7EXAMPLE",
        "password is hunter2",
        "xoxb-1234-abcd-5678",
    ),
    *("ghp_0123456789abcdefghijklmnopqrstuvwxyz", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
]


def test_a_comment_that_waits_is_redacted_before_it_is_written_down(page: Any, database: Path) -> None:
    page.context.set_offline(True)
    thumbs = page.locator("#thumbs")
    thumbs.get_by_role("button", name="Bad answer").click()
    comment = ", ".join(SECRETS) + ". The rest is harmless."
    thumbs.get_by_role("textbox", name="Comment").fill(comment)
    thumbs.get_by_role("button", name="Send").click()
    status(page, "Sent later")
    (body,) = waiting(page)
    assert body["comment"].endswith("The rest is harmless.")
    everything = page.evaluate("JSON.stringify(localStorage)")
    assert [secret for secret in SECRETS if secret in everything] == []
    page.context.set_offline(False)
    poll(lambda: (kept(database).get("user_feedback") or [None, ""])[1], "the comment")


def test_a_new_token_is_a_new_answer(page: Any) -> None:
    page.locator("#thumbs").get_by_role("button", name="Good answer").click()
    status(page, "Thank you")
    page.evaluate("document.querySelector('#thumbs').setAttribute('token', 'another')")
    assert page.locator("#thumbs").get_by_role("button", pressed=True).count() == 0
    assert page.locator("#thumbs [role=status]").inner_text() == ""


def test_storage_that_is_forbidden_does_no_harm(browser: Any, base: str, database: Path) -> None:
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden') }})")
    opened = context.new_page()
    opened.goto(f"{base}/page")
    opened.locator("#thumbs").get_by_role("button", name="Good answer").click()
    status(opened, "Thank you")
    assert kept(database) == {"user_feedback": ["thumbs_up", None, 0]}
    context.close()


def test_one_tag_is_enough(browser: Any, base: str, database: Path) -> None:
    context = browser.new_context()
    opened = context.new_page()
    opened.goto(f"{base}/other")
    token = opened.inner_text("body")
    tag = f'<!doctype html><p>Answer</p><script src="/feedback/widget.js" data-token="{token}" data-kind="stars"></script>'
    opened.route("**/one-tag", lambda route: route.fulfill(body=tag, content_type="text/html"))
    opened.goto(f"{base}/one-tag")
    opened.get_by_role("button", name="2 stars").click()
    poll(lambda: kept(database).get("stars", [""])[0] == "2_stars", "the rating")
    context.close()


@pytest.mark.parametrize("look", ["light", "dark", "narrow", "forced-colors"])
def test_it_fits_the_page(page: Any, look: str, tmp_path: Path) -> None:
    page.emulate_media(
        color_scheme="dark" if look == "dark" else "light",
        forced_colors="active" if look == "forced-colors" else None,
        reduced_motion="reduce",
    )
    page.set_viewport_size({"width": 180 if look == "narrow" else 480, "height": 320 if look == "narrow" else 260})
    style = """
        const sheet = new CSSStyleSheet()
        sheet.replaceSync(`:root { color-scheme: light dark; font: 16px sans-serif }
            agentobs-feedback { --agentobs-accent: light-dark(#0057b8, #7cc4ff); --agentobs-radius: 8px }`)
        document.adoptedStyleSheets = [sheet]
    """
    page.evaluate(style)
    page.locator("#stars").get_by_role("button", name="3 stars").click()
    page.locator("#thumbs").get_by_role("button", name="Bad answer").click()
    status(page, "Thank you")
    page.screenshot(path=tmp_path / f"widget-{look}.png")
    box, width = page.locator("#thumbs").bounding_box(), page.viewport_size["width"]
    assert box["x"] + box["width"] <= width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for button in page.get_by_role("button").all():
        if button.is_visible():
            size = button.bounding_box()
            assert min(size["width"], size["height"]) >= 24  # WCAG 2.2, target size
    accent = {"light": "rgb(0, 87, 184)", "dark": "rgb(124, 196, 255)"}.get(look)
    if accent is not None:
        color = page.locator("#thumbs .on").evaluate("button => getComputedStyle(button).color")
        assert color == accent
    running = page.evaluate("document.getAnimations().length")
    assert running == 0
