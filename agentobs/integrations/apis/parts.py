"""Blocks and items of the client libraries as parts of messages.

The block types of OpenAI's and Anthropic's APIs do not overlap, so one table reads them all; what it does not know
becomes a generic part. Source of the parts: the message schemas of the GenAI semantic conventions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from ...privacy import base64_bytes, fields_of
from ...records.messages import Part

_INLINE_CHARS = 512
"""Base64 text that is longer never stands in a part."""
_OPAQUE = ("encrypted_content", "signature", "cache_control", "logprobs", "prompt_cache_breakpoint")


def get(thing: Any, name: str) -> Any:
    """The entry of a mapping or the attribute of an object by that name, `None` where there is none."""
    if isinstance(thing, Mapping):
        return thing.get(name)
    return getattr(thing, name, None)


def listed(value: Any) -> list[Any]:
    """The items of a list or tuple; of anything else none, so that one-shot iterators stay unread."""
    return list(value) if isinstance(value, (list, tuple)) else []


def text_of(value: Any) -> str:
    """`value` if it is text, else an empty text."""
    return value if isinstance(value, str) else ""


def part(kind: str, **fields: Any) -> Part:
    """A part of type `kind` with the fields that are known."""
    return {"type": kind, **{name: value for name, value in fields.items() if value is not None}}


def text_part(text: str) -> Part:
    return {"type": "text", "content": text}


def generic(kind: str, **fields: Any) -> Part:
    """A part for what the conventions have no type for; `generic_type` says what it is."""
    return part("generic", generic_type=kind, **fields)


def decoded(arguments: Any) -> Any:
    """Arguments of a tool: the structure where they are JSON text, else as they are (models do write broken JSON)."""
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments


def parts_of(content: Any) -> list[Part]:
    """The parts of a message's content: text, one block, or a list of texts and blocks."""
    if content is None:
        return []
    if isinstance(content, str):
        return [text_part(content)]
    blocks = content if isinstance(content, (list, tuple)) else [content]
    return [found for block in blocks for found in block_parts(block)]


def block_parts(block: Any) -> list[Part]:
    """The parts of one content block or output item, mostly one."""
    kind = get(block, "type")
    if not isinstance(kind, str):
        text = block if isinstance(block, str) else get(block, "text")
        return [text_part(text)] if isinstance(text, str) else [generic("unknown", content=_rest(block))]
    read = _READERS.get(kind)
    if read is None:
        read = next((reader for end, reader in _READERS_BY_ENDING.items() if kind.endswith(end)), _unknown)
    found = read(block)
    return found if isinstance(found, list) else [found]


def tool_call(call_id: Any, name: Any, arguments: Any) -> Part:
    return part("tool_call", id=call_id, name=text_of(name), arguments=decoded(arguments))


def tool_response(call_id: Any, response: Any) -> Part:
    """The answer of a tool; blocks in it become parts, so that images in it are never inline."""
    if isinstance(response, (list, tuple)):
        response = parts_of(response)
    return {**part("tool_call_response", id=call_id), "response": response}


def media(source: str, modality: str, mime_type: str | None = None) -> Part:
    """A picture, sound or document given by its address or as a data URL."""
    if not source.startswith("data:"):
        return part("uri", mime_type=mime_type, modality=modality, uri=source)
    head, _, data = source.partition(",")
    return blob(data, modality, head[len("data:") :].split(";")[0] or mime_type)


def blob(data: Any, modality: str, mime_type: str | None = None) -> Part:
    """Bytes in base64: only when short with their content, else with their number of bytes."""
    if not isinstance(data, str):
        return {**part("blob", mime_type=mime_type, modality=modality), "content": "", "left_out": True}
    found = {**part("blob", mime_type=mime_type, modality=modality), "content": data}
    found["byte_count"] = base64_bytes(len(data), data[-2:])
    if len(data) > _INLINE_CHARS:
        found.update(content="", left_out=True)
    return found


def _rest(block: Any) -> dict[str, Any]:
    fields = block if isinstance(block, Mapping) else fields_of(block) or {}
    return {str(name): value for name, value in fields.items() if name not in _OPAQUE and name != "type"}


def _unknown(block: Any) -> Part:
    known = generic(get(block, "type"))
    return {**known, **{name: value for name, value in _rest(block).items() if name not in known}}


def _text(block: Any) -> Part:
    return text_part(text_of(get(block, "text")))


def _refusal(block: Any) -> Part:
    return generic("refusal", content=text_of(get(block, "refusal")))


def _image_url(block: Any) -> Part:
    image = get(block, "image_url")
    return media(text_of(image if isinstance(image, str) else get(image, "url")), "image")


def _input_image(block: Any) -> Part:
    file_id = get(block, "file_id")
    return part("file", modality="image", file_id=file_id) if isinstance(file_id, str) else _image_url(block)


def _input_audio(block: Any) -> Part:
    audio = get(block, "input_audio")
    encoding = get(audio, "format")
    return blob(get(audio, "data"), "audio", f"audio/{encoding}" if isinstance(encoding, str) else None)


