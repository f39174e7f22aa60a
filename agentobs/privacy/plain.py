"""Any Python object as plain JSON data, without running code of the program where that can be helped."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import math
import pathlib
import uuid
from collections.abc import Callable, Mapping, MappingView, Sequence, Set
from typing import Any

DEEPEST = 40
"""Levels of nesting that are kept."""
_MOST_ITEMS = 10_000
_LONGEST_INTEGER_BITS = 1_024
_AS_TEXT = (datetime.date, datetime.time, datetime.timedelta, decimal.Decimal, uuid.UUID, pathlib.PurePath)


def render(value: Any) -> str:
    """`value` as compact JSON text; never raises for the value's sake.

    Data models, data classes, mappings and sequences become objects and arrays; dates, decimals, paths and ids become
    text; bytes become a note of their length; NaN and infinities become text; lone surrogates become U+FFFD. What has
    no plain form (iterators, clients, functions, the 41st level, a reference to itself) becomes a note of its type.
    """
    return dumps(plain(value))


def dumps(value: Any) -> str:
    """Compact JSON text of plain data, with letters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def clean(text: str) -> str:
    """`text` without lone surrogates, which UTF-8 cannot carry; pairs of them become the character they stand for."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def plain(value: Any, shorten: Callable[[str], str] | None = None) -> Any:
    """`value` as new dicts with text keys, lists, texts, numbers, booleans and `None`; see `render` for the rules.

    `shorten` is called for each text that is a value.
    """
    return _Reader(shorten).read(value, ())


class _Reader:
    def __init__(self, shorten: Callable[[str], str] | None) -> None:
        self._shorten = shorten

    def read(self, value: Any, above: tuple[int, ...]) -> Any:
        if value is None or value is True or value is False:
            return value
        if isinstance(value, str) and not isinstance(value, enum.Enum):
            text = clean(str.__str__(value))
            return text if self._shorten is None else self._shorten(text)
        if isinstance(value, (int, float)) and not isinstance(value, enum.Enum):
            return _number(value)
        if id(value) in above or len(above) >= DEEPEST:
            return _note(value)
        try:
            return self._read_structure(value, (*above, id(value)))
        except Exception:  # noqa: BLE001  a mapping, sequence or data model of the program may raise anything
            return _note(value)

    def _read_structure(self, value: Any, above: tuple[int, ...]) -> Any:
        if isinstance(value, enum.Enum):
            return self.read(value.value, above)
        fields = value if isinstance(value, Mapping) else fields_of(value)
        if fields is not None:
            return self._mapping(fields, above)
        return self._other(value, above)

    def _other(self, value: Any, above: tuple[int, ...]) -> Any:
        if isinstance(value, (bytes, bytearray, memoryview)):
            return f"<{memoryview(value).nbytes} bytes>"
        if isinstance(value, (Sequence, Set, MappingView)):
            return self._sequence(value, above)
        if isinstance(value, _AS_TEXT):
            return clean(str(value))
        if isinstance(value, BaseException):
            return self.read(f"{type(value).__name__}: {value}", above)
        return _note(value)

    def _mapping(self, value: Mapping[Any, Any], above: tuple[int, ...]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for key, item in list(value.items())[:_MOST_ITEMS]:
            name = clean(str.__str__(key)) if isinstance(key, str) else _key(key)
            fields[name] = self.read(item, above)
        return fields

    def _sequence(self, value: Any, above: tuple[int, ...]) -> list[Any]:
        items = list(value)
        left_out = len(items) - _MOST_ITEMS
        if left_out > 0:
            return [f"[{left_out} older items left out]", *(self.read(item, above) for item in items[left_out:])]
        return [self.read(item, above) for item in items]


def fields_of(value: Any) -> dict[str, Any] | None:
    """The fields of a data model (pydantic, attrs) or data class, `None` for anything else.

    Of a pydantic model only the fields that were set: what the other side did not say is not there.
    """
    type_ = type(value)
    if hasattr(type_, "model_fields") and hasattr(type_, "__pydantic_fields__"):
        given = getattr(value, "model_fields_set", None)
        fields = {name: item for name, item in vars(value).items() if given is None or name in given}
        fields.update(getattr(value, "__pydantic_extra__", None) or {})
        return fields
    if dataclasses.is_dataclass(type_):
        return {f.name: getattr(value, f.name, None) for f in dataclasses.fields(value)}
    attributes = getattr(type_, "__attrs_attrs__", None)
    if attributes is not None:
        return {a.name: getattr(value, a.name, None) for a in attributes}
    return None


def _number(value: int | float) -> int | float | str:
    if isinstance(value, int):
        bits = int.bit_length(value)
        return int(value) if bits <= _LONGEST_INTEGER_BITS else f"<integer of {bits} bits>"
    number = float(value)
    return number if math.isfinite(number) else str(number)


def _key(key: Any) -> str:
    if isinstance(key, enum.Enum):
        key = key.value
    if key is None or isinstance(key, (str, bool, float, *_AS_TEXT)):
        return clean(str(key))
    if isinstance(key, int):
        return str(_number(key))
    if isinstance(key, tuple):
        return ", ".join(_key(part) for part in key)
    return _note(key)


def _note(value: Any) -> str:
    type_ = type(value)
    return f"<{type_.__module__}.{type_.__qualname__}>"
