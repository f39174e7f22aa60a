"""The Responses API: answers that are made at once, streamed, or in the background and fetched later."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ...records.calls import CallRequest
from ...records.messages import Message
from ...records.usage import Usage
from ..errors import reported_failure
from ..reading import fields, pick, text, whole
from .answer import Answer
from .openai_content import BLOCKS
from .openai_usage import read_usage, svg_usage
from .parts import Texts, finish_word, get, has_tool_call, listed, message, text_of

_FINAL = frozenset({"completed", "incomplete", "failed", "cancelled"})
_CLOSING = frozenset({"response.completed", "response.incomplete", "response.failed"})
_REMEMBERED = 10_000


class Background:
    """Which responses that are made in the background have been counted, so that each is counted once.

    The newest 10,000 ids are remembered; of an older one that is fetched again, the usage would count a second time.
    Other processes know nothing of it: one that fetches a background response counts it too.
    """

    def __init__(self, remembered: int = _REMEMBERED) -> None:
        self._counted: dict[str, bool] = {}
        self._remembered = remembered
        self._lock = threading.Lock()

    def _note(self, response_id: str | None, counted: bool) -> None:
        if response_id is None:
            return
        with self._lock:
            self._counted.pop(response_id, None)
            while len(self._counted) >= self._remembered:
                del self._counted[next(iter(self._counted))]
            self._counted[response_id] = counted

    def begun(self, response_id: str | None) -> None:
        """The response is being made; whoever first sees its end counts it."""
        if response_id is not None and not self._counted.get(response_id, False):
            self._note(response_id, False)

    def ended(self, response_id: str | None) -> None:
        """The response has been counted."""
        self._note(response_id, True)

    def counts(self, response_id: str | None, background: bool) -> bool:
        """Whether the usage of a fetched response in its final state is to be counted now."""
        if response_id is None:
            return False
        counted = self._counted.get(response_id)
        if counted is None:
            # Not from this process: in the background its usage was not known when it was made, else it was.
            return background
        return not counted


BACKGROUND = Background()
"""The one of this process."""


class Response(Answer):
    """A response that is being made: one answer, or the events of a stream that end with it.

    Its finish reason is why it is incomplete, else its final status. One that is queued or in progress has neither
    finish reason nor usage yet; they come with the fetch that first shows its end.
    """

    __slots__ = ("_background", "_items", "_last")

    def __init__(self, request: CallRequest, capture: bool = False) -> None:
        super().__init__(request, capture)
        self._last: Any = None
        self._background = False
        self._items = Items() if capture else None

    def holds(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("output"), (list, tuple)) or text(body.get("status")) in _STATES

    def read(self, body: Mapping[str, Any]) -> None:
        self._read(body)
        if self.capture:
            output, status, details = body.get("output"), body.get("status"), body.get("incomplete_details")
            self.result.messages = lambda: messages(output, status, details)

    def _read(self, body: Mapping[str, Any]) -> None:
        self._identify(body)
        status = text(body.get("status"))
        if status is not None and status not in _FINAL:
            self.result.pending = True
            BACKGROUND.begun(self.result.id)
            return
        self._read_end(body, status)
        if body.get("background") is True:
            BACKGROUND.ended(self.result.id)
        if status == "failed" or (body.get("error") and not body.get("output")):
            self.ending = reported_failure(body.get("error"))

    def _read_end(self, body: Mapping[str, Any], status: str | None) -> None:
        why = text(pick(body.get("incomplete_details"), "reason")) or status
        self.result.finish_reasons = (why,) if why is not None else ()
        self.result.usage = read_usage(self.request, body.get("usage"))
        others = _other_models(body)
        if others:
            self.result.usage = self.result.usage or Usage()
            self.result.usage.others = others
        tier = text(body.get("service_tier"))
        if tier is not None and self.result.usage is not None:
            self.result.usage.service_tier = tier

    def _identify(self, body: Mapping[str, Any]) -> None:
        self.identify(body)
        self.result.system_fingerprint = text(body.get("system_fingerprint")) or self.result.system_fingerprint

    def add(self, chunks: Sequence[Any]) -> None:
        for chunk in chunks:
            body = fields(chunk)
            kind = body.get("type")
            response = body.get("response")
            if response is not None:
                answer = fields(response)
                self._background = self._background or answer.get("background") is True
                if kind in _CLOSING if isinstance(kind, str) else False:
                    self._last = answer
                else:
                    self._identify(answer)
            if kind == "error" or body.get("error"):
                self.ending = reported_failure(body if kind == "error" else body["error"])
            if self._items is not None:
                self._items.add(text_of(kind), chunk)

    def finish(self, marked: bool) -> bool:
        """See `Answer.finish`. One that is made in the background goes on when its stream has broken off."""
        last = self._last
        if self._items is not None:
            self._capture(last)
        if last is not None:
            self._read(last)
            return not self.result.pending
        if self._background and self.ending is None:
            self.result.pending = True
            BACKGROUND.begun(self.result.id)
            return True
        return False

    def _capture(self, last: Any) -> None:
        items = self._items
        status, details = get(last, "status"), get(last, "incomplete_details")
        # Some servers end with a response without the output they streamed.
        output = listed(get(last, "output"))
        self.result.messages = lambda: messages(
            output or (items.result() if items is not None else []), status, details
        )


class StoredResponse(Response):
    """A response that is fetched. Its usage was counted when it was made, unless that was in the background."""

    __slots__ = ()

    def _read(self, body: Mapping[str, Any]) -> None:
        self._identify(body)
        status = self.result.status = text(body.get("status"))
        if status not in _FINAL:
            self.result.pending = True
            BACKGROUND.begun(self.result.id)
            return
        if BACKGROUND.counts(self.result.id, body.get("background") is True):
            self._read_end(body, status)
            BACKGROUND.ended(self.result.id)

    def finish(self, marked: bool) -> bool:
        """See `Answer.finish`. A fetch that ends before the response does can be made again."""
        super().finish(marked)
        return True


class CompactedResponse(Response):
    """A conversation that was compacted: items and usage, without a status."""

    __slots__ = ()


class Decision(Answer):
    """Answers to questions about an input, with usage."""

    __slots__ = ()

    def holds(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("answers"), (list, tuple)) or fields(body.get("usage")) != {}

    def read(self, body: Mapping[str, Any]) -> None:
        self.identify(body)
        self.result.usage = read_usage(self.request, body.get("usage"))


_STATES = _FINAL | {"queued", "in_progress"}


def _other_models(body: Mapping[str, Any]) -> tuple[tuple[str | None, Usage], ...]:
    """What the models behind the response's tools used: those that make pictures and write them as SVG."""
    items = (item for item in listed(body.get("output")) if pick(item, "type") == "image_generation_call")
    collected = [usage for item in items for usage in svg_usage(item)]
    pictures = fields(pick(body.get("tool_usage"), "image_gen"))
    spent_in, spent_out = whole(pictures.get("input_tokens")), whole(pictures.get("output_tokens"))
    if spent_in or spent_out:
        models = [pick(tool, "model") for tool in listed(body.get("tools")) if pick(tool, "type") == "image_generation"]
        usage = Usage(spent_in, spent_out, whole(pictures.get("cached_tokens")))
        collected.append((text(models[0]) if models else None, usage))
    return tuple(collected)


