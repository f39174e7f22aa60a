"""What content may leave the process, and in what form: secrets and personal data replaced, size bounded."""

from __future__ import annotations

import re

_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,255}\.[A-Za-z]{2,24}")
_SECRET = re.compile(r"\b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}|(?i:\bbearer\s+)[A-Za-z0-9._~+/=-]{8,}")


def redact_text(text: str) -> str:
    """`text` with secrets as `[SECRET]` and mail addresses as `[EMAIL]`."""
    return _EMAIL.sub("[EMAIL]", _SECRET.sub("[SECRET]", text))
