"""`agentobs check`: are generated files as the generators make them?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from . import packfiles
from .difference import differences

KEEP = {
    "dashboards": "In Grafana save your dashboard under a title and uid of its own (Save as copy). Limits, objectives and "
    "labels come from options: --config, --naming, --service-label.",
    "alerts": "Put thresholds, objectives and the runbook's address into a TOML file and give it by --config; put rules "
    "of your own into a file of their own.",
    "collector": "Put your changes into a second file and start the collector with --config=GENERATED --config=YOURS, or "
    "set the AGENTOBS_ variables; --content drop removes captured content.",
    "registry": "Put names of your own into a registry that depends on this one.",
}


def main(argv: Sequence[str]) -> int:
    """Compare the files below a folder with those that the generators make; 1 where one differs or is missing."""
    parser = packfiles.parser(
        "check",
        "Tell whether generated files are as the generators make them. Give the options they were generated with.",
    )
    parser.add_argument(
        "folder",
        nargs="?",
        default=".",
        metavar="DIR",
        help="folder that holds dashboards, alerts, collector and registry (this one)",
    )
    options = parser.parse_args(argv)
    try:
        root, themes = _themes(Path(options.folder))
        generated = packfiles.files(options, themes)
        committed = {path: _read(root / path) for path in generated}
    except (packfiles.UsageError, ImportError, OSError) as error:
        return packfiles.failed("check", error)
    wrong = {
        path: _complaint(path, text, committed[path]) for path, text in generated.items() if committed[path] != text
    }
    for path, lines in wrong.items():
        sys.stdout.write(f"{root / path}\n" + "".join(f"  {line}\n" for line in lines))
    if not wrong:
        sys.stdout.write(f"{len(generated)} files are as generated\n")
        return 0
    sys.stdout.write(_advice(root, list(wrong), len(generated)))
    return 1


def _themes(folder: Path) -> tuple[Path, list[str]]:
    """Where the folders of the themes are, and which there are; the folder itself may be one of them."""
    if not folder.is_dir():
        raise packfiles.UsageError(f"{folder} is not a folder")
    present: list[str] = [theme for theme in packfiles.THEMES if (folder / theme).is_dir()]
    if present:
        return folder, present
    if folder.resolve().name in packfiles.THEMES:
        return folder.resolve().parent, [folder.resolve().name]
    raise packfiles.UsageError(f"{folder} has none of the folders {', '.join(packfiles.THEMES)}")


def _read(path: Path) -> str | None:
    """The text of the file; None where there is none. Line ends stay as they are."""
    if not path.is_file():
        return None
    return path.read_bytes().decode("utf-8", errors="replace")


def _complaint(path: str, generated: str, committed: str | None) -> list[str]:
    return ["missing"] if committed is None else differences(path, generated, committed)


def _advice(root: Path, paths: list[str], total: int) -> str:
    themes = dict.fromkeys(path.split("/")[0] for path in paths)
    kept = "".join(f"To keep changes of {theme}: {KEEP[theme]}\n" for theme in themes)
    return (
        f"\n{len(paths)} of {total} files differ from what the generators make with these options.\n{kept}"
        f"To have the generated files back: agentobs generate {' '.join(themes)} --out {root} (with the same options)\n"
    )
