"""The same behind Flask, with a breaker around the model.

export OTEL_SERVICE_NAME=shop PROMETHEUS_MULTIPROC_DIR=$(mktemp -d)
gunicorn examples.servers.wsgi:app --config examples/servers/gunicorn_conf.py --worker-class gthread
uwsgi --ini examples/servers/uwsgi.ini
"""

from __future__ import annotations

import openai
import pybreaker
from flask import Flask, request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import agentobs

agentobs.instrument()
app = Flask(__name__)
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/metrics": agentobs.metrics_wsgi()})  # type: ignore[method-assign]
client = openai.OpenAI(max_retries=0)
breaker = pybreaker.CircuitBreaker(fail_max=3, reset_timeout=60, name="model")


@app.get("/answer")
def answer() -> dict[str, str]:
    """What the model says, or an apology."""
    with agentobs.agent("support"):
        try:
            completion = breaker.call(
                client.chat.completions.create,
                model="gpt-4.1-mini",
                messages=[{"role": "user", "content": request.args["question"]}],
            )
        except (openai.APIError, pybreaker.CircuitBreakerError) as error:
            with agentobs.fallback("answer", kind="static", reason=error):
                return {"answer": "We are slow today."}
    return {"answer": completion.choices[0].message.content or ""}
