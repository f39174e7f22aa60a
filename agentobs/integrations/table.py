"""The libraries that agentobs observes, one row each.

`instrument()`, its report, the README and the tests all read this table. A row costs nothing until the program imports
the library: only then is the file that knows it imported. Other packages add rows through the entry point group
`agentobs.integrations`, whose entries name an `Integration`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from .observer import Observer
    from .patching import Installed

Subject = Literal["model calls", "agents", "tools", "retrievals", "retries", "breakers", "exits", "workers", "threads"]
GROUP = "agentobs.integrations"
"""Entry point group of integrations in other packages."""


@dataclass(frozen=True, slots=True)
class Integration:
    """How one library is observed.

    Attributes:
        library: its name in options, reports and documentation.
        module: the module whose import makes it possible to patch or hook the library.
        distribution: the package that its version is asked of.
        lowest: the lowest supported version.
        owns: what it tells of.
        implementation: the module with `install(module, observer) -> Installed`.
    """

    library: str
    module: str
    distribution: str
    lowest: str
    owns: tuple[Subject, ...]
    implementation: str

    def load(self) -> Callable[[ModuleType, Observer], Installed]:
        """The function that installs it.

        Raises:
            ImportError: the implementation cannot be imported.
            AttributeError: it has no `install`.
        """
        from importlib import import_module

        install: Callable[[ModuleType, Observer], Installed] = import_module(self.implementation).install
        return install


def _row(library: str, module: str, lowest: str, owns: tuple[Subject, ...], kind: str) -> Integration:
    return Integration(library, module, library, lowest, owns, f"agentobs.integrations.{kind}.{library}")


TABLE: tuple[Integration, ...] = (
    _row("openai", "openai._base_client", "2.0", ("model calls", "retries"), "clients"),
    _row("anthropic", "anthropic._base_client", "1.0", ("model calls", "retries"), "clients"),
    Integration(
        "google-genai",
        "google.genai",
        "google-genai",
        "2.0",
        ("model calls", "retries"),
        "agentobs.integrations.clients.google_genai",
    ),
    Integration(
        "openai-agents",
        "agents.tracing",
        "openai-agents",
        "0.4",
        ("agents", "tools"),
        "agentobs.integrations.frameworks.openai_agents",
    ),
    _row("litellm", "litellm", "1.80", ("model calls", "retries"), "clients"),
    _row("botocore", "botocore.session", "1.38", ("model calls", "retries"), "clients"),
    _row("pybreaker", "pybreaker", "1.4", ("breakers",), "breakers"),
    _row("circuitbreaker", "circuitbreaker", "2.0", ("breakers",), "breakers"),
    _row("stamina", "stamina.instrumentation", "23.2", ("retries",), "retries"),
)


def _process(library: str, module: str, lowest: str, owns: tuple[Subject, ...], distribution: str = "") -> Integration:
    name = library.replace(".", "_")
    return Integration(library, module, distribution, lowest, owns, f"agentobs.integrations.processes.{name}")


PROCESSES: tuple[Integration, ...] = (
    _process("uvicorn", "uvicorn.server", "0.32", ("exits", "workers"), "uvicorn"),
    _process("starlette", "starlette.routing", "0.41", ("exits",), "starlette"),
    _process("gunicorn", "gunicorn.workers.base", "23.0", ("exits", "workers"), "gunicorn"),
    _process("celery", "celery.signals", "5.4", ("exits",), "celery"),
    _process("multiprocessing", "multiprocessing.util", "", ("exits",)),
    _process("threading", "threading", "", ("threads",)),
    _process("concurrent.futures", "concurrent.futures.thread", "", ("threads",)),
)
"""What programs run in: how their processes end, and where their threads come from.

They are in place whatever `libraries=` names, unless that leaves them out (`-threading`).
"""


@dataclass(frozen=True, slots=True)
class Unusable:
    """An entry point of the group that adds no row: its name, what it refers to, and why not."""

    name: str
    value: str
    error: Exception


def integrations() -> tuple[Integration, ...]:
    """The rows of this package and those that other packages add; the first of one name wins."""
    return TABLE + _added()[0]


def unusable() -> tuple[Unusable, ...]:
    """The entry points that add no row: broken ones, and those that claim a library that has a row."""
    return _added()[1]


@functools.cache
def _added() -> tuple[tuple[Integration, ...], tuple[Unusable, ...]]:
    from ..emit.entrypoints import entry_points

    claimed = {row.library: "agentobs itself" for row in (*TABLE, *PROCESSES)}
    rows: list[Integration] = []
    left_out: list[Unusable] = []
    for point in sorted(entry_points(GROUP), key=lambda point: (point.name, point.value)):
        try:
            row = _checked(point.load(), claimed)
        except Exception as error:  # noqa: BLE001
            left_out.append(Unusable(point.name, point.value, error))
            continue
        claimed[row.library] = point.value
        rows.append(row)
    return tuple(rows), tuple(left_out)


def _checked(row: Any, claimed: Mapping[str, str]) -> Integration:
    if not isinstance(row, Integration):
        raise TypeError(f"it is no Integration but {type(row).__name__}")
    if row.library in claimed:
        raise ValueError(f"{row.library} is observed by {claimed[row.library]} already")
    return row


def libraries() -> tuple[str, ...]:
    """The names of all rows."""
    return tuple(row.library for row in integrations())


def processes() -> tuple[str, ...]:
    """The names of what programs run in."""
    return tuple(row.library for row in PROCESSES)