def _file(block: Any) -> Part:
    inner = get(block, "file") or block
    file_id, url, data = get(inner, "file_id"), get(inner, "file_url"), get(inner, "file_data")
    if isinstance(file_id, str):
        return part("file", modality="document", file_id=file_id, name=get(inner, "filename"))
    found = media(url if isinstance(url, str) else text_of(data), "document")
    if not isinstance(url, str) and found["type"] == "uri":
        found = blob(data, "document")
    return {**found, **({"name": name} if isinstance(name := get(inner, "filename"), str) else {})}


def _source(block: Any) -> list[Part]:
    """Anthropic's images and documents: base64, an address, an uploaded file, text, or blocks."""
    modality = str(get(block, "type"))
    source = get(block, "source")
    mime_type = get(source, "media_type")
    kind = get(source, "type")
    if kind == "url":
        return [media(text_of(get(source, "url")), modality, mime_type)]
    if kind == "file":
        return [part("file", modality=modality, mime_type=mime_type, file_id=text_of(get(source, "file_id")))]
    if kind == "text":
        return [text_part(text_of(get(source, "data")))]
    if kind == "content":
        return parts_of(get(source, "content"))
    return [blob(get(source, "data"), modality, mime_type)]


def _thinking(block: Any) -> Part:
    return part("reasoning", content=text_of(get(block, "thinking")))


def _reasoning_item(item: Any) -> list[Part]:
    texts = [get(entry, "text") for name in ("summary", "content") for entry in listed(get(item, name))]
    found = [part("reasoning", content=text) for text in texts if isinstance(text, str)]
    return found or [generic("reasoning", id=get(item, "id"))]


def _tool_use(block: Any) -> Part:
    return tool_call(get(block, "id"), get(block, "name"), get(block, "input"))


def _tool_result(block: Any) -> Part:
    found = tool_response(get(block, "tool_use_id"), get(block, "content"))
    return {**found, "is_error": True} if get(block, "is_error") is True else found


def _server_tool_use(block: Any) -> Part:
    kind = {"type": str(get(block, "type")), "arguments": decoded(get(block, "input"))}
    return part("server_tool_call", id=get(block, "id"), name=text_of(get(block, "name")), server_tool_call=kind)


def _server_tool_result(block: Any) -> Part:
    found = part(str(get(block, "type")), content=get(block, "content"))
    return part("server_tool_call_response", id=get(block, "tool_use_id"), server_tool_call_response=found)


def _server_call(item: Any) -> Part:
    """An output item for a tool that the provider runs (`web_search_call`, `mcp_call`), with what it says of itself."""
    kind = str(get(item, "type"))
    name = get(item, "name")
    fields = {
        key: value for key, value in _rest(item).items() if key not in ("id", "call_id", "name") and value is not None
    }
    return part(
        "server_tool_call",
        id=get(item, "call_id") or get(item, "id"),
        name=name if isinstance(name, str) else kind.removesuffix("_call"),
        server_tool_call={"type": kind, **fields},
    )


def _image_generation(item: Any) -> list[Part]:
    fields = {key: value for key, value in _rest(item).items() if key in ("status", "revised_prompt", "action")}
    call = part("image_generation_call", **fields)
    found = [part("server_tool_call", id=get(item, "id"), name="image_generation", server_tool_call=call)]
    encoding = get(item, "output_format")
    if isinstance(get(item, "result"), str):
        mime_type = f"image/{encoding}" if isinstance(encoding, str) else None
        found.append(blob(get(item, "result"), "image", mime_type))
    return found


def _item_call(item: Any) -> Part:
    arguments = get(item, "arguments")
    return tool_call(get(item, "call_id"), get(item, "name"), get(item, "input") if arguments is None else arguments)


def _item_output(item: Any) -> Part:
    return tool_response(get(item, "call_id"), get(item, "output"))


_Reader = Callable[[Any], "Part | list[Part]"]
_READERS: dict[str, _Reader] = {
    **dict.fromkeys(("text", "input_text", "output_text", "summary_text"), _text),
    "refusal": _refusal,
    "image_url": _image_url,
    **dict.fromkeys(("input_image", "computer_screenshot"), _input_image),
    "input_audio": _input_audio,
    **dict.fromkeys(("file", "input_file"), _file),
    **dict.fromkeys(("image", "document"), _source),
    "thinking": _thinking,
    "redacted_thinking": lambda _: generic("reasoning"),
    "tool_use": _tool_use,
    "tool_result": _tool_result,
    **dict.fromkeys(("server_tool_use", "mcp_tool_use"), _server_tool_use),
    "container_upload": lambda block: part("file", modality="document", file_id=text_of(get(block, "file_id"))),
    "reasoning": _reasoning_item,
    "compaction": lambda block: part("compaction", id=get(block, "id"), content=get(block, "content")),
    **dict.fromkeys(("function_call", "custom_tool_call"), _item_call),
    "image_generation_call": _image_generation,
    "message": lambda item: parts_of(get(item, "content")),
}


_READERS_BY_ENDING: dict[str, _Reader] = {
    "_tool_result": _server_tool_result,
    "_call_output": _item_output,
    "_call": _server_call,
}


def has_tool_call(parts: list[Part]) -> bool:
    """Whether the program is asked to run a tool."""
    return any(found["type"] == "tool_call" for found in parts)
