"""What is patched, in which libraries, and how that went.

A library is patched when the program imports it, whether before `instrument()` or after; agentobs imports none itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import wrapt

from .. import guard
from . import anthropic, openai, streams
from .breakers import BreakerHooks, Breakers, PyBreaker
from .patching import Patch
from .servers import Servers
from .stainless import Calls, Client, Hooks


@dataclass(slots=True)
class Target:
    """One library: where its patches go and how they stand."""

    name: str
    module: str
    """The module whose import makes the patches possible."""
    patches_of: Callable[[ModuleType], Iterable[Patch]]
    after: Callable[[ModuleType], None] = lambda module: None
    applied: list[Patch] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    hooked: bool = False


@dataclass(frozen=True, slots=True)
class LibraryReport:
    """How one library stands.

    `version` is `None` where it is not installed. `status` is `patched`, `partly patched` (see `missing`), `not imported
    yet` (patched as soon as it is), `not installed`, `not asked for` or `failed`.
    """

    name: str
    version: str | None
    status: str
    patched: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    note: str = ""


class Integrations:
    """The patches of this process. There is one of these, because a class can be patched once."""

    def __init__(self) -> None:
        self._hooks = Hooks()
        self._breaker_hooks = BreakerHooks()
        self._servers = {name: Servers(name) for name in ("openai", "anthropic")}
        self._pybreaker = PyBreaker(self._breaker_hooks)
        clients = {
            "openai": Client("openai", self._hooks, self._servers["openai"], openai.route_of),
            "anthropic": anthropic.AnthropicClient(self._hooks, self._servers["anthropic"]),
        }
        self._targets = {name: Target(name, f"{name}._base_client", client.patches) for name, client in clients.items()}
        self._targets["pybreaker"] = Target("pybreaker", "pybreaker", self._pybreaker.patches, self._pybreaker.meet)
        self._wanted: frozenset[str] = frozenset()

    def install(self, libraries: Iterable[str], calls: Calls, breakers: Breakers, hosts: Mapping[str, str]) -> None:
        """Patch `libraries`, now or when they are imported, and send what they tell to `calls` and `breakers`."""
        self._hooks.calls, self._breaker_hooks.breakers = calls, breakers
        for servers in self._servers.values():
            servers.hosts = hosts
        self._wanted = frozenset(libraries)
        streams.follow_collector()
        for target in self._targets.values():
            if target.name not in self._wanted:
                continue
            module = sys.modules.get(target.module)
            if module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False):
                self._patch(target, module)
            elif not target.hooked:
                target.hooked = True
                wrapt.register_post_import_hook(self._imported(target), target.module)

    def redirect(self, calls: Calls | None, breakers: Breakers | None) -> tuple[Any, Any]:
        """Send what the patches tell somewhere else; returns where it went before."""
        before = self._hooks.calls, self._breaker_hooks.breakers
        self._hooks.calls, self._breaker_hooks.breakers = calls, breakers
        return before

    def _imported(self, target: Target) -> Callable[[ModuleType], None]:
        def patch(module: ModuleType) -> None:
            if target.name in self._wanted:
                self._patch(target, module)

        return patch

    def _patch(self, target: Target, module: ModuleType) -> None:
        if target.applied:
            return
        try:
            for patch in target.patches_of(module):
                if patch.apply():
                    target.applied.append(patch)
                else:
                    target.missing.append(patch.name)
            target.after(module)
        except Exception as error:  # noqa: BLE001
            target.missing.append(f"{target.module} ({error})")
            guard.failed("patch", error)

    def uninstall(self) -> None:
        """Take every patch back: the classes then hold the very objects that were there before."""
        self._wanted = frozenset()
        streams.drain()
        self._pybreaker.forget()
        self._hooks.calls = self._breaker_hooks.breakers = None
        for target in self._targets.values():
            for patch in reversed(target.applied):
                if not patch.remove():
                    guard.log.warning(
                        "agentobs: %s was wrapped by something else after instrument(); our wrapper stays under it and "
                        "passes everything through",
                        patch.name,
                    )
            target.applied.clear()
            target.missing.clear()
        streams.unfollow_collector()

    def report(self) -> tuple[LibraryReport, ...]:
        """How each known library stands."""
        return tuple(self._library(target) for target in self._targets.values())

    def _library(self, target: Target) -> LibraryReport:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as version_of

        try:
            version: str | None = version_of(target.name)
        except PackageNotFoundError:
            version = None
        patched = tuple(patch.name for patch in target.applied)
        missing = tuple(target.missing)
        status, note = "patched", ""
        if target.name not in self._wanted:
            status, note = "not asked for", f"name it in libraries=... to observe {target.name}"
        elif patched and missing:
            status, note = "partly patched", "this version has renamed what is missing; calls are still measured"
        elif missing:
            status, note = "failed", "this version has none of the places that agentobs patches"
        elif not patched and version is None and target.module not in sys.modules:
            status = "not installed"
        elif not patched:
            status, note = "not imported yet", "it is patched as soon as the program imports it"
        return LibraryReport(target.name, version, status, patched, missing, note)


INTEGRATIONS = Integrations()
"""The one of this process."""
