"""What the collector takes out of spans and logs: content, secrets and personal data, by name and by form."""

from __future__ import annotations

from agentobs.catalogue import genai, own

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

_KEYS = "password|passwd|secret|api[_-]?key|access[_-]?token|refresh[_-]?token|client[_-]?secret|private[_-]?key"

SECRET_KEYS = (
    rf"(?i)^(?:.*[._-])?(?:{_KEYS})$",
    r"(?i)^(?:.*[._-])?(?:authorization|proxy-authorization|cookie|set-cookie|x-api-key)$",
)
"""Attributes whose name says that the value is a secret.

Anchored at both ends: an open `.*token.*` would mask every token count (`****` in place of a number).
"""

SECRET_VALUES = {
    "e-mail address": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}",
    "payment card": r"\b(?:4\d{3}|5[1-5]\d{2}|2[2-7]\d{2}|6(?:011|5\d{2}))[ -]?\d{4}[ -]?\d{4}[ -]?\d{4}\b|"
    r"\b3[47]\d{2}[ -]?\d{6}[ -]?\d{5}\b",
    "IBAN": r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b",
    "US social security number": r"\b\d{3}-\d{2}-\d{4}\b",
    "international phone number": r"\+\d{1,3}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{2,4}){2,4}\b",
    "model provider key": r"\b(?:sk|pk|rk)[-_][A-Za-z0-9_-]{16,}",
    "AWS key id": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "Google key": r"\bAIza[0-9A-Za-z_-]{35}",
    "GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    "Slack token": r"\bxox[abeprs]-[A-Za-z0-9-]{10,}",
    "JSON web token": r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*",
    "bearer token": r"(?i)\bbearer\s+[A-Za-z0-9._~+/-]{12,}=*",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?-----END [A-Z ]*PRIVATE KEY-----",
}
"""What is masked inside any text, by its meaning; no pattern takes a quote, so JSON text stays JSON (RE2 syntax)."""

SECRET_MEMBER = rf"""(?i)(\\*"(?:{_KEYS})\\*"\s*:\s*\\*")(?:[^"\\]|\\[^"])+"""
"""A member of JSON text, also of JSON within JSON, whose name says that its value is a secret; group 1 is kept."""
