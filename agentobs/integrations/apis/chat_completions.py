"""The Chat Completions API, and the legacy Completions API, whose choices have a text in place of a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...records.calls import CallRequest
from ...records.messages import Message
from ..errors import INVALID_OUTPUT, reported_failure
from ..reading import fields, pick, text, whole
from .answer import Answer, reason
from .openai_content import chat_message
from .openai_usage import read_usage
from .parts import Texts, finish_word, get, listed, message, text_part

_NO_INDEX = 0


class ChatCompletion(Answer):
    """A completion with one or more choices.

    A stream is whole where a finish reason came for some choice, where its end marker came, or where usage came in a
    chunk without choices, which is the last that a server sends. Some servers (vLLM, xAI) repeat usage in every chunk:
    without any of the three, the output that the last of them counted is not the whole and is left out.
    """

    __slots__ = ("_choices", "_closed", "_reasons", "_tier", "_usage")

    def __init__(self, request: CallRequest, capture: bool = False) -> None:
        super().__init__(request, capture)
        self._choices: dict[Any, _Choice] = {}
        self._reasons: dict[int, str] = {}
        self._usage: Any = None
        self._tier: Any = None
        self._closed = False

    def take(self, answer: Any) -> bool:
        """See `Answer.take`."""
        body = fields(answer)
        choices, usage, error = body.get("choices"), body.get("usage"), body.get("error")
        if not isinstance(choices, (list, tuple)) and (usage is None or error):
            return False
        self._identify(body)
        known = (reason(pick(choice, "finish_reason")) for choice in choices or () if choice is not None)
        self.result.finish_reasons = tuple([why for why in known if why is not None])
        self._spend(usage, body.get("service_tier"))
        if error:
            self.ending = reported_failure(error, INVALID_OUTPUT)
        if self.capture:
            self.result.messages = lambda: [_choice_message(choice) for choice in listed(choices)]
        return True

    def add(self, chunks: Sequence[Any]) -> None:
        """Read further chunks; their content only where it is captured. This is all that a chunk costs: it calls little."""
        body: Mapping[str, Any] = {}
        unknown = self.result.id is None or self.result.model is None
        for chunk in chunks:
            try:
                body = chunk if type(chunk) is dict else chunk.__dict__
                choices = body["choices"]
                more = body if body is chunk else chunk.__pydantic_extra__
            except (AttributeError, KeyError):
                body = more = fields(chunk)
                choices = more.get("choices")
            if unknown:
                self._identify(body)
                unknown = self.result.id is None or self.result.model is None
            if choices:
                for choice in choices if type(choices) is list else ():
                    try:
                        why = choice.finish_reason
                    except AttributeError:
                        why = pick(choice, "finish_reason")
                    if why is not None:
                        self._finished(choice, why)
                    if self.capture and choice is not None:
                        self._grow(choice)
            if "usage" in body and body["usage"] is not None:
                self._usage = body["usage"]
                self._closed = self._closed or not choices
            if "service_tier" in body and body["service_tier"] is not None:
                self._tier = body["service_tier"]
            if more:
                self._read_more(more)
        self._identify(body)

    def _read_more(self, more: Mapping[str, Any]) -> None:
        """What only some servers send."""
        usage = pick(more.get("x_groq"), "usage")
        if usage is not None:
            self._usage = usage
        if more.get("error"):
            self.ending = reported_failure(more["error"], INVALID_OUTPUT)

    def _grow(self, choice: Any) -> None:
        self._choices.setdefault(get(choice, "index"), _Choice()).add(choice)

    def _finished(self, choice: Any, known: Any) -> None:
        why = reason(known)
        if why is not None:
            self._reasons[whole(get(choice, "index")) or _NO_INDEX] = why

    def finish(self, marked: bool) -> bool:
        """See `Answer.finish`."""
        complete = marked or self._closed or bool(self._reasons)
        result = self.result
        result.finish_reasons = tuple(self._reasons[index] for index in sorted(self._reasons))
        self._spend(self._usage, self._tier)
        usage = result.usage
        if usage is not None and not complete:
            usage.output_tokens = usage.reasoning_tokens = usage.audio_output_tokens = None
            usage.reported_cost_usd = None
        if self.capture:
            choices = self._choices
            result.messages = lambda: [choice.message() for choice in choices.values()]
        return complete

    def _identify(self, body: Mapping[str, Any]) -> None:
        self.identify(body)
        fingerprint = body.get("system_fingerprint")
        if fingerprint is not None:
            self.result.system_fingerprint = text(fingerprint)

    def _spend(self, usage: Any, tier: Any) -> None:
        known = self.result.usage = None if usage is None else read_usage(self.request, usage)
        if known is not None and tier is not None:
            known.service_tier = text(tier)


def _choice_message(choice: Any) -> Message:
    finish = finish_word(reason(get(choice, "finish_reason")))
    given = get(choice, "message")
    if given is None:
        legacy = get(choice, "text")
        return message("assistant", [text_part(legacy)] if isinstance(legacy, str) else [], finish)
    collected = chat_message(given)
    collected["role"] = get(given, "role") or "assistant"
    return collected if finish is None else {**collected, "finish_reason": finish}


class _Choice:
    """One choice of a stream, as it grows."""

    __slots__ = ("_arguments", "_calls", "_finish", "_is_chat", "_role", "_texts")

    def __init__(self) -> None:
        self._texts = Texts()
        self._calls: dict[Any, dict[str, Any]] = {}
        self._arguments = Texts()
        self._finish: Any = None
        self._role: Any = None
        self._is_chat = False

    def add(self, choice: Any) -> None:
        finish = get(choice, "finish_reason")
        if finish is not None:
            self._finish = finish
        self._texts.add("completion", get(choice, "text"))
        delta = get(choice, "delta")
        if delta is None:
            return
        self._is_chat = True
        if get(delta, "role") is not None:
            self._role = get(delta, "role")
        for name in ("content", "refusal", "reasoning_content", "reasoning"):
            self._texts.add(name, get(delta, name))
        audio = get(delta, "audio")
        self._texts.add("audio_id", get(audio, "id"))
        self._texts.add("transcript", get(audio, "transcript"))
        for position, call in enumerate(listed(get(delta, "tool_calls"))):
            index = get(call, "index")
            self._add_call(position if index is None else index, get(call, "id"), get(call, "function"))
        if get(delta, "function_call") is not None:
            self._add_call("function_call", None, get(delta, "function_call"))

    def _add_call(self, key: Any, call_id: Any, function: Any) -> None:
        call = self._calls.setdefault(key, {"id": None, "name": None})
        call["id"] = call["id"] or call_id
        call["name"] = call["name"] or get(function, "name")
        self._arguments.add(key, get(function, "arguments"))

    def message(self) -> Message:
        """What the same choice would have been without streaming."""
        if not self._is_chat:
            return _choice_message({"text": self._texts.get("completion"), "finish_reason": self._finish})
        given: dict[str, Any] = {"role": self._role or "assistant"}
        for name in ("content", "refusal", "reasoning_content", "reasoning"):
            given[name] = self._texts.get(name)
        given["content"] = given["content"] or None
        audio = {"id": self._texts.get("audio_id"), "transcript": self._texts.get("transcript")}
        if any(text is not None for text in audio.values()):
            given["audio"] = audio
        given["tool_calls"] = [
            {"id": call["id"], "function": {"name": call["name"], "arguments": self._arguments.get(key)}}
            for key, call in self._calls.items()
        ]
        return _choice_message({"message": given, "finish_reason": self._finish})
