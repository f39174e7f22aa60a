"""Python imports this at its start under `agentobs run`: it observes the program and leaves no other trace.

A `sitecustomize` of the user's own is imported afterwards, as if this one were not there.
"""

import os
import sys


def _take_off_the_path() -> None:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]


def _is_ours() -> bool:
    """Whether this is the program of `agentobs run` or a process that its `multiprocessing` has spawned."""
    pid = os.environ.get("AGENTOBS_RUN_PID")
    return pid in (str(os.getpid()), "any") or "--multiprocessing-fork" in sys.orig_argv


def _observe() -> None:
    import agentobs

    try:
        agentobs.instrument().automatic = True
    except ValueError as error:
        sys.stderr.write(f"agentobs run: {error}\n")
        sys.stderr.flush()
        os._exit(2)


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
if _is_ours():
    _observe()
_users_own()
