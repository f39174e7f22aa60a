"""What the built-in provider's model says: a plain function of the question and of the call's luck.

The same for all providers; the modules of `wire` translate it from and to each API's shape.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from .luck import Luck
from .tariff import Tokens

Json = dict[str, Any]

_SENTENCES = (
    "Thank you for waiting while I looked into this.",
    "Your parcel left our warehouse and should be with you within two working days.",
    "I have asked our billing team to send the amount back to your card.",
    "You can change the address in your account until the parcel has been handed over.",
    "A new password link is on its way to the address that we know.",
    "Please tell me if there is anything else that I can do for you.",
    "The invoice of last month is attached to the order in your account.",
    "I am sorry for the trouble that this has caused.",
)
_THOUGHTS = (
    "The customer wants to know the state of an order, so the order has to be looked up first.",
    "The policy allows a refund within thirty days; the order is younger than that.",
)
_CACHE_FROM_TOKENS = 1024
_CACHE_STEP_TOKENS = 128


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the request offers; `parameters` is its JSON schema."""

    name: str
    parameters: Json


@dataclass(frozen=True, slots=True)
class Question:
    """A request without the habits of its API."""

    model: str
    streamed: bool
    prompt: str
    """Everything that counts as input, as text."""
    user: str
    """What the user said last."""
    tools: tuple[Tool, ...] = ()
    must_call: str | None = None
    """The tool that has to be called; an empty string for any of them."""
    may_call: bool = True
    schema: Json | None = None
    thinks: bool = False
    caches: bool = False
    writes_cache: bool = False
    """Whether what is not yet in the cache is charged as written to it."""
    max_tokens: int | None = None
    include_usage: bool = True


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model asks for; `arguments` is JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model gives back, and what it used."""

    id: str
    text: str
    tool_calls: tuple[ToolCall, ...]
    thought: str
    truncated: bool
    tokens: Tokens

    def pieces(self) -> list[str]:
        """The text as it is streamed: at least two pieces, so that a stream has a middle."""
        words = re.findall(r"\S+\s*|\s+", self.text)
        size = max(1, len(words) // 6)
        pieces = ["".join(words[start : start + size]) for start in range(0, len(words), size)]
        return pieces if len(pieces) > 1 else [self.text[:1], self.text[1:]]


def count(text: str) -> int:
    """Tokens of a text: one for four characters, which is about right for English."""
    return max(1, (len(text) + 3) // 4)


def compose(question: Question, luck: Luck) -> Answer:
    """Answer the question: a tool call, an object that fits the schema, or a few sentences."""
    tool = _chosen_tool(question)
    calls: tuple[ToolCall, ...] = ()
    text, truncated = "", False
    if tool is not None:
        arguments = json.dumps(_example(tool.parameters, question.user, luck, tool.name))
        calls = (ToolCall(luck.token("tool call"), tool.name, arguments),)
    elif question.schema is not None:
        text = json.dumps(_example(question.schema, question.user, luck, "object"))
    else:
        text = " ".join(luck.pick(f"sentence {n}", _SENTENCES) for n in range(luck.within("length", 1, 4)))
        if question.max_tokens is not None and count(text) > question.max_tokens:
            text, truncated = text[: question.max_tokens * 4], True
    thought = luck.pick("thought", _THOUGHTS) if question.thinks else ""
    visible = count(text) if text else sum(count(call.name + call.arguments) for call in calls)
    reasoning = count(thought) + luck.within("reasoning", 0, 60) if thought else 0
    return Answer(luck.token("answer"), text, calls, thought, truncated, _tokens(question, luck, visible, reasoning))


def _tokens(question: Question, luck: Luck, visible: int, reasoning: int) -> Tokens:
    total = count(question.prompt)
    read = write = 0
    if question.caches and total >= _CACHE_FROM_TOKENS:
        prefix = (total - 1) // _CACHE_STEP_TOKENS * _CACHE_STEP_TOKENS
        if luck.draw("cache") < 0.7:
            read = prefix
        elif question.writes_cache:
            write = prefix
    return Tokens(total, visible + reasoning, read, write, reasoning)


def _chosen_tool(question: Question) -> Tool | None:
    """The tool that is demanded, else the one whose name the user's words bring to mind."""
    if question.must_call is not None:
        demanded = (tool for tool in question.tools if question.must_call in ("", tool.name))
        return next(demanded, None)
    if not question.may_call:
        return None
    request = question.user.lower()
    return next((t for t in question.tools if any(w in request for w in t.name.lower().split("_") if len(w) > 3)), None)


def _example(schema: Json, request: str, luck: Luck, path: str, root: Json | None = None) -> Any:
    """A value that fits a JSON schema: identifiers and amounts are taken from what the user said."""
    root = schema if root is None else root
    schema = _resolved(schema, root)
    fixed = [schema["const"]] if "const" in schema else schema.get("enum")
    if fixed:
        return luck.pick(path, fixed)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        parts = schema.get("properties", {}).items()
        return {name: _example(part, request, luck, f"{path}.{name}", root) for name, part in parts}
    if kind == "array":
        return [_example(schema.get("items", {}), request, luck, f"{path}[]", root)]
    return _scalar(kind, schema, request, luck, path)


def _resolved(schema: Json, root: Json) -> Json:
    """The schema that a reference or a choice between schemas stands for: the first one."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rsplit("/", 1)[-1]
        return _resolved(root.get("$defs", {}).get(name, {}), root)
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    return _resolved(choices[0], root) if choices else schema


def _scalar(kind: str, schema: Json, request: str, luck: Luck, path: str) -> str | float | bool | None:
    digits = re.findall(r"\d+", request)
    if kind == "number":
        low, high = float(schema.get("minimum", 0)), float(schema.get("maximum", 1))
        return round(low + luck.draw(path) * (high - low), 2)
    if kind == "integer":
        return int(digits[0]) if digits else 1
    if kind == "boolean":
        return luck.draw(path) < 0.5
    if kind == "null":
        return None
    return digits[0] if digits and path.endswith("id") else luck.pick(path, _SENTENCES)
