"""Content of model calls in the shapes of the GenAI semantic conventions, the same for every provider.

A part is a dict with a `type` (`text`, `reasoning`, `tool_call`, `tool_call_response`, `blob`, `uri`, `file`, `generic`,
...) and the fields of that type; a message is a dict with `role`, `parts` and, for answers, `finish_reason`.
Source: the JSON schemas of `gen_ai.input.messages`, `gen_ai.output.messages` and `gen_ai.system_instructions`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Part = dict[str, Any]
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class InputContent:
    """What was sent. Messages are converted one by one when they are read, because most of a long history is not.

    Attributes:
        instructions: parts of the system instructions that are given apart from the messages.
        messages: the messages as the client library has them.
        convert: makes a `Message` of one of them.
        tools: the definitions of the tools that were offered: `type`, `name`, and under full capture `description` and
            `parameters`.
    """

    instructions: Sequence[Part] = ()
    messages: Sequence[Any] = ()
    convert: Callable[[Any], Message] = field(default=dict)
    tools: Sequence[dict[str, Any]] = ()
