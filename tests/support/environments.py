"""Fresh virtual environments in which packages are installed for real, without a network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from dataclasses import dataclass
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Environment:
    """One virtual environment: agentobs is not in it, what agentobs needs is (that of the running tests)."""

    root: Path

    @property
    def bin(self) -> Path:
        return self.root / ("Scripts" if os.name == "nt" else "bin")

    def environ(self, **variables: str) -> dict[str, str]:
        """The variables of a shell in which this environment is active."""
        inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
        path = os.pathsep.join([str(self.bin), os.environ.get("PATH", os.defpath)])
        return inherited | {"PATH": path, "VIRTUAL_ENV": str(self.root)} | OFFLINE | variables

    def run(self, *command: str | Path, cwd: Path | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment to its end; what it printed is in the result."""
        return subprocess.run(
            [str(part) for part in command],
            env=self.environ(**variables),
            cwd=cwd or self.root,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def pip(self, *arguments: str | Path) -> None:
        """`pip` with these arguments, without an index."""
        done = self.run("python", "-m", "pip", *arguments)
        assert done.returncode == 0, done.stdout + done.stderr

    def install(self, *arguments: str | Path) -> None:
        """`pip install` of files and folders."""
        self.pip("install", "--quiet", "--no-deps", *arguments)


OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_QUIET": "1"}
"""Of pip: nothing from an index, and build backends from the environment ("0" is how pip takes it from a variable)."""


def create(root: Path, *, pip: bool = False) -> Environment:
    """A new environment in `root`; with `pip`, the command of that name is there too."""
    venv.create(root, with_pip=pip, symlinks=os.name != "nt")
    environment = Environment(root)
    done = environment.run("python", "-c", "import site; print(site.getsitepackages()[0])")
    packages = Path(done.stdout.strip())
    shared = root / "shared"
    shared.mkdir()
    folders = [folder for name in sys.path if (folder := Path(name)).name in ("site-packages", "dist-packages")]
    for folder in folders:
        for entry in folder.iterdir() if folder.is_dir() else ():
            ours = "agentobs" in entry.name.lower()
            if not ours and entry.suffix != ".pth" and not (shared / entry.name).exists():
                (shared / entry.name).symlink_to(entry)
    (packages / "shared.pth").write_text(f"{shared}\n", encoding="utf-8")
    _commands(environment, shared, folders)
    return environment


def _commands(environment: Environment, shared: Path, folders: list[Path]) -> None:
    """The commands of the shared packages, run by the Python of the environment; `ruff` is a program by itself."""
    for point in (one for found in distributions(path=[str(shared)]) for one in found.entry_points):
        command = environment.bin / point.name
        if point.group == "console_scripts" and point.name not in ("pip", "pip3") and not command.exists():
            module, _, function = point.value.partition(":")
            command.write_text(
                f"#!{environment.bin}/python\nimport sys\nimport {module}\n"
                f"if __name__ == '__main__':\n    sys.exit({module}.{function}())\n"
            )
            command.chmod(0o755)
    ruff = shutil.which("ruff", path=os.pathsep.join(str(folder.parents[2] / "bin") for folder in folders))
    if ruff:
        (environment.bin / "ruff").symlink_to(ruff)


def wheel(folder: Path, name: str, version: str, files: dict[str, str], script: str = "") -> Path:
    """A wheel of pure Python with these files, written by hand; `script` is an entry point `NAME = MODULE:FUNCTION`."""
    info = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        **({f"{info}/entry_points.txt": f"[console_scripts]\n{script}\n"} if script else {}),
    }
    path = folder / f"{name.replace('-', '_')}-{version}-py3-none-any.whl"
    record = "".join(f"{file},,\n" for file in [*files, *metadata, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, **metadata, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return path


def tracked() -> list[Path]:
    """The files of this source tree: what git has, and what is new and not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    return [path for name in sorted(done.stdout.split("\0")) if name and (path := ROOT / name).is_file()]


def clone(folder: Path) -> Path:
    """A repository with these files in one commit, as somebody has it who has just cloned it."""
    for path in tracked():
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "clone"]):
        who = ["-c", "user.name=tests", "-c", "user.email=tests@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *command], cwd=folder, timeout=60, check=True)
    return folder


def own_wheel(folder: Path) -> Path:
    """The wheel of agentobs, built from this source tree."""
    code = "import sys, hatchling.build; print(hatchling.build.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", code, folder], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / done.stdout.splitlines()[-1]
