"""An agent behind FastAPI, in a server of several processes whose `/metrics` is that of all of them.

export OTEL_SERVICE_NAME=shop PROMETHEUS_MULTIPROC_DIR=$(mktemp -d)
uvicorn examples.servers.asgi:app --workers 2
gunicorn examples.servers.asgi:app --config examples/servers/gunicorn_conf.py
"""

from __future__ import annotations

import openai
from fastapi import FastAPI

import agentobs

agentobs.instrument()
app = FastAPI()
app.mount("/metrics", agentobs.metrics_app())
client = openai.AsyncOpenAI()


@app.get("/answer")
async def answer(question: str) -> dict[str, str]:
    """What the model says."""
    async with agentobs.agent("support"):
        completion = await client.chat.completions.create(
            model="gpt-4.1-mini", messages=[{"role": "user", "content": question}]
        )
    return {"answer": completion.choices[0].message.content or ""}
