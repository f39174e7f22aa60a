"""Messages, blocks and items of OpenAI's APIs, which many providers speak, as messages and parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...records.messages import InputContent, Message, Part
from .parts import (
    Blocks,
    blob,
    generic,
    get,
    listed,
    media,
    message,
    part,
    rest,
    text_of,
    text_part,
    tool_call,
    tool_definitions,
    tool_response,
)

_ANSWERS = ("function_call_output", "custom_tool_call_output", "mcp_approval_response")


# --- blocks -----------------------------------------------------------------------------------------------------------
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
    known = media(url if isinstance(url, str) else text_of(data), "document")
    if not isinstance(url, str) and known["type"] == "uri":
        known = blob(data, "document")
    return {**known, **({"name": name} if isinstance(name := get(inner, "filename"), str) else {})}


def _reasoning_item(item: Any) -> list[Part]:
    texts = [get(entry, "text") for name in ("summary", "content") for entry in listed(get(item, name))]
    known = [part("reasoning", content=text) for text in texts if isinstance(text, str)]
    return known or [generic("reasoning", id=get(item, "id"))]


def _thinking(block: Any) -> Part | list[Part]:
    # Mistral's and proxies' thinking comes as text or as a list of blocks.
    thinking = get(block, "thinking")
    if isinstance(thinking, (list, tuple)):
        return [part("reasoning", content=text_of(get(entry, "text"))) for entry in thinking]
    return part("reasoning", content=text_of(thinking))


def _server_call(item: Any) -> Part:
    """An output item for a tool that the provider runs (`web_search_call`, `mcp_call`), with what it says of itself."""
    kind = str(get(item, "type"))
    name = get(item, "name")
    fields = {
        key: value for key, value in rest(item).items() if key not in ("id", "call_id", "name") and value is not None
    }
    return part(
        "server_tool_call",
        id=get(item, "call_id") or get(item, "id"),
        name=name if isinstance(name, str) else kind.removesuffix("_call"),
        server_tool_call={"type": kind, **fields},
    )


def _image_generation(item: Any) -> list[Part]:
    fields = {key: value for key, value in rest(item).items() if key in ("status", "revised_prompt", "action")}
    call = part("image_generation_call", **fields)
    known = [part("server_tool_call", id=get(item, "id"), name="image_generation", server_tool_call=call)]
    encoding = get(item, "output_format")
    if isinstance(get(item, "result"), str):
        mime_type = f"image/{encoding}" if isinstance(encoding, str) else None
        known.append(blob(get(item, "result"), "image", mime_type))
    return known


def _item_call(item: Any) -> Part:
    arguments = get(item, "arguments")
    return tool_call(get(item, "call_id"), get(item, "name"), get(item, "input") if arguments is None else arguments)


def _item_output(item: Any) -> Part:
    return tool_response(get(item, "call_id"), BLOCKS.answer(get(item, "output")))


BLOCKS: Blocks = Blocks(
    {
        **dict.fromkeys(("text", "input_text", "output_text", "summary_text"), _text),
        "refusal": _refusal,
        "image_url": _image_url,
        **dict.fromkeys(("input_image", "computer_screenshot"), _input_image),
        "input_audio": _input_audio,
        **dict.fromkeys(("file", "input_file"), _file),
        "thinking": _thinking,
        "reasoning": _reasoning_item,
        "compaction": lambda block: part("compaction", id=get(block, "id"), content=get(block, "content")),
        **dict.fromkeys(("function_call", "custom_tool_call"), _item_call),
        "image_generation_call": _image_generation,
        "message": lambda item: BLOCKS.parts(get(item, "content")),
    },
    {"_call_output": _item_output, "_call": _server_call},
)
"""The blocks of chat messages and the items of the Responses API; their types do not overlap."""


# --- messages ---------------------------------------------------------------------------------------------------------
def chat_message(given: Any) -> Message:
    """One message of a chat."""
    role = get(given, "role")
    if role in ("tool", "function"):
        known = [tool_response(get(given, "tool_call_id"), BLOCKS.answer(get(given, "content")))]
    else:
        known = [*_reasoning(given), *BLOCKS.parts(get(given, "content")), *_asides(given), *_calls(given)]
    result = message(role, known)
    name = get(given, "name")
    return {**result, "name": name} if isinstance(name, str) else result


def _reasoning(given: Any) -> list[Part]:
    # DeepSeek, vLLM and OpenRouter answer with text beside `content`; the names are theirs.
    for name in ("reasoning_content", "reasoning"):
        text = get(given, name)
        if isinstance(text, str) and text:
            return [part("reasoning", content=text)]
    return []


def _asides(given: Any) -> list[Part]:
    known: list[Part] = []
    refusal, audio = get(given, "refusal"), get(given, "audio")
    if isinstance(refusal, str) and refusal:
        known.append(generic("refusal", content=refusal))
    if audio is not None:
        transcript = get(audio, "transcript")
        known += [text_part(transcript)] if isinstance(transcript, str) else []
        known.append(part("file", modality="audio", file_id=text_of(get(audio, "id"))))
    return known


def _calls(given: Any) -> list[Part]:
    known: list[Part] = []
    for call in listed(get(given, "tool_calls")):
        custom = get(call, "custom")
        function = get(call, "function") if custom is None else custom
        arguments = get(function, "arguments")
        arguments = get(custom, "input") if arguments is None else arguments
        known.append(tool_call(get(call, "id"), get(function, "name"), arguments))
    function = get(given, "function_call")
    if function is not None:
        known.append(tool_call(None, get(function, "name"), get(function, "arguments")))
    return known


def item_message(item: Any) -> Message:
    """One item of the Responses API's input, or its only text."""
    if isinstance(item, str):
        return message("user", [text_part(item)])
    kind, role = get(item, "type"), get(item, "role")
    if kind in (None, "message"):
        return chat_message(item)
    if not isinstance(role, str):
        answer = kind in _ANSWERS or (isinstance(kind, str) and kind.endswith("_call_output"))
        role = "tool" if answer else "assistant"
    return message(role, BLOCKS.read(item))


