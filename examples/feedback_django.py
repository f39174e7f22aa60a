"""Feedback in Django, in one file; what counts is its last line, which belongs into the project's wsgi.py.

export AGENTOBS_FEEDBACK_SECRET=$(python -c "import secrets; print(secrets.token_urlsafe(32))")
gunicorn examples.feedback_django:application
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from html import escape

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.urls import path

import agentobs
from agentobs.endpoint import widget_tag

agentobs.instrument(service="shop")
settings.configure(ROOT_URLCONF=__name__, SECRET_KEY=secrets.token_hex(), ALLOWED_HOSTS=["*"])


def answer(request: HttpRequest) -> HttpResponse:
    with agentobs.agent("support"):
        return JsonResponse({"answer": f"We look into {request.GET['question']!r}."})


def stream(request: HttpRequest) -> StreamingHttpResponse:
    @agentobs.agent("support")
    def words() -> Iterator[str]:
        yield from ("Here ", "it ", "is.")

    return StreamingHttpResponse(words(), content_type="text/plain")


def page(request: HttpRequest) -> HttpResponse:
    with agentobs.agent("support"):
        text, token = "Press the button for ten seconds.", agentobs.feedback_token()
    return HttpResponse(
        f'<!doctype html><html lang="en"><title>Support</title>{widget_tag("/feedback")}'
        f'<p id="answer">{escape(text)}</p><agentobs-feedback token="{token}" for="answer"></agentobs-feedback>'
    )


urlpatterns = [path("", page), path("answer", answer), path("stream", stream)]
application = agentobs.feedback_wsgi(agentobs.FeedbackTokenWSGI(get_wsgi_application()), path="/feedback")
