"""The examples, run as their first lines say, under real servers, with a real collector behind them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
import requests

from agentobs.endpoint import tokens
from tests.support.endpoint.serving import serving
from tests.support.endpoint.twins import SECRET
from tests.support.process.receiver import Receiver
from tests.support.stack import poll

HEADER = "X-Agentobs-Feedback-Token"
RUNS = [
    ("feedback_fastapi:app", "uvicorn"),
    ("feedback_fastapi:app", "gunicorn-asgi"),
    ("feedback_starlette:app", "uvicorn"),
    ("feedback_flask:app", "gunicorn"),
    ("feedback_flask:app", "gunicorn-threads"),
    ("feedback_django:application", "gunicorn"),
]


@pytest.fixture(scope="module", params=RUNS, ids=" under ".join)
def base(request: pytest.FixtureRequest, received: Receiver) -> Iterator[str]:
    app, server = request.param
    with serving(f"examples.{app}", server, {"OTEL_EXPORTER_OTLP_ENDPOINT": received.http}) as port:
        yield f"http://127.0.0.1:{port}"


def test_a_rating_of_an_answer_reaches_the_collector_with_the_ids_of_the_answer(base: str, received: Receiver) -> None:
    answer = requests.get(f"{base}/answer", {"question": "why"}, timeout=30)
    assert answer.json() == {"answer": "We look into 'why'."}
    rated = tokens.signer_of((SECRET,)).read(answer.headers[HEADER]).rated
    rating = {"token": answer.headers[HEADER], "label": "thumbs_down", "comment": "call +1 202 555 0143"}
    for path in ("/feedback", "/feedback/"):
        # Starlette's mounts redirect the first one, with 307, which keeps method and body.
        assert requests.post(base + path, json=rating, timeout=30).status_code == 202
    ids = (rated.trace_id, rated.span_id)
    (event,) = poll(lambda: [item for item in received.items("logs") if item.ids == ids], "the event")
    assert event.attributes["gen_ai.evaluation.score.label"] == "thumbs_down"
    assert event.attributes["gen_ai.agent.name"] == "support"
    assert "555" not in event.attributes["gen_ai.evaluation.explanation"]
    (span,) = poll(lambda: [item for item in received.items("traces") if item.ids == ids], "the span")
    assert span.name == "invoke_agent support"


def test_a_streamed_answer_has_a_token_too(base: str) -> None:
    answer = requests.get(f"{base}/stream", timeout=30)
    assert answer.text == "Here it is."
    assert (
        requests.post(f"{base}/feedback/", json={"token": answer.headers[HEADER], "value": 1}, timeout=30).status_code
        == 202
    )


def test_the_page_loads_the_widget_of_this_version(base: str) -> None:
    page = requests.get(base, timeout=30).text
    script = re.search(r'src="([^"]+)"', page)
    token = re.search(r'token="([^"]+)"', page)
    assert script is not None
    assert token is not None
    widget = requests.get(base + script[1], timeout=30)
    assert widget.headers["cache-control"].endswith("immutable")
    body = json.dumps({"token": token[1], "label": "thumbs_up"})
    posted = requests.post(f"{base}/feedback/", body, headers={"Content-Type": "text/plain;charset=UTF-8"}, timeout=30)
    assert posted.status_code == 202


def test_wrong_requests_get_their_answers_through_the_server(base: str) -> None:
    for sent, status in (
        ({"json": {"token": "x", "value": 1}}, 401),
        ({"data": b"{"}, 415),
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"data": b" " * 20_000, "headers": {"Content-Type": "application/json"}}, 413),
        ({"data": iter([b" " * 9_000] * 3), "headers": {"Content-Type": "application/json"}}, 413),
        ({"json": {}, "headers": {"Origin": "https://evil.example"}}, 403),
    ):
        answer = requests.post(f"{base}/feedback/", timeout=30, **sent)  # type: ignore[arg-type]
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
    assert requests.get(f"{base}/feedback/", timeout=30).status_code == 405
