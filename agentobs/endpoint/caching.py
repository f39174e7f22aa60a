"""Which answers a cache may give to somebody else (RFC 9111)."""

from __future__ import annotations

from collections.abc import Mapping

_FOR_CACHES = ("cdn-cache-control", "surrogate-control", "cloudflare-cdn-cache-control", "vercel-cdn-cache-control")
"""What caches of content delivery networks go by in place of Cache-Control (RFC 9213 and before it)."""


def is_shared(status: int, control: str, headers: Mapping[str, str]) -> bool:
    """Whether an answer is made for caches that several users share, or renews what they have.

    Args:
        status: of the answer.
        control: the value of Cache-Control in lower case, empty where there is none.
        headers: all headers, names in lower case.
    """
    if status == 304 or status < 200:
        return True
    for name in _FOR_CACHES:
        if name in headers and not keeps_out(headers[name].lower()):
            return True
    if keeps_out(control):
        return False
    directives = _directives(control)
    if "public" in directives or "immutable" in directives:
        return True
    lifetimes = [directives.get("s-maxage"), directives.get("max-age")]
    if any(lifetime is not None and lifetime.strip('"') != "0" for lifetime in lifetimes):
        return True
    return not control and headers.get("expires", "0").strip() not in ("0", "-1")


def _directives(control: str) -> dict[str, str]:
    parts = (part.strip().partition("=") for part in control.split(","))
    return {name.strip(): value.strip() for name, _, value in parts}


def keeps_out(control: str) -> bool:
    """Whether a value of Cache-Control, in lower case, keeps shared caches out."""
    directives = _directives(control)
    # `private="field"` keeps only that field out.
    return "no-store" in directives or directives.get("private") == ""
