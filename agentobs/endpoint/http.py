"""Requests and responses as both twins see them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

POST_HEADERS = {"x-content-type-options": "nosniff", "cache-control": "no-store"}


@dataclass(frozen=True, slots=True)
class Head:
    """A request without its body. `path` is what is left below the mount, header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    address: str
    query: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer; header names are in lower case."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def below(path: str, mount: str) -> str | None:
    """What is left of `path` below `mount`, `None` where it is not below it."""
    mount = mount.rstrip("/")
    if path == mount or path.startswith(mount + "/"):
        return path[len(mount) :]
    return None


def sender(headers: Mapping[str, str], peer: str, trusted_proxies: int) -> str:
    """The address of the sender: the peer, or what the outermost of our own proxies saw in X-Forwarded-For.

    Addresses further to the left were written by the sender. Some proxies write the port too.
    """
    if not trusted_proxies:
        return peer
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    if not hops:
        return peer
    return _without_port(hops[-trusted_proxies] if len(hops) >= trusted_proxies else hops[0])


def _without_port(hop: str) -> str:
    """`192.0.2.1:443` and `[2001:db8::1]:443` without the port; an address of IPv6 has colons of its own."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
