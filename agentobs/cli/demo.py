"""`agentobs demo`: a real agent against a built-in provider that misbehaves, and the proof that all of it was seen."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from .. import demo


def main(argv: Sequence[str]) -> int:
    """Run the demo; exit code 1 where anything that was served was not seen."""
    parser = argparse.ArgumentParser(prog="agentobs demo", description=__doc__.partition(": ")[2])
    demo.add_arguments(parser)
    arguments = parser.parse_args(argv)
    try:
        options = demo.options_of(arguments)
    except ValueError as error:
        sys.stderr.write(f"agentobs demo: {error}\n")
        return 2
    return demo.run(options)