def prompt_message(prompt: Any) -> Message:
    """A prompt of the legacy API, or a stored one of the Responses API."""
    if isinstance(prompt, str):
        return message("user", [text_part(prompt)])
    if isinstance(prompt, (list, tuple)):
        return message("user", [generic("tokens", count=len(prompt))])
    fields = {name: get(prompt, name) for name in ("id", "version", "variables")}
    return message("user", [generic("prompt", **fields)])


def input_content(body: Any, details: bool) -> InputContent:
    """What a request's body sends, unread; with `details` the tools have all their fields.

    A one-shot iterator as `messages` or `input` is left alone: reading it would take it from the program.
    """
    messages, convert = _sent(body)
    return InputContent(_instructions(body), messages, convert, tool_definitions(body, details))


def _instructions(body: Any) -> list[Part]:
    given = get(body, "instructions")
    if isinstance(given, str):
        return [text_part(given)]
    texts = [entry if isinstance(entry, str) else get(entry, "text") for entry in listed(given)]
    return [text_part(text) for text in texts if isinstance(text, str)]


def _sent(body: Any) -> tuple[list[Any], Callable[[Any], Message]]:
    messages = get(body, "messages")
    if messages is not None:
        return listed(messages), chat_message
    read: Callable[[Any], Message] = item_message
    given = get(body, "input")
    if given is None:
        given, read = get(body, "prompt"), prompt_message
    if isinstance(given, (list, tuple)):
        # A list of numbers is one text in tokens.
        return ([given] if given and isinstance(given[0], int) else listed(given)), read
    return ([given], read) if isinstance(given, str) or get(given, "id") is not None else ([], read)
