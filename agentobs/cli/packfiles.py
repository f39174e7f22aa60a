"""What `generate` and `check` share: the options that change the files, and the files under these options."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from typing import get_args

from agentobs.catalogue import Conventions
from agentobs.packs import ConfigError, PackConfig, What, build, collector, load
from agentobs.packs.names import NAMINGS

THEMES: tuple[What, ...] = ("dashboards", "alerts", "collector", "registry")
EXIT_CODES = (
    "Exit codes: 0 done; 1 something is wrong, and said; 2 the options, or the file of --config, are not right."
)


class UsageError(Exception):
    """Something on the command line is not allowed; the text names it and what is allowed."""


def parser(command: str, description: str) -> argparse.ArgumentParser:
    """A parser with the options that change the files. Values are judged by the packs, which know what is allowed."""
    made = argparse.ArgumentParser(
        prog=f"agentobs {command}", description=description, epilog=EXIT_CODES, allow_abbrev=False
    )
    made.add_argument("--config", metavar="FILE", help="TOML file with thresholds, objectives and addresses")
    made.add_argument("--conventions", help=f"generation of the GenAI names: {', '.join(get_args(Conventions))}")
    made.add_argument("--naming", help=f"how OpenTelemetry names reach Prometheus: {', '.join(NAMINGS)}")
    made.add_argument("--service-label", metavar="LABEL", help="label that tells services apart (job)")
    made.add_argument(
        "--content",
        default=collector.CONTENTS[0],
        help=f"what the collector does with captured content: {', '.join(collector.CONTENTS)}",
    )
    return made


def configured(options: argparse.Namespace) -> PackConfig:
    """The options in force: the command line wins over the file, the file over the defaults.

    Raises:
        UsageError: a value that is not allowed, or a file that cannot be read.
    """
    given = {"conventions": options.conventions, "naming": options.naming, "service_label": options.service_label}
    try:
        config = load(options.config) if options.config else PackConfig()
        return replace(config, **{name: value for name, value in given.items() if value is not None})
    except ConfigError as error:
        raise UsageError(str(error)) from error
    except OSError as error:
        raise UsageError(f"--config {options.config}: {error.strerror}") from error


def files(options: argparse.Namespace, what: list[str]) -> dict[str, str]:
    """Text by path of the themes and files that are wanted; all of them where none is named.

    Raises:
        UsageError: an unknown theme or file, or a value that is not allowed.
        ImportError: a library that writes the files is missing.
    """
    config = configured(options)
    try:
        collecting = collector.CollectorOptions(content=options.content)
    except ValueError as error:
        raise UsageError(f"--{error}") from error
    wanted = list(dict.fromkeys(name.rstrip("/") for name in what)) or list(THEMES)
    made: dict[str, str] = {}
    for theme in THEMES:
        if any(name.split("/")[0] == theme for name in wanted):
            made |= build(config, theme)
    if any(name.split("/")[0] == "collector" for name in wanted):
        made |= {f"collector/{name}": text for name, text in collector.files(collecting).items()}
    chosen: dict[str, str] = {}
    for name in wanted:
        matching = {path: text for path, text in made.items() if name == path or name == path.split("/")[0]}
        if not matching:
            names = sorted(made) if name.split("/")[0] in THEMES else []
            raise UsageError(f"there is nothing named {name!r} to generate; allowed: {', '.join([*THEMES, *names])}")
        chosen |= matching
    return chosen


def failed(command: str, error: Exception) -> int:
    """Say what went wrong; the exit code that goes with it."""
    sys.stderr.write(f"agentobs {command}: {error}\n")
    return 2 if isinstance(error, UsageError) else 1
