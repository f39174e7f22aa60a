"""`render` makes JSON text of anything."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import uuid
from collections.abc import Iterator
from typing import Any

import pydantic
import pytest

from agentobs.privacy import render


class Color(enum.StrEnum):
    RED = "red"


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str
    note: str | None = None
    inner: Model | None = None


@dataclasses.dataclass(slots=True)
class Point:
    x: int
    y: float


class Grumpy(dict[str, Any]):
    def items(self) -> Any:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        (b"\x00\x01", "<2 bytes>"),
        (memoryview(b"abc"), "<3 bytes>"),
        (decimal.Decimal("1.10"), "1.10"),
        (datetime.date(2026, 11, 23), "2026-11-23"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("/a/b"), "/a/b"),
        (Color.RED, "red"),
        ((1, {2}), [1, [2]]),
        ({1: 2, None: 3, Color.RED: 4, ("a", 1): 5}, {"1": 2, "None": 3, "red": 4, "a, 1": 5}),
        ({"a": 1}.keys(), ["a"]),
        (Point(1, 2.5), {"x": 1, "y": 2.5}),
        (Model(name="a", inner=Model(name="b", more=1)), {"name": "a", "inner": {"name": "b", "more": 1}}),
        (ValueError("bad"), "ValueError: bad"),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude42", "🙂"),
        (10**400, "<integer of 1329 bits>"),
        (Grumpy(a=1), f"<{__name__}.Grumpy>"),
        (object(), "<builtins.object>"),
    ],
)
def test_values_have_a_plain_form(value: Any, expected: Any) -> None:
    assert json.loads(render(value)) == expected


def test_an_iterator_is_not_read() -> None:
    def numbers() -> Iterator[int]:
        yield 1

    once = numbers()
    assert json.loads(render([once])) == ["<builtins.generator>"]
    assert list(once) == [1]


def test_a_structure_that_holds_itself_ends() -> None:
    loop: list[Any] = [1]
    loop.append({"again": loop})
    assert json.loads(render(loop)) == [1, {"again": "<builtins.list>"}]


def test_deep_nesting_ends() -> None:
    deep: Any = "bottom"
    for _ in range(5_000):
        deep = [deep]
    assert json.loads(render(deep))
    assert "bottom" not in render(deep)


def test_a_structure_that_stands_twice_is_written_twice() -> None:
    shared = {"a": 1}
    assert json.loads(render([shared, shared])) == [{"a": 1}, {"a": 1}]
