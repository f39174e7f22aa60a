"""A Celery worker whose tasks call a model.

export OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 OTEL_SERVICE_NAME=worker
celery --app examples.celery_app worker --concurrency 2 --max-tasks-per-child 1
"""

from __future__ import annotations

import os

import openai
from celery import Celery

import agentobs

agentobs.instrument()
app = Celery("examples", broker=os.environ.get("BROKER_URL", "redis://localhost:6379/0"))


@app.task(name="answer")
def answer(question: str) -> str:
    """What the model says."""
    with agentobs.agent("support"):
        completion = openai.OpenAI().chat.completions.create(
            model="gpt-4.1-mini", messages=[{"role": "user", "content": question}]
        )
    return completion.choices[0].message.content or ""
