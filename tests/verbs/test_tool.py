"""tool(): a span and a duration per call of a tool; what went in and came out only where capture is on."""

from __future__ import annotations

import functools
import inspect
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import agentobs
from agentobs.testing import Captured, capture

_CONTENT = ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result")


class RefusedError(Exception):
    """An exception of the program."""


@agentobs.tool
def search(query: str, *, limit: int = 3) -> list[str]:
    """Docs of search."""
    if query == "bad":
        raise RefusedError("no")
    return [query] * limit


@agentobs.tool("lookup", type="datastore", description="Looks up.", call_id="call_1")
async def find(query: str) -> str:
    return query.upper()


@agentobs.tool
def lines(count: int) -> Iterator[int]:
    yield from range(count)


@agentobs.tool
async def async_lines(count: int) -> AsyncIterator[int]:
    for number in range(count):
        yield number


def test_a_block(seen: Captured) -> None:
    with agentobs.agent("support", conversation_id="c1"), agentobs.tool("search") as tool:
        tool.result = "never captured"
    span, run = seen.span("execute_tool search"), seen.span("invoke_agent support")
    assert (span.kind, span.parent_id) == ("INTERNAL", run.span_id)
    assert span.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "search",
        "gen_ai.tool.type": "function",
        "gen_ai.agent.name": "support",
        "gen_ai.conversation.id": "c1",
        "agentobs.outcome": "success",
    }
    assert run.attributes["agentobs.run.tool_calls"] == 1
    assert seen.value("gen_ai.execute_tool.duration", gen_ai_tool_name="search", gen_ai_agent_name="support") == 1
    assert seen.value("gen_ai.invoke_agent.tool_calls", gen_ai_agent_name="support") == 1


async def test_the_forms_of_the_decorator(seen: Captured) -> None:
    assert search("a", limit=2) == ["a", "a"]
    assert await find("b") == "B"
    assert list(lines(3)) == [0, 1, 2]
    assert [line async for line in async_lines(2)] == [0, 1]
    assert [span.name.removeprefix("execute_tool ") for span in seen.spans] == [
        "search",
        "lookup",
        "lines",
        "async_lines",
    ]
    lookup = seen.span("execute_tool lookup").attributes
    assert lookup["gen_ai.tool.type"] == "datastore"
    assert lookup["gen_ai.tool.description"] == "Looks up."
    assert lookup["gen_ai.tool.call.id"] == "call_1"


def test_functions_keep_name_docs_and_kind() -> None:
    assert (search.__name__, search.__doc__) == ("search", "Docs of search.")
    assert list(inspect.signature(search).parameters) == ["query", "limit"]
    assert inspect.iscoroutinefunction(find)
    assert inspect.isgeneratorfunction(lines)
    assert inspect.isasyncgenfunction(async_lines)


def test_exceptions_pass_and_are_told(seen: Captured) -> None:
    with pytest.raises(RefusedError):
        search("bad")
    span = seen.span("execute_tool search")
    assert (span.status, span.attributes["error.type"]) == ("ERROR", "RefusedError")
    assert seen.value("gen_ai.execute_tool.duration", gen_ai_tool_name="search", error_type="RefusedError") == 1


def test_arguments_that_do_not_fit_are_the_programs_own_error() -> None:
    with capture(content="full") as seen, pytest.raises(TypeError, match="unexpected keyword argument 'size'"):
        search("a", size=1)  # type: ignore[call-arg]
    span = seen.span("execute_tool search")
    assert span.attributes["error.type"] == "TypeError"
    assert _CONTENT[0] not in span.attributes


def test_nothing_is_captured_unless_asked_for(seen: Captured) -> None:
    search("secret")
    assert not set(_CONTENT) & set(seen.span("execute_tool search").attributes)


def test_arguments_and_result_are_captured_where_asked_for() -> None:
    with capture(content="full") as seen:
        search("a", limit=1)
        with agentobs.tool("manual", arguments={"x": 1}) as tool:
            tool.result = {"y": 2}
    captured = [[json.loads(span.attributes[name]) for name in _CONTENT] for span in seen.spans]
    assert captured == [[{"query": "a", "limit": 1}, ["a"]], [{"x": 1}, {"y": 2}]]


def test_a_method_does_not_capture_its_object() -> None:
    class Shop:
        @agentobs.tool
        def price(self, item: str) -> int:
            return len(item)

        @classmethod
        @agentobs.tool
        def open(cls, door: str) -> str:
            return door

    with capture(content="full") as seen:
        assert Shop().price("shoe") == 4
        assert Shop.open("left") == "left"
    assert [json.loads(span.attributes[_CONTENT[0]]) for span in seen.spans] == [{"item": "shoe"}, {"door": "left"}]


def test_redaction_reaches_arguments_and_results() -> None:
    with capture(content="redacted") as seen:
        search("write to ann@example.org", limit=1)
    assert "ann@example.org" not in str(seen.span("execute_tool search").attributes)


class Callable_:  # noqa: N801  a callable object, as frameworks hand them out
    def __call__(self, value: int) -> int:
        return value + 1


@pytest.mark.parametrize(
    ("function", "name"),
    [(len, "len"), (functools.partial(int, base=2), "int"), (Callable_(), "Callable_"), (lambda x: x, "<lambda>")],
)
def test_anything_callable_can_be_a_tool(function: Callable[..., Any], name: str) -> None:
    argument = 1 if name == "Callable_" else "10"
    with capture(content="full") as seen:
        assert agentobs.tool(function)(argument) == function(argument)
        assert agentobs.tool()(function)(argument) == function(argument)
    assert [span.name for span in seen.spans] == [f"execute_tool {name}"] * 2
