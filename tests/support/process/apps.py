"""An application with a model behind it, as servers are given it: ASGI and WSGI, with /metrics."""

from __future__ import annotations

SHOP = """
import os
import agentobs
from tests.support import model
from tests.support.scenario import trip

def handle(path):
    if path == "/pid":
        return str(os.getpid())
    if path == "/trip":
        global breaker
        breaker = trip("payments")
        return "open"
    if path == "/report":
        return str(agentobs.instrument().report())
    number = int(path.rsplit("/", 1)[-1])
    with agentobs.agent("support"):
        answered = model.client().chat.completions.create(**model.ask(number)).choices[0].message.content
        agentobs.decision("route", "x", confidence=0.5)
    return answered
"""
"""What both have in common; `/call/N` calls the model, `/trip` opens a breaker of the worker that gets it."""

WSGI = (
    SHOP
    + """
agentobs.instrument()
metrics = agentobs.metrics_wsgi()

def app(environ, start_response):
    if environ["PATH_INFO"] == "/metrics":
        return metrics(environ, start_response)
    body = handle(environ["PATH_INFO"]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
"""
)
ASGI = (
    SHOP
    + """
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

agentobs.instrument()

def other(request):
    return PlainTextResponse(handle(request.url.path))

app = Starlette(routes=[Route("/metrics", agentobs.metrics_app()), Route("/{path:path}", other)])
"""
)
