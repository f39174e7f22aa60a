"""Which integrations are in place, and how that went.

A library is patched when the program imports it, whether before `instrument()` or after; agentobs imports none itself.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import ModuleType

import wrapt

from .. import guard
from .deferred import drain, follow_collector, unfollow_collector
from .observer import OBSERVER
from .patching import Installed
from .table import PROCESSES, Integration, Unusable, integrations, processes, unusable

_UNUSABLE = "an entry point of the group agentobs.integrations that cannot be used; the others are"


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


class _Library:
    """One row of the table and what was put in place for it."""

    def __init__(self, row: Integration) -> None:
        self.row = row
        self.installed: Installed | None = None
        self.error: str | None = None
        self.hooked = False

    @property
    def module(self) -> ModuleType | None:
        """The library's module, once the program has imported it whole."""
        module = sys.modules.get(self.row.module)
        return None if module is None or getattr(getattr(module, "__spec__", None), "_initializing", False) else module

    def install(self, module: ModuleType) -> None:
        if self.installed is not None:
            return
        try:
            self.installed = self.row.load()(module, OBSERVER)
            self.error = None
        except Exception as error:  # noqa: BLE001
            self.error = f"{self.row.module} ({error})"
            guard.failed("patch", error)

    def uninstall(self) -> None:
        installed, self.installed, self.error = self.installed, None, None
        if installed is None:
            return
        for name in installed():
            guard.log.warning(
                "agentobs: %s was wrapped by something else after instrument(); our wrapper stays under it and passes "
                "everything through",
                name,
            )


class Installer:
    """The integrations of this process. There is one of these, because a class can be patched once."""

    def __init__(self) -> None:
        self._libraries: dict[str, _Library] = {}
        self._wanted: frozenset[str] = frozenset()

    def install(self, libraries: Iterable[str]) -> None:
        """Put the integrations of `libraries` in place, now or when they are imported."""
        self._wanted = frozenset(libraries)
        follow_collector()
        for each in unusable():
            guard.failed("entry point", each.error)
        for row in (*integrations(), *PROCESSES):
            library = self._libraries.setdefault(row.library, _Library(row))
            if row.library not in self._wanted:
                continue
            module = library.module
            if module is not None:
                library.install(module)
            elif not library.hooked:
                library.hooked = True
                wrapt.register_post_import_hook(self._imported(library), row.module)

    def _imported(self, library: _Library) -> Callable[[ModuleType], None]:
        def install(module: ModuleType) -> None:
            if library.row.library in self._wanted:
                library.install(module)

        return install

    def uninstall(self) -> None:
        """Take everything back: the classes then hold the very objects that were there before."""
        self._wanted = frozenset()
        drain()
        for library in self._libraries.values():
            library.uninstall()
        unfollow_collector()

    def report(self) -> tuple[LibraryReport, ...]:
        """How each known library stands; of what programs run in, what there is here."""
        reports = [self._report(library) for library in self._libraries.values()]
        return (
            *(report for report in reports if report.name not in processes() or report.patched or report.missing),
            *(_unusable_report(each) for each in unusable()),
        )

    def _report(self, library: _Library) -> LibraryReport:
        from importlib.metadata import PackageNotFoundError
        from importlib.metadata import version as version_of

        row, installed = library.row, library.installed
        version: str | None = None
        if row.distribution:
            with contextlib.suppress(PackageNotFoundError):
                version = version_of(row.distribution)
        patched = tuple(installed.places) if installed is not None else ()
        missing = tuple(installed.missing) if installed is not None else ()
        if library.error is not None:
            missing = (library.error,)
        status, note = "patched", ""
        if row.library not in self._wanted:
            status, note = "not asked for", f"name it in libraries=... to observe {row.library}"
        elif patched and missing:
            status, note = "partly patched", "this version has renamed what is missing; calls are still measured"
        elif missing:
            status, note = "failed", "this version has none of the places that agentobs patches"
        elif not patched and version is None and row.module not in sys.modules:
            status = "not installed"
        elif not patched:
            status, note = "not imported yet", "it is patched as soon as the program imports it"
        if version is not None and _is_older(version, row.lowest):
            note = "; ".join(filter(None, [note, f"older than {row.lowest}, the lowest version that is supported"]))
        return LibraryReport(row.library, version, status, patched, missing, note)


def _unusable_report(point: Unusable) -> LibraryReport:
    return LibraryReport(point.name, None, "failed", (), (f"{point.value} ({point.error})",), _UNUSABLE)


def _is_older(version: str, lowest: str) -> bool:
    """Whether `version` comes before `lowest`, by their leading numbers."""
    have, want = ([int(number) for number in re.findall(r"\d+", text)[:3]] for text in (version, lowest))
    return have < want


INSTALLER = Installer()
"""The one of this process."""
