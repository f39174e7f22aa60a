"""The feedback endpoint: what users say of an answer, tied to the very call it is about.

`agentobs.feedback_app()` is an ASGI application and `agentobs.feedback_wsgi()` its WSGI twin, to be mounted in the user's
own web application. A signed token, made by `agentobs.feedback_token()` inside a run, says what may be rated; what is
posted with it becomes telemetry in the trace of the answer and, where a store is given, a row that can be exported.

The package is not named `feedback`, because `agentobs.feedback` is a function and importing a submodule of that name
would take its place.
"""

from __future__ import annotations

from .asgi import feedback_app
from .assets import widget_integrity, widget_tag
from .erasure import erase_feedback
from .links import rating_link
from .middleware import FeedbackTokenMiddleware, FeedbackTokenWSGI
from .tokens import feedback_token
from .wsgi import feedback_wsgi

__all__ = [
    "FeedbackTokenMiddleware",
    "FeedbackTokenWSGI",
    "erase_feedback",
    "feedback_app",
    "feedback_token",
    "feedback_wsgi",
    "rating_link",
    "widget_integrity",
    "widget_tag",
]
