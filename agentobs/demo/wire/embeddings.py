"""OpenAI's embeddings."""

from __future__ import annotations

import base64
import json
import struct

from ..answer import Answer, Json, Question, count
from ..luck import Luck
from ..tariff import UNREPORTED, Tokens, served_as
from . import Frame, openai_error

_DIMENSIONS = 8
"""Far fewer than the real model has, because nobody searches in them."""


class Embeddings:
    """`POST .../embeddings`, for a text or a list of texts, as numbers or as base64 of little-endian floats."""

    provider = "openai"
    operation = "embeddings"

    def question(self, body: Json) -> Question:
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        wanted = {"texts": texts, "form": body.get("encoding_format", "float"), "size": body.get("dimensions")}
        return Question(model=body["model"], streamed=False, prompt=json.dumps(wanted), user="")

    def reply(self, question: Question, answer: Answer, *, usage: bool) -> tuple[Json, Tokens]:
        wanted = json.loads(question.prompt)
        entries = [
            {"object": "embedding", "index": index, "embedding": _vector(text, wanted["size"], wanted["form"])}
            for index, text in enumerate(wanted["texts"])
        ]
        used = sum(count(str(text)) for text in wanted["texts"])
        body = {
            "object": "list",
            "data": entries,
            "model": served_as(question.model),
            "usage": {"prompt_tokens": used, "total_tokens": used} if usage else None,
        }
        return body, Tokens(input=used) if usage else UNREPORTED

    def stream(self, question: Question, answer: Answer, *, usage: bool) -> list[Frame]:
        raise ValueError("embeddings are not streamed")

    def stream_error(self, question: Question, answer: Answer) -> bytes:
        raise ValueError("embeddings are not streamed")

    def error(self, status: int, message: str) -> Json:
        return openai_error(status, message)


def _vector(text: object, size: int | None, form: str) -> list[float] | str:
    luck = Luck(0, str(text))
    numbers = [round(luck.draw(str(place)) - 0.5, 6) for place in range(size or _DIMENSIONS)]
    if form != "base64":
        return numbers
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
