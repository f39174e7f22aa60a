"""A model that answers in the process, through the real clients: what it is asked decides what it answers.

Message `n` is answered by `n`, with token counts that anybody can work out from it, so that sums can be exact and an
answer that went to the wrong caller shows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import openai

http: Any = sys.modules[openai.DefaultHttpxClient.__mro__[-2].__module__.partition(".")[0]]
"""The HTTP library that this version of the client is written for."""

NAME = "gpt-4.1-mini"
INPUT_USD, OUTPUT_USD = 0.4e-6, 1.6e-6
"""Its price per token."""

REFUSED = 99_999
"""The message that is answered by an error."""


def input_tokens(number: int) -> int:
    return number % 97 + 1


def output_tokens(number: int) -> int:
    return number % 31 + 2


def cost_usd(number: int) -> float:
    return input_tokens(number) * INPUT_USD + output_tokens(number) * OUTPUT_USD


def _usage(number: int) -> dict[str, int]:
    spent, made = input_tokens(number), output_tokens(number)
    return {"prompt_tokens": spent, "completion_tokens": made, "total_tokens": spent + made}


def _completion(number: int) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": str(number)}}
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1,
        "model": NAME,
        "choices": [choice],
        "usage": _usage(number),
    }


def _events(number: int) -> bytes:
    chunk = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1, "model": NAME}
    deltas: list[tuple[dict[str, str], str | None]] = [({"content": letter}, None) for letter in str(number)]
    chunks = [
        chunk | {"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}
        for delta, reason in [*deltas, ({}, "stop")]
    ]
    chunks.append(chunk | {"choices": [], "usage": _usage(number)})
    return b"".join(b"data: %s\n\n" % json.dumps(entry).encode() for entry in chunks) + b"data: [DONE]\n\n"


def answer(request: Any) -> Any:
    """The answer to one HTTP request."""
    asked = json.loads(request.content)
    if request.url.path.endswith("/embeddings"):
        row = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
        usage = {"prompt_tokens": 3, "total_tokens": 3}
        return http.Response(200, json={"object": "list", "model": asked["model"], "data": [row], "usage": usage})
    number = int(asked["messages"][-1]["content"])
    if number == REFUSED:
        said = {"message": "no", "type": "invalid_request_error", "code": "bad_number", "param": None}
        return http.Response(400, json={"error": said})
    if asked.get("stream"):
        return http.Response(200, headers={"content-type": "text/event-stream"}, content=_events(number))
    return http.Response(200, json=_completion(number))


def client(answer: Callable[[Any], Any] = answer) -> openai.OpenAI:
    """A real client of the model; `answer` may be another one."""
    transport = http.Client(transport=http.MockTransport(answer))
    return openai.OpenAI(api_key="k", base_url="https://api.openai.com/v1", max_retries=0, http_client=transport)


def async_client(answer: Callable[[Any], Any] = answer) -> openai.AsyncOpenAI:
    """The asynchronous twin of `client`."""
    transport = http.AsyncClient(transport=http.MockTransport(answer))
    return openai.AsyncOpenAI(api_key="k", base_url="https://api.openai.com/v1", max_retries=0, http_client=transport)


def ask(number: int, **more: Any) -> dict[str, Any]:
    """The arguments of the call that asks message `number`."""
    return {"model": NAME, "messages": [{"role": "user", "content": str(number)}], **more}
