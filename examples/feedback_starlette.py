"""Feedback in Starlette: star ratings of a page's answer.

export AGENTOBS_FEEDBACK_SECRET=$(python -c "import secrets; print(secrets.token_urlsafe(32))")
uvicorn examples.feedback_starlette:app
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import escape

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

import agentobs
from agentobs.endpoint import widget_tag

agentobs.instrument(service="shop")


@agentobs.agent("support")
async def answer(request: Request) -> Response:
    return JSONResponse({"answer": f"We look into {request.query_params['question']!r}."})


async def stream(request: Request) -> Response:
    @agentobs.agent("support")
    async def words() -> AsyncIterator[str]:
        for word in ("Here ", "it ", "is."):
            yield word

    return StreamingResponse(words(), media_type="text/plain")


async def page(request: Request) -> Response:
    with agentobs.agent("support"):
        text, token = "Press the button for ten seconds.", agentobs.feedback_token()
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>Support</title>{widget_tag("/feedback")}'
        f'<p>{escape(text)}</p><agentobs-feedback token="{token}" kind="stars"></agentobs-feedback>'
    )


app = Starlette(
    routes=[
        Route("/", page),
        Route("/answer", answer),
        Route("/stream", stream),
        Mount("/feedback", agentobs.feedback_app()),
    ],
    middleware=[Middleware(agentobs.FeedbackTokenMiddleware)],
)
