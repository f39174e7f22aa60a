"""`agentobs run app.py ...`: run a program as python itself would, observed.

The program is run by python itself, in place of this process: same arguments, tracebacks, signals and exit code. All that
is added is a `sitecustomize` on its path (`agentobs/cli/autostart`), which calls `instrument()` before the program begins
and then takes itself off the path again.

The program may be a file, `-m` and a module, or a console script by its name (`gunicorn`, `flask`, `celery`). A process in
which the same program begins again with the same arguments is observed as well: the one that a reloader serves from, and
the master that gunicorn starts on USR2. Other programs that it starts are left alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ..config import OPTIONS, ConfigError, resolve
from ..integrations.table import libraries, processes
from ..runtime import price_book

AUTOSTART = Path(__file__).parent / "autostart"
PID = "AGENTOBS_RUN_PID"
"""Names the process to be observed, so that other programs which it starts are left alone."""
PROGRAM = "AGENTOBS_RUN_PROGRAM"
"""Names the program and its arguments, so that it is known when it begins again in another process."""
SEPARATOR = "\x1f"
_FLAGS = [option for option in OPTIONS if option.name != "content_limit_bytes"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="agentobs run",
        usage="agentobs run [OPTIONS] (PROGRAM.py | -m MODULE | SCRIPT) [ARGUMENTS]",
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
        # In one word, because a value may begin with a dash: `--libraries -threading`.
        own.append(f"{word}={rest.pop(0)}" if word in names and rest else word)
    return own, rest


def main(argv: Sequence[str]) -> int:
    """Run the program; exit code 2 where an option is not allowed, else the program's own."""
    own, program = _split(argv)
    parser = _parser()
    options = vars(parser.parse_args(own))
    if not program or program == ["-m"]:
        parser.error("name a program, or -m and a module")
    try:
        price_book(resolve(options, libraries(), always=processes()).prices)
        program = _command(program)
    except (ConfigError, ValueError) as error:
        sys.stderr.write(f"agentobs run: {error}\n")
        return 2
    environ = os.environ | {option.env: options[option.name] for option in _FLAGS if options[option.name] is not None}
    path = [str(AUTOSTART), *_opentelemetry(), environ.get("PYTHONPATH")]
    environ["PYTHONPATH"] = os.pathsep.join(entry for entry in path if entry)
    environ[PID] = str(os.getpid())
    name, *arguments = program[1:] if program[0] == "-m" else program
    environ[PROGRAM] = SEPARATOR.join([name, *arguments])
    return _become([sys.executable, *program], environ)


def _command(program: list[str]) -> list[str]:
    """What python is to run: a file and a module stay as they are, a console script by its name becomes its file.

    Raises:
        ConfigError: it is a program that python cannot run, or that starts python itself.
    """
    name, *arguments = program
    if Path(name).name == "opentelemetry-instrument":
        after = ["agentobs run" if Path(word).name.startswith("python") else word for word in arguments]
        raise ConfigError(
            "opentelemetry-instrument starts python by itself, without us; write it first: "
            + " ".join([name, *(after if "agentobs run" in after else ["agentobs run", *after])])
        )
    if name.startswith("-") or Path(name).exists() or name.endswith(".py") or Path(name).name != name:
        return program
    script = shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if script is None:
        return program
    with open(script, "rb") as file:
        first = file.readline(512).decode(errors="replace").strip()
    python = first.removeprefix("#!").strip()
    ours = Path(script).parent == Path(sys.executable).parent or python in (sys.executable, "/usr/bin/env python3")
    if not first.startswith("#!") or "python" not in python or not ours:
        raise ConfigError(
            f"{script} is not run by {sys.executable}, which agentobs is installed for; "
            "install agentobs where that program is, or name a file or -m and a module"
        )
    return [script, *arguments]


def _opentelemetry() -> list[str]:
    """Where the `sitecustomize` of `opentelemetry-instrument` is, if that started us.

    It takes itself off the environment in the first process that it meets, which is not yet the program.
    """
    module = sys.modules.get("opentelemetry.instrumentation.auto_instrumentation")
    path = getattr(module, "__file__", None)
    return [str(Path(path).parent)] if path else []


def _become(command: list[str], environ: dict[str, str]) -> int:
    if os.name != "nt":
        sys.stdout.flush()
        os.execve(command[0], command, environ)  # noqa: S606  this process becomes the program
    # On Windows exec starts a second process and does not wait for it, and nobody knows that one's id beforehand.
    environ[PID] = "any"
    return subprocess.run(command, env=environ, check=False).returncode
