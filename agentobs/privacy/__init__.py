"""What content may leave the process, and in what form: secrets and personal data replaced, size bounded, valid JSON.

Redaction comes before shortening, because half a secret is not recognised. Standard library only.
"""

from __future__ import annotations

from .bounds import base64_bytes, bounded
from .plain import dumps, fields_of, plain, render
from .size import LEAST_BYTES, fit
from .structure import redact
from .text import redact_text

__all__ = [
    "LEAST_BYTES",
    "base64_bytes",
    "bounded",
    "dumps",
    "fields_of",
    "fit",
    "plain",
    "redact",
    "redact_text",
    "render",
]
