"""The cells of a notebook, in the order in which somebody runs them: the first one again and again."""

from __future__ import annotations

import subprocess
import sys

from tests.support.documents import blocks
from tests.support.process.programs import ROOT

PROGRAM = """
import sys
from code import InteractiveInterpreter

setup, call = sys.argv[1:]
notebook = InteractiveInterpreter()
for cell in (setup, call, setup, call):
    assert not notebook.runcode(compile(cell, "cell", "exec"))
    if cell is call:
        spans = notebook.locals["spans"].get_finished_spans()
        print([(span.name, span.attributes["gen_ai.usage.output_tokens"] > 0) for span in spans])
"""


def test_a_cell_that_is_run_again_gets_the_spans_from_then_on(shell: dict[str, str]) -> None:
    text = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    cells = blocks(text.partition("## Notebooks")[2].partition("\n## ")[0], "python")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *cells], env=shell, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "[('chat gpt-4.1-mini', True)]\n" * 2, done.stderr
    assert done.stderr == ""
