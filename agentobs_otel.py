"""The command `agentobs`: starts our command line, or tells that another package has taken the name.

This file lies beside the package `agentobs` and not in it. On PyPI the name `agentobs` belongs to an unrelated project
with the same import name; where that one (or a file of the user's own) is what `import agentobs` finds, nothing in our
package runs, and this is the only place that can say so. It needs nothing but the standard library.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

_MARK = b"agentobs-otel"
"""Stands in the `__init__.py` of our package, so that it can be told from others without importing them."""


def other() -> str | None:
    """What `import agentobs` finds in place of our package, and what to do; `None` where it finds ours."""
    spec = find_spec("agentobs")
    if spec is None:
        return "there is no package agentobs; install agentobs-otel again"
    origin = Path(spec.origin) if spec.origin else None
    if origin is not None and _MARK in origin.read_bytes():
        return None
    where = origin or ", ".join(spec.submodule_search_locations or ())
    try:
        cure = (
            f"it belongs to the distribution agentobs {version('agentobs')}, an unrelated project; run `pip uninstall "
            "agentobs agentobs-otel` and install agentobs-otel again; what needs both projects needs two environments"
        )
    except PackageNotFoundError:
        cure = "rename it, or start from another folder"
    return f"`import agentobs` finds {where}, which is not the package of agentobs-otel: {cure}"


def main() -> int:
    """Run the command line of agentobs; exit code 2 where another package has taken its name."""
    problem = other()
    if problem is not None:
        sys.stderr.write(f"agentobs: {problem}\n")
        return 2
    from agentobs.cli import main as run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