# --- messages ---------------------------------------------------------------------------------------------------------
def messages(output: Any, status: Any, details: Any) -> list[Message]:
    """The output items of a response as one message."""
    parts = [collected for item in listed(output) for collected in BLOCKS.read(item)]
    if status == "completed":
        finish: str | None = "tool_call" if has_tool_call(parts) else "stop"
    elif status == "incomplete":
        finish = finish_word(get(details, "reason") or status)
    else:
        finish = finish_word(status)
    return [message("assistant", parts, finish)] if parts or finish else []


_TEXT_DELTAS = {"response.output_text.delta": ("output_text", "text"), "response.refusal.delta": ("refusal", "refusal")}
_REASONING_DELTAS = ("response.reasoning_summary_text.delta", "response.reasoning_text.delta")
_ARGUMENT_DELTAS = {
    "response.function_call_arguments.delta": "arguments",
    "response.custom_tool_call_input.delta": "input",
    "response.mcp_call_arguments.delta": "arguments",
    "response.code_interpreter_call_code.delta": "code",
}


class Items:
    """The output items of a streamed response, whole where they were finished, else as far as they came."""

    def __init__(self) -> None:
        self._order: dict[Any, None] = {}
        self._started: dict[Any, Any] = {}
        self._done: dict[Any, Any] = {}
        self._texts: dict[Any, Texts] = {}

    def add(self, kind: str, event: Any) -> None:
        """Read one event."""
        index = get(event, "output_index")
        if kind == "response.output_item.added":
            self._order.setdefault(index)
            self._started[index] = get(event, "item")
        elif kind == "response.output_item.done":
            self._order.setdefault(index)
            self._done[index] = get(event, "item")
            self._texts.pop(index, None)
        elif kind in _TEXT_DELTAS:
            self._grow(index, ("content", get(event, "content_index"), *_TEXT_DELTAS[kind]), event)
        elif kind in _REASONING_DELTAS:
            place = get(event, "summary_index")
            self._grow(index, ("reasoning", get(event, "content_index") if place is None else place), event)
        elif kind in _ARGUMENT_DELTAS:
            self._grow(index, ("field", _ARGUMENT_DELTAS[kind]), event)

    def _grow(self, index: Any, key: tuple[Any, ...], event: Any) -> None:
        self._order.setdefault(index)
        self._texts.setdefault(index, Texts()).add(key, get(event, "delta"))

    def result(self) -> list[Any]:
        """The items in the order in which they began."""
        return [self._done.get(index) or self._unfinished(index) for index in self._order]

    def _unfinished(self, index: Any) -> Any:
        started, texts = self._started.get(index), self._texts.get(index)
        if texts is None:
            return started
        item = {name: get(started, name) for name in ("id", "type", "call_id", "name", "role")}
        for key, grown in texts.items():
            if key[0] == "content":
                item.setdefault("content", []).append({"type": key[2], key[3]: grown})
            elif key[0] == "reasoning":
                item.setdefault("summary", []).append({"text": grown})
            else:
                item[key[1]] = grown
        item["type"] = item["type"] or ("reasoning" if "summary" in item else "message")
        return item
