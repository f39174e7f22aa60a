"""`agentobs run` runs a program as python itself does, and sees its calls."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from agentobs.demo.faults import Fault, Faults
from agentobs.demo.provider import Provider

FILES = {
    "ok.py": """
        import sys
        print(sys.argv, __name__, sys.path[0], sys.flags.interactive)
        print("on standard error", file=sys.stderr)
    """,
    "failing.py": """
        def fail():
            raise ValueError("no such parcel")
        if __name__ == "__main__":
            fail()
    """,
    "chained.py": """
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise RuntimeError("of that") from error
    """,
    "code.py": "import sys; sys.exit(3)",
    "text.py": "import sys; sys.exit('not today')",
    "syntax.py": "x = = 1",
    "shop/__init__.py": "",
    "shop/__main__.py": "from .stock import COUNT; import sys; print(COUNT, sys.argv[1:], __package__)",
    "shop/stock.py": "COUNT = 4711",
    "workers.py": """
        import multiprocessing, sys

        def work(number):
            import agentobs.process
            return number, agentobs.process.current() is not None

        if __name__ == "__main__":
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                print(pool.map(work, [1]))
    """,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text).strip() + "\n", encoding="utf-8")
    return tmp_path


def run(folder: Path, *command: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False, env=os.environ | environ
    )


AGENTOBS = (sys.executable, "-m", "agentobs", "run")


@pytest.mark.parametrize(
    "program",
    [
        ["ok.py", "--its", "own", "-m", "arguments"],
        ["failing.py"],
        ["chained.py"],
        ["code.py"],
        ["text.py"],
        ["syntax.py"],
        ["missing.py"],
        ["-m", "shop", "one", "--two"],
        ["-m", "missing"],
        ["-m", "shop.missing"],
    ],
    ids=" ".join,
)
def test_like_python_itself(program: list[str], folder: Path) -> None:
    alone = run(folder, sys.executable, *program)
    observed = run(folder, *AGENTOBS, *program)
    assert (observed.returncode, observed.stdout, observed.stderr) == (alone.returncode, alone.stdout, alone.stderr)


def test_options_stand_before_the_program(folder: Path) -> None:
    (folder / "app.py").write_text("import agentobs; print(agentobs.instrument().config)", encoding="utf-8")
    done = run(folder, *AGENTOBS, "--libraries", "-openai", "app.py")
    assert "libraries=('anthropic'," in done.stdout
    done = run(folder, *AGENTOBS, "--service", "shop", "--conventions=compat", "--libraries", "openai", "app.py")
    assert "service='shop', conventions='compat'" in done.stdout
    assert "libraries=('openai', 'uvicorn'," in done.stdout, "and what programs run in"


def test_the_program_may_call_instrument_itself(folder: Path) -> None:
    (folder / "app.py").write_text("import agentobs; print(agentobs.instrument(service='own').config.service)")
    done = run(folder, *AGENTOBS, "--service", "shop", "app.py")
    assert (done.returncode, done.stdout) == (0, "own\n"), done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--metrics", "nowhere", "ok.py"], "metrics='nowhere' is not allowed; allowed are auto, otel, prometheus"),
        (["--colour", "ok.py"], "unrecognized arguments: --colour"),
        ([], "name a program, or -m and a module"),
        (["--prices", "missing.toml", "ok.py"], "missing.toml: cannot be read: No such file"),
    ],
)
def test_what_is_not_allowed_is_said(options: list[str], said: str, folder: Path) -> None:
    done = run(folder, *AGENTOBS, *options)
    assert done.returncode == 2
    assert said in done.stderr
    assert not done.stdout


def test_a_bad_variable_is_said_before_the_program_begins(folder: Path) -> None:
    done = run(folder, *AGENTOBS, "ok.py", OTEL_TRACES_EXPORTER="carrier_pigeon")
    assert done.returncode == 2
    assert done.stderr.startswith("agentobs run: OTEL_TRACES_EXPORTER='carrier_pigeon'")
    assert not done.stdout


def test_calls_of_a_real_client_are_seen(folder: Path) -> None:
    (folder / "app.py").write_text(
        textwrap.dedent("""
            import json, openai, prometheus_client
            openai.OpenAI().chat.completions.create(model="gpt-4.1-mini", messages=[{"role": "user", "content": "hi"}])
            labels = {"gen_ai_operation_name": "chat"}
            print(json.dumps([sample.value for family in prometheus_client.REGISTRY.collect()
                              for sample in family.samples if sample.name == "agentobs_calls_total"]))
        """)
    )
    with Provider(seed=1, faults=Faults(**{str(fault): 0.0 for fault in Fault})) as provider:
        done = run(folder, *AGENTOBS, "app.py", OPENAI_API_KEY="none", OPENAI_BASE_URL=f"{provider.base_url}/v1")
    assert json.loads(done.stdout) == [1.0], done.stderr


def test_spawned_workers_are_observed_too(folder: Path) -> None:
    assert run(folder, *AGENTOBS, "workers.py").stdout == "[(1, True)]\n"


def test_other_programs_that_it_starts_are_left_alone(folder: Path) -> None:
    (folder / "app.py").write_text(
        "import subprocess, sys\n"
        "subprocess.run([sys.executable, '-c', 'import sys; print(\"agentobs\" in sys.modules)'], check=True)"
    )
    assert run(folder, *AGENTOBS, "app.py").stdout == "False\n"


def test_a_sitecustomize_of_the_users_own_still_runs(folder: Path) -> None:
    own = folder / "site"
    own.mkdir()
    (own / "sitecustomize.py").write_text("import builtins; builtins.parcels = 3", encoding="utf-8")
    (folder / "app.py").write_text("import sitecustomize; print(parcels, sitecustomize.__file__)", encoding="utf-8")
    alone = run(folder, sys.executable, "app.py", PYTHONPATH=str(own))
    observed = run(folder, *AGENTOBS, "app.py", PYTHONPATH=str(own))
    assert alone.stdout.startswith("3 ")
    assert observed.stdout == alone.stdout


def test_an_interrupt_reaches_the_program(folder: Path) -> None:
    (folder / "app.py").write_text(
        textwrap.dedent("""
            import signal
            try:
                print("ready", flush=True)
                signal.pause()
            except KeyboardInterrupt:
                print("interrupted", flush=True)
                raise SystemExit(7)
        """)
    )
    with subprocess.Popen([*AGENTOBS, "app.py"], cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        assert process.wait(30) == 7
