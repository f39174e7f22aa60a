"""Python imports this at its start under `agentobs run`: it observes the program and leaves no other trace.

A `sitecustomize` of the user's own is imported before that, as if this one were not there.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def _take_off_the_path() -> None:
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != HERE]


def _be_first_again() -> None:
    """Stay the first `sitecustomize` for the processes of this one: that of OpenTelemetry puts itself before us."""
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if HERE in paths and paths[0] != HERE:
        os.environ["PYTHONPATH"] = os.pathsep.join([HERE, *(path for path in paths if path != HERE)])


def _is_ours() -> bool:
    """Whether this is the program of `agentobs run`, one that its `multiprocessing` has spawned, or the program again."""
    pid = os.environ.get("AGENTOBS_RUN_PID")
    return pid in (str(os.getpid()), "any") or "--multiprocessing-fork" in sys.orig_argv or _is_the_program_again()


def _is_the_program_again() -> bool:
    """Whether a reloader, or a server that replaces itself, has started the program with the same arguments."""
    name, *arguments = os.environ.get("AGENTOBS_RUN_PROGRAM", "").split("\x1f")
    words = sys.orig_argv[1:]
    before = words[: len(words) - len(arguments)]
    if not name or not before or words[len(before) :] != arguments:
        return False
    return _stem(before[-1]) == _stem(name)


def _stem(name: str) -> str:
    """What a script and the module that it is have in common: `gunicorn` of `bin/gunicorn` and `gunicorn/__main__.py`."""
    path = name.replace("\\", "/").removesuffix("/__main__.py").removesuffix(".py")
    return path.rsplit("/", 1)[-1].rsplit(".", 1)[-1]


def _observe() -> None:
    try:
        import agentobs

        agentobs.instrument().automatic = True
    except ValueError as error:
        sys.stderr.write(f"agentobs run: {error}\n")
        sys.stderr.flush()
        os._exit(2)
    except Exception as error:  # noqa: BLE001
        sys.stderr.write(f"agentobs run: the program runs without being observed ({type(error).__name__}: {error})\n")
        sys.stderr.flush()


def _users_own() -> None:
    import importlib
    import importlib.util

    ours = sys.modules.pop("sitecustomize", None)
    if importlib.util.find_spec("sitecustomize") is None:
        if ours is not None:
            sys.modules["sitecustomize"] = ours
        return
    importlib.import_module("sitecustomize")


_take_off_the_path()
try:
    _users_own()
finally:
    _be_first_again()
    if _is_ours():
        _observe()
