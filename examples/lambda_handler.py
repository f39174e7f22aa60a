"""A function that its platform freezes after each answer, such as AWS Lambda: send before the answer, not at the exit.

export OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 OTEL_SERVICE_NAME=orders
Handler: examples.lambda_handler.handler
"""

from __future__ import annotations

from typing import Any

import openai

import agentobs

telemetry = agentobs.instrument()
client = openai.OpenAI()


def handler(event: dict[str, Any], context: object) -> dict[str, str]:
    """Threads that would send later do not run in a frozen process, and none is told of its end."""
    try:
        with agentobs.agent("orders"):
            answer = client.chat.completions.create(
                model="gpt-4.1-mini", messages=[{"role": "user", "content": event["question"]}]
            )
        return {"answer": answer.choices[0].message.content or ""}
    finally:
        telemetry.flush(timeout_s=2)
