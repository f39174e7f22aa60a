"""`agentobs run app.py ...`: run a program as python itself would, observed.

The program is run by python itself, in place of this process: same arguments, tracebacks, signals and exit code. All that
is added is a `sitecustomize` on its path (`agentobs/cli/autostart`), which calls `instrument()` before the program begins
and then takes itself off the path again.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..config import OPTIONS, ConfigError, resolve
from ..runtime import price_book

AUTOSTART = Path(__file__).parent / "autostart"
PID = "AGENTOBS_RUN_PID"
"""Names the process to be observed, so that other programs which it starts are left alone."""
_FLAGS = [option for option in OPTIONS if option.name != "content_limit_bytes"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agentobs run",
        usage="agentobs run [OPTIONS] (PROGRAM.py | -m MODULE) [ARGUMENTS]",
        description="Run a program as python would, with agentobs.instrument() called before it begins.",
        epilog="Options stand before the program; what follows it is the program's own.",
        allow_abbrev=False,
    )
    for option in _FLAGS:
        parser.add_argument(f"--{option.name}", metavar=option.name.upper(), help=option.doc.replace("%", "%%"))
    return parser


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Our own options, and from the first word that is none of them the program's command line."""
    own: list[str] = []
    rest = list(argv)
    names = {f"--{option.name}" for option in _FLAGS}
    while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-"):
        word = rest.pop(0)
        own.append(word)
        if word in names and rest:
            own.append(rest.pop(0))
    return own, rest


def main(argv: Sequence[str]) -> int:
    """Run the program; exit code 2 where an option is not allowed, else the program's own."""
    own, program = _split(argv)
    parser = _parser()
    options = vars(parser.parse_args(own))
    if not program or program == ["-m"]:
        parser.error("name a program, or -m and a module")
    try:
        price_book(resolve(options).prices)
    except (ConfigError, ValueError) as error:
        sys.stderr.write(f"agentobs run: {error}\n")
        return 2
    environ = os.environ | {option.env: options[option.name] for option in _FLAGS if options[option.name] is not None}
    before = environ.get("PYTHONPATH")
    environ["PYTHONPATH"] = str(AUTOSTART) + (os.pathsep + before if before else "")
    environ[PID] = str(os.getpid())
    return _become([sys.executable, *program], environ)


def _become(command: list[str], environ: dict[str, str]) -> int:
    if os.name != "nt":
        sys.stdout.flush()
        os.execve(command[0], command, environ)  # noqa: S606  this process becomes the program
    # On Windows exec starts a second process and does not wait for it, and nobody knows that one's id beforehand.
    environ[PID] = "any"
    return subprocess.run(command, env=environ, check=False).returncode
