"""Feedback in FastAPI: an agent that answers, whole and streamed, and a page with thumbs under the answer.

export AGENTOBS_FEEDBACK_SECRET=$(python -c "import secrets; print(secrets.token_urlsafe(32))")
uvicorn examples.feedback_fastapi:app
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from html import escape

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, StreamingResponse

import agentobs
from agentobs.endpoint import widget_tag

agentobs.instrument(service="shop")
app = FastAPI()
app.add_middleware(agentobs.FeedbackTokenMiddleware)
app.mount("/feedback", agentobs.feedback_app())


@app.get("/answer")
async def answer(question: str) -> dict[str, str]:
    """The token goes into the header X-Agentobs-Feedback-Token."""
    with agentobs.agent("support"):
        return {"answer": f"We look into {question!r}."}


@app.get("/stream")
async def stream() -> StreamingResponse:
    """The same for an answer that is streamed."""

    @agentobs.agent("support")
    async def words() -> AsyncIterator[str]:
        for word in ("Here ", "it ", "is."):
            yield word

    return StreamingResponse(words(), media_type="text/plain")


@app.get("/")
async def page() -> HTMLResponse:
    """A page that is made with its answer."""
    with agentobs.agent("support"):
        text, token = "Press the button for ten seconds.", agentobs.feedback_token()
    return HTMLResponse(
        f'<!doctype html><html lang="en"><title>Support</title>{widget_tag("/feedback")}'
        f'<p id="answer">{escape(text)}</p><agentobs-feedback token="{token}" for="answer"></agentobs-feedback>'
    )
