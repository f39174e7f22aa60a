"""The command line: `agentobs COMMAND ...`.

Each command is a module of this package with `main(argv) -> int`; it is imported only when it is chosen, so that no
command waits for the libraries of another.

Exit codes: 0 done; 1 the command found something wrong, which it says; 2 the command line, or a file that it names, is
not right. `agentobs run` ends with the exit code of the program that it runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

COMMANDS = {
    "run": "run a program as python would, observed",
    "demo": "see it work, without a server or a key",
    "generate": "write dashboards, alerts and collector configs",
    "check": "tell whether generated files are as the generators make them",
    "feedback": "export or erase the feedback of users, or migrate its tables",
}


def _usage() -> str:
    width = max(map(len, COMMANDS))
    rows = "\n".join(f"  {name:{width}}  {purpose}" for name, purpose in COMMANDS.items())
    return (
        f"usage: agentobs COMMAND ...\n\nCommands:\n{rows}\n\n`agentobs COMMAND --help` says more; "
        "`agentobs --version` says which one this is.\n"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and give its exit code; `argv` is what follows the program's name."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if not arguments:
        sys.stderr.write(_usage())
        return 2
    name, *rest = arguments
    if name in {"-h", "--help"}:
        sys.stdout.write(_usage())
        return 0
    if name == "--version":
        from agentobs.version import VERSION

        sys.stdout.write(f"agentobs {VERSION} in {Path(__file__).parents[1]}\n")
        return 0
    if name not in COMMANDS:
        sys.stderr.write(f"agentobs: there is no command {name!r}; there are {', '.join(COMMANDS)}\n")
        return 2
    if name != "run":  # the program that it becomes tells by itself
        from agentobs import distribution

        distribution.warn()
    code: int = import_module(f"{__name__}.{name}").main(rest)
    return code
