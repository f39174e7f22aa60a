"""Google's GenerateContent API: what its requests, answers and chunks say.

Source of the shapes: google-genai 2.34 and 3.6, and recorded exchanges of the Gemini API and of Vertex AI. Both leave
thoughts out of `candidatesTokenCount` and tool-use prompts out of `promptTokenCount`; the conventions count them in. A
chunk may repeat some counts of `usageMetadata` and lack others, so the last word on each count holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ...records.calls import CallEnding, CallResult
from ...records.messages import InputContent, Message, Part
from ...records.usage import Usage
from ..reading import fields, finite, items, pick, text, texts, whole
from .parts import blob, generic, part, text_part, tool_call, tool_response

_COUNTS = (
    "promptTokenCount",
    "toolUsePromptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "cachedContentTokenCount",
    "totalTokenCount",
)
_FINISH = {"STOP": "stop", "MAX_TOKENS": "length", "MALFORMED_FUNCTION_CALL": "error", "OTHER": "error"}
_FILTERED = ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "IMAGE_SAFETY", "LANGUAGE")
_CAPITAL = re.compile("[A-Z]")
_MODALITIES = ("image", "audio", "video")


# --- requests ---------------------------------------------------------------------------------------------------------
def parameters(body: Mapping[str, Any]) -> dict[str, Any]:
    """The request parameters that were given, by the names of `CallRequest.parameters`."""
    config = fields(body.get("generationConfig"))
    known = {
        "temperature": finite(config.get("temperature")),
        "top_p": finite(config.get("topP")),
        "top_k": _whole(config.get("topK")),
        "max_tokens": whole(config.get("maxOutputTokens")),
        "choice_count": None if config.get("candidateCount") == 1 else whole(config.get("candidateCount")),
        "stop_sequences": texts(config.get("stopSequences")),
        "seed": _whole(config.get("seed")),
        "frequency_penalty": finite(config.get("frequencyPenalty")),
        "presence_penalty": finite(config.get("presencePenalty")),
        "reasoning_level": text(_either(config.get("thinkingConfig"), "thinkingLevel")),
        "output_type": _output_type(config),
    }
    return {name: value for name, value in known.items() if value is not None}


def _either(thing: Any, name: str) -> Any:
    """A field by its name on the wire, or by the name that Google's client leaves on it in nested objects."""
    value = pick(thing, name)
    return pick(thing, _CAPITAL.sub(lambda letter: "_" + letter[0].lower(), name)) if value is None else value


def _whole(value: Any) -> int | None:
    """A count that may be written as a number with a fraction of nought."""
    return int(value) if type(value) is float and value.is_integer() and 0 <= value < 2**53 else whole(value)


def _output_type(config: Mapping[str, Any]) -> str | None:
    modalities = texts(config.get("responseModalities")) or ()
    for modality, output_type in (("IMAGE", "image"), ("AUDIO", "speech")):
        if modality in modalities:
            return output_type
    return {"application/json": "json", "text/plain": "text"}.get(text(config.get("responseMimeType")) or "")


def input_content(body: Mapping[str, Any], *, details: bool) -> InputContent:
    """What a request's body sends, in the conventions' shapes; with `details` the tools have all their fields."""
    instructions = [
        collected for entry in items(pick(body.get("systemInstruction"), "parts")) for collected in _parts(entry)
    ]
    return InputContent(instructions, list(items(body.get("contents"))), _message, list(_tools(body, details)))


def _message(content: Any) -> Message:
    role = text(pick(content, "role")) or "user"
    parts = [collected for entry in items(pick(content, "parts")) for collected in _parts(entry)]
    answers = any(collected["type"] == "tool_call_response" for collected in parts)
    return {"role": "tool" if answers else "assistant" if role == "model" else role, "parts": parts}


def _tools(body: Mapping[str, Any], details: bool) -> Iterable[dict[str, Any]]:
    for tool in items(body.get("tools")):
        for name, value in fields(tool).items():
            if name != "functionDeclarations":
                yield {"type": name, "name": name}
                continue
            for function in items(value):
                collected = {"type": "function", "name": text(pick(function, "name")) or "unknown"}
                if details:
                    schema = pick(function, "parameters") or _either(function, "parametersJsonSchema")
                    more = {"description": pick(function, "description"), "parameters": schema}
                    collected |= {key: payload for key, payload in more.items() if payload}
                yield collected


def _parts(entry: Any) -> list[Part]:  # noqa: PLR0911  one return for each kind of part
    payload = fields(entry)
    if "text" in payload:
        content = text(payload["text"]) or ""
        return [part("reasoning", content=content) if payload.get("thought") is True else text_part(content)]
    if (call := payload.get("functionCall")) is not None:
        return [tool_call(text(pick(call, "id")), text(pick(call, "name")), pick(call, "args"))]
    if (answer := payload.get("functionResponse")) is not None:
        return [tool_response(text(pick(answer, "id")), pick(answer, "response"))]
    if (inline := payload.get("inlineData")) is not None:
        mime_type = text(_either(inline, "mimeType"))
        return [blob(pick(inline, "data"), _modality(mime_type), mime_type)]
    if (file := payload.get("fileData")) is not None:
        mime_type = text(_either(file, "mimeType"))
        return [
            part("uri", mime_type=mime_type, modality=_modality(mime_type), uri=text(_either(file, "fileUri")) or "")
        ]
    if (code := payload.get("executableCode")) is not None:
        known = {"type": "executable_code", "language": pick(code, "language"), "code": pick(code, "code")}
        return [part("server_tool_call", name="code_execution", server_tool_call=known)]
    if (result := payload.get("codeExecutionResult")) is not None:
        known = {"type": "code_execution_result", "outcome": pick(result, "outcome"), "output": pick(result, "output")}
        return [part("server_tool_call_response", server_tool_call_response=known)]
    names = [name for name in payload if name not in ("thoughtSignature", "thought")]
    return [generic(name) for name in names[:1]]


