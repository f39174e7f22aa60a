"""Entry points of the installed packages."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata


def entry_points(group: str) -> Iterable[metadata.EntryPoint]:
    """The entry points of a group.

    Reading them takes a tenth of a millisecond for each installed package. OpenTelemetry reads them all with the first
    span, and keeps them; asked through it, they are read once for both.
    """
    try:
        from opentelemetry.util._importlib_metadata import entry_points as kept
    except ImportError:
        return metadata.entry_points(group=group)
    return kept(group=group)
