"""What the collector takes out of spans and logs: content by attribute, secrets and personal data by privacy's table."""

from __future__ import annotations

from agentobs.catalogue import genai, own
from agentobs.privacy.patterns import PATTERNS, SERVICE_KEYS, Pattern

CONTENT_ATTRIBUTES = (
    genai.SYSTEM_INSTRUCTIONS,
    genai.INPUT_MESSAGES,
    genai.OUTPUT_MESSAGES,
    genai.TOOL_DEFINITIONS,
    genai.TOOL_ARGUMENTS,
    genai.TOOL_RESULT,
    genai.EXPLANATION,
    own.DECISION_REASON,
)
"""Attributes that hold what people and models said; those of type json are JSON text."""

_ESCAPE = r"\\+(?:[nrtbf]|u[0-9A-Fa-f]{4})"
"""A line break and the like in JSON text: its letter is no part of the word behind it, and must not go without it."""


def _start(pattern: Pattern) -> str:
    return rf"(?:{_ESCAPE}|{pattern.start})" if pattern.start else rf"(?:{_ESCAPE})?"


def _flags(pattern: Pattern) -> str:
    return "(?i)" if pattern.ignore_case else ""


def masked(pattern: Pattern) -> str:
    """What is masked whole, as RE2 has it; no pattern takes a quote, so JSON text stays JSON."""
    return f"{_flags(pattern)}{_start(pattern)}(?:{pattern.form})"


def masked_inside(pattern: Pattern) -> tuple[str, str]:
    """What is masked between texts that stay, as RE2 has it, and what is written for it."""
    before = f"{_start(pattern) if pattern.start else ''}{pattern.before}"
    after = f"({pattern.after})" if pattern.after else ""
    return f"{_flags(pattern)}({before})(?:{pattern.form}){after}", "${1}****" + ("${2}" if after else "")


_KEYS = Pattern("key of a service", "|".join(row.form for row in SERVICE_KEYS), (), start=r"\b")

MASKED: tuple[str, ...] = tuple(masked(row) for row in (_KEYS, *PATTERNS) if row not in SERVICE_KEYS and not row.before)
"""RE2 of what is masked whole; keys of services are one expression, so that a text is read once for all of them."""

MASKED_INSIDE: tuple[tuple[str, str], ...] = tuple(masked_inside(row) for row in PATTERNS if row.before)
"""RE2 of what is masked between texts that stay, and the replacement."""