def _modality(mime_type: str | None) -> str:
    family = (mime_type or "").partition("/")[0]
    return family if family in _MODALITIES else "document"


# --- answers ----------------------------------------------------------------------------------------------------------
class GeneratedContent:
    """What the chunks of one answer say so far; a whole answer is one chunk.

    `complete` is whether the provider said that the answer is whole: a finish reason, or why it refused the prompt.
    """

    ending: CallEnding | None = None

    def __init__(self, keep: bool) -> None:
        self.complete = False
        self._result = CallResult()
        self._counts: dict[str, int] = {}
        self._audio: dict[str, int] = {}
        self._tier: str | None = None
        self._reasons: dict[int, str] = {}
        self._parts: dict[int, list[Part]] | None = {} if keep else None

    def add(self, chunk: Any) -> None:
        """Take up one chunk, as parsed JSON."""
        payload = fields(chunk)
        self._result.id = text(payload.get("responseId")) or self._result.id
        self._result.model = text(payload.get("modelVersion")) or self._result.model
        self._count(fields(payload.get("usageMetadata")))
        refused = text(pick(payload.get("promptFeedback"), "blockReason"))
        if refused is not None:
            self._reasons[0] = refused
            self.complete = True
        for candidate in items(payload.get("candidates")):
            index = whole(pick(candidate, "index")) or 0
            reason = text(pick(candidate, "finishReason"))
            if reason is not None:
                self._reasons[index] = reason
                self.complete = True
            if self._parts is not None:
                self._keep(index, items(pick(pick(candidate, "content"), "parts")))

    def _count(self, usage: Mapping[str, Any]) -> None:
        for name in _COUNTS:
            count = whole(usage.get(name))
            if count is not None:
                self._counts[name] = count
        for name in ("promptTokensDetails", "candidatesTokensDetails"):
            for entry in items(usage.get(name)):
                count = whole(pick(entry, "tokenCount"))
                if count is not None and pick(entry, "modality") == "AUDIO":
                    self._audio[name] = count
        self._tier = text(usage.get("serviceTier")) or self._tier

    def _keep(self, index: int, entries: Iterable[Any]) -> None:
        assert self._parts is not None  # noqa: S101  asked by the caller
        kept = self._parts.setdefault(index, [])
        for collected in (collected for entry in entries for collected in _parts(entry)):
            # Text comes in pieces; each piece of the same kind goes on where the last one stopped.
            if kept and collected["type"] == kept[-1]["type"] and collected["type"] in ("text", "reasoning"):
                kept[-1]["content"] += collected["content"]
            else:
                kept.append(collected)

    def result(self) -> CallResult:
        """What is known; without the end of the answer its output is not."""
        self._result.finish_reasons = tuple(self._reasons[index] for index in sorted(self._reasons))
        self._result.usage = self._usage()
        if self._parts is not None:
            self._result.messages = self._messages
        return self._result

    def _usage(self) -> Usage | None:
        counts = self._counts
        spent_in = _sum(counts.get("promptTokenCount"), counts.get("toolUsePromptTokenCount"))
        spent_out = thoughts = None
        if self.complete:
            thoughts = counts.get("thoughtsTokenCount")
            spent_out = _sum(counts.get("candidatesTokenCount"), thoughts)
            if spent_out is None and spent_in is not None and counts.get("totalTokenCount") == spent_in:
                # A count of nought is left out; the total tells it from one that is not known.
                spent_out = 0
        if spent_in is None and spent_out is None:
            return None
        return Usage(
            input_tokens=spent_in,
            output_tokens=spent_out,
            cache_read_tokens=counts.get("cachedContentTokenCount"),
            reasoning_tokens=thoughts,
            audio_input_tokens=self._audio.get("promptTokensDetails"),
            audio_output_tokens=self._audio.get("candidatesTokensDetails") if self.complete else None,
            service_tier=self._tier,
        )

    def _messages(self) -> list[Message]:
        return [self._answer(index, parts) for index, parts in sorted((self._parts or {}).items())]

    def _answer(self, index: int, parts: list[Part]) -> Message:
        message: Message = {"role": "assistant", "parts": parts}
        reason = self._reasons.get(index)
        if reason is None:
            return message
        called = reason == "STOP" and any(collected["type"] == "tool_call" for collected in parts)
        finish = "content_filter" if reason in _FILTERED else _FINISH.get(reason, reason.lower())
        return {**message, "finish_reason": "tool_call" if called else finish}


def _sum(first: int | None, second: int | None) -> int | None:
    return second if first is None else first + (second or 0)


class Embedded:
    """An answer of the embedding routes of the Gemini API and of Vertex AI: its length, and tokens where it says them."""

    ending: CallEnding | None = None
    complete = True

    def __init__(self) -> None:
        self._result = CallResult()

    def add(self, answer: Any) -> None:
        """Take up the answer, as parsed JSON."""
        payload = fields(answer)
        spent = whole(pick(payload.get("usageMetadata"), "promptTokenCount"))
        vectors = [pick(entry, "values") for entry in (*items(payload.get("embeddings")), payload.get("embedding"))]
        for prediction in items(payload.get("predictions")):
            embeddings = pick(prediction, "embeddings")
            vectors.append(pick(embeddings, "values"))
            spent = _sum(spent, whole(pick(pick(embeddings, "statistics"), "token_count")))
        self._result.dimensions = next((len(vector) for vector in vectors if isinstance(vector, list)), None)
        if spent is not None:
            self._result.usage = Usage(input_tokens=spent)

    def result(self) -> CallResult:
        """What is known."""
        return self._result
