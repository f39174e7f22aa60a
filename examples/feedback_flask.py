"""Feedback in Flask.

export AGENTOBS_FEEDBACK_SECRET=$(python -c "import secrets; print(secrets.token_urlsafe(32))")
gunicorn examples.feedback_flask:app
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from flask import Flask, Response, request

import agentobs
from agentobs.endpoint import widget_tag

agentobs.instrument(service="shop")
app = Flask(__name__)
app.wsgi_app = agentobs.FeedbackTokenWSGI(app.wsgi_app)  # type: ignore[method-assign]
app.wsgi_app = agentobs.feedback_wsgi(app.wsgi_app, path="/feedback")  # type: ignore[method-assign]


@app.get("/answer")
def answer() -> dict[str, str]:
    with agentobs.agent("support"):
        return {"answer": f"We look into {request.args['question']!r}."}


@app.get("/stream")
def stream() -> Response:
    @agentobs.agent("support")
    def words() -> Iterator[str]:
        yield from ("Here ", "it ", "is.")

    return Response(words(), mimetype="text/plain")


@app.get("/")
def page() -> str:
    with agentobs.agent("support"):
        text, token = "Press the button for ten seconds.", agentobs.feedback_token()
    return (
        f'<!doctype html><html lang="en"><title>Support</title>{widget_tag("/feedback")}'
        f'<p id="answer">{escape(text)}</p><agentobs-feedback token="{token}" for="answer"></agentobs-feedback>'
    )
