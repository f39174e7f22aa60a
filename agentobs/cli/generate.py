"""`agentobs generate`: write dashboards, alerts and collector configs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from . import packfiles


def main(argv: Sequence[str]) -> int:
    """Write the files below `--out`; those that are already as they should be are left alone."""
    parser = packfiles.parser(
        "generate",
        "Write dashboards, alerts with their runbook, collector configs, and the registry of names. "
        "The same options give the same bytes.",
    )
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help=f"{', '.join(packfiles.THEMES)}, or one of their files such as alerts/rules.yaml; everything if not named",
    )
    parser.add_argument("--out", metavar="DIR", default=".", help="folder below which the files go (this one)")
    options = parser.parse_args(argv)
    try:
        files = packfiles.files(options, options.what)
        for path, text in files.items():
            sys.stdout.write(f"{_write(Path(options.out) / path, text)} {Path(options.out) / path}\n")
    except (packfiles.UsageError, ImportError, OSError) as error:
        return packfiles.failed("generate", error)
    return 0


def _write(path: Path, text: str) -> str:
    """Write the file, or find that it is the same already; what was done, in a word."""
    content = text.encode()
    if path.is_file() and path.read_bytes() == content:
        return "same "
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return "wrote"
