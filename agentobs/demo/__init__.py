"""`agentobs demo`: a real agent, a built-in provider that misbehaves, and the proof that all of it was seen."""

from __future__ import annotations

import argparse
import json
import sys
import threading
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import RenderableType

    from .compare import Comparison
    from .session import Session

_NEEDED = ("openai", "anthropic", "pybreaker", "rich", "itsdangerous")
_LONGEST_DIFF = 30
_REFRESH_S = 0.25
_INTERRUPTED = 130
"""The exit code of a program that SIGINT ended, as shells have it."""
NEXT_STEPS = """\
Next, with your own agent:
  1. Install agentobs where your agent runs (README.md, "Install"), and put this before its first model call:
       import agentobs; agentobs.instrument(service="my-agent")
     or run it unchanged: agentobs run app.py
  2. See what is observed: print(agentobs.instrument().report())
  3. Have it scraped: prometheus_client.start_http_server(9464)
     or sent: OTEL_EXPORTER_OTLP_ENDPOINT=http://host:4318
"""


@dataclass(frozen=True, slots=True)
class Options:
    """What `agentobs demo` can be told.

    Attributes:
        seconds: length of the run; with `rate` it sets the number of tasks.
        seed: what happens; the same seed, length and rate give the same counts.
        rate: tasks a second.
        port: port of `/metrics` on 127.0.0.1, 0 for any free one.
        quiet: no live table.
        json: nothing but one JSON object on standard output.
        otlp: URL to which spans, metrics and events are sent as OTLP.
    """

    seconds: float = 20.0
    seed: int = 7
    rate: float = 6.0
    port: int = 9464
    quiet: bool = False
    json: bool = False
    otlp: str | None = None

    def __post_init__(self) -> None:
        for name in ("seconds", "rate"):
            value = getattr(self, name)
            if not 0 < value < 1e6:
                raise ValueError(f"--{name} {value:g} is not allowed; allowed is a number above 0")
        if not 0 <= self.port <= 65535:
            raise ValueError(f"--port {self.port} is not allowed; allowed is 0 (any free port) to 65535")
        if self.otlp is not None and not self.otlp.startswith(("http://", "https://")):
            raise ValueError(f"--otlp {self.otlp!r} is not allowed; allowed is a URL such as http://localhost:4318")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the options to a command line parser."""
    default = Options()
    parser.add_argument("--seconds", type=float, default=default.seconds, help="length of the run (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="same seed, length and rate, same counts")
    parser.add_argument("--rate", type=float, default=default.rate, help="conversations a second (%(default)s)")
    parser.add_argument("--port", type=int, default=default.port, help="port of /metrics, 0 for any (%(default)s)")
    parser.add_argument("--quiet", action="store_true", help="no live table")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output, nothing else")
    parser.add_argument("--otlp", metavar="URL", help="also send everything as OTLP, such as http://localhost:4318")


def options_of(arguments: argparse.Namespace) -> Options:
    """The options that were given on the command line.

    Raises:
        ValueError: a value that is not allowed; the message names the option and the allowed values.
    """
    return Options(**{name: getattr(arguments, name) for name in Options.__slots__})


def run(options: Options) -> int:
    """Run the demo.

    Returns:
        0 where everything that was served was seen, 1 where anything differs, 2 where the demo cannot run,
        130 where it was interrupted before it had begun.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        _complain(f"agentobs demo needs {', '.join(missing)}: pip install {' '.join(missing)}")
        return 2
    try:
        comparison = _compared(options)
    except KeyboardInterrupt:
        # Before there was anything to compare.
        return _INTERRUPTED
    if options.json:
        print(json.dumps(comparison.as_json(), indent=2))  # noqa: T201
    else:
        _conclude(comparison, options)
    if not comparison.served["calls"]:
        _complain("nothing was served, so nothing is proved")
        return 2
    return 0 if comparison.equal else 1


def _compared(options: Options) -> Comparison:
    """One session from its start to the comparison at its end."""
    from .session import Session

    with Session(
        seconds=options.seconds, seed=options.seed, rate=options.rate, port=options.port, otlp=options.otlp
    ) as session:
        if session.trouble:
            _complain(session.trouble)
        comparison = _watch(session, options)
        if not (options.json or options.quiet or sys.stdout.isatty()):
            _print_table(session)
        if not session.handle.flush():
            _complain(f"not everything reached {options.otlp}")
        return comparison


def _watch(session: Session, options: Options) -> Comparison:
    """Do the work, with the live table where somebody may be looking at it."""
    failures: list[BaseException] = []
    # Not `Thread.join`: interrupted once, it takes a running thread for a finished one (CPython issue 45274).
    done = threading.Event()

    def work() -> None:
        try:
            session.work()
        except BaseException as error:  # noqa: BLE001  raised again below
            failures.append(error)
        finally:
            done.set()

    threading.Thread(target=work, name="demo", daemon=True).start()
    try:
        if options.json or options.quiet or not sys.stdout.isatty():
            while not done.wait(_REFRESH_S):
                pass
        else:
            _show(session, done)
    except KeyboardInterrupt:
        session.stop()
        done.wait()
    if failures:
        raise failures[0]
    return session.comparison()


def _show(session: Session, done: threading.Event) -> None:
    from rich.live import Live

    with Live(_drawn(session), auto_refresh=False) as live:
        while not done.wait(_REFRESH_S):
            live.update(_drawn(session), refresh=True)
        live.update(_drawn(session), refresh=True)


def _print_table(session: Session) -> None:
    """The table once, where there is no terminal to draw it on again and again."""
    from rich.console import Console

    Console().print(_drawn(session))


def _drawn(session: Session) -> RenderableType:
    from .table import draw

    where = f", /metrics at {session.metrics_url}" if session.metrics_url else ""
    return draw(session.registry, session.calls, title=f"agentobs demo: {session.count} conversations{where}")


def _conclude(comparison: Comparison, options: Options) -> None:
    served = comparison.served
    lines = [
        f"served {served['calls']} calls, {served['input_tokens']:,} input and {served['output_tokens']:,} output tokens, "
        f"{served['cost_usd']:.8f} USD, {served['retries']} hidden retries, {served['errors']} errors"
    ]
    if comparison.equal:
        lines.append("seen:  exactly that, call by call, token by token, cent by cent, retry by retry")
    else:
        lines.append(f"seen:  something else, {len(comparison.differences)} differences")
        lines.extend(f"  {difference}" for difference in comparison.differences[:_LONGEST_DIFF])
        if len(comparison.differences) > _LONGEST_DIFF:
            lines.append(f"  and {len(comparison.differences) - _LONGEST_DIFF} more; --json lists all")
    if not options.quiet:
        lines += ["", NEXT_STEPS]
    print("\n".join(lines))  # noqa: T201


def _complain(text: str) -> None:
    print(f"agentobs demo: {text}", file=sys.stderr)  # noqa: T201
