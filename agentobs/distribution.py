"""The name under which agentobs is installed, and the unrelated project that has the same import name.

On PyPI the distribution `agentobs` belongs to somebody else and installs a package `agentobs` too. In one environment the
one installed last overwrites files of the other, and uninstalling either deletes files of both. Where its `__init__.py`
is in place, nothing in this package runs: `agentobs_otel.py`, beside the package, tells that.
"""

from __future__ import annotations

from . import guard

NAME = "agentobs-otel"
"""The name of our distribution; what programs import is `agentobs`."""

_OTHER = "agentobs"
_AUTHOR = "The agentobs authors"
"""Ours had that name too before its first release; such an installation is no conflict."""

CURE = f"run `pip uninstall {_OTHER} {NAME}` and install {NAME} again; what needs both projects needs two environments"


def conflict() -> str | None:
    """What to tell where the other project is installed beside ours; `None` where it is not.

    Reads the names in the folders of `sys.path` (about 1 ms), and metadata only of a distribution with that name.
    """
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        other = distribution(_OTHER)
    except PackageNotFoundError:
        return None
    if other.metadata["Author"] == _AUTHOR:
        return None
    return (
        f"the distribution {_OTHER} {other.version} in {other.locate_file('')} is another project with the same import "
        f"name as {NAME}: files of one take the place of the other's; {CURE}"
    )


def warn() -> None:
    """Log a warning where the other project is installed beside ours; never raises for lack of metadata."""
    try:
        warning = conflict()
    except Exception as error:  # noqa: BLE001  odd metadata of others is no reason to stop a program
        guard.failed("distribution", error)
        return
    if warning is not None:
        guard.log.warning("agentobs: %s", warning)
