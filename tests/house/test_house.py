"""The rules of the house that a machine can see."""

from __future__ import annotations

import ast
import graphlib
import inspect
import pkgutil
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

import agentobs
from agentobs import catalogue
from agentobs.privacy import patterns

PACKAGE = Path(agentobs.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
# The demo is a program that uses agentobs, not a part of it; the endpoint and the command line speak of themselves.
_NAMED = re.compile(r"(gen_ai|agentobs)(\.[a-z_]+)+|agentobs_[a-z_]+")
_NAMES = {row.name for row in (*catalogue.METRICS, *catalogue.ATTRIBUTES, *catalogue.EVENTS)} | {
    series for metric in catalogue.METRICS for series in (*metric.series, metric.prom)
}


def imports(path: Path, *, while_imported: bool = False) -> Iterator[str]:
    """The modules that a file imports, absolute; imports for type checking only are left out.

    With `while_imported`, those inside functions too.
    """
    package = [PACKAGE.name, *path.relative_to(PACKAGE).parent.parts]
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        or (while_imported and isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def strings(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            yield node.value


@pytest.mark.parametrize(
    "path", [p for p in MODULES if room(p) != "catalogue"], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_telemetry_names_stand_in_the_catalogue_only(path: Path) -> None:
    assert not [text for text in strings(path) if _NAMED.fullmatch(text) and text in _NAMES]


@pytest.mark.parametrize(
    ("library", "rooms"),
    [
        ("opentelemetry", {"emit", "testing", "demo"}),
        ("prometheus_client", {"emit", "demo"}),
        ("grafanalib", {"packs"}),
        ("openai", {"demo"}),
        ("anthropic", {"demo"}),
        ("pybreaker", {"demo"}),
        ("rich", {"demo"}),
        ("itsdangerous", {"endpoint"}),
    ],
)
def test_a_library_is_imported_in_its_rooms_only(library: str, rooms: set[str]) -> None:
    found = {room(path) for path in MODULES for name in imports(path) if name.split(".")[0] == library}
    assert found <= rooms


def test_grafanalib_stands_behind_one_file() -> None:
    assert [p.name for p in MODULES if any(name.startswith("grafanalib") for name in imports(p))] == ["grafana.py"]


LAYERS = (
    ("catalogue", "guard", "version"),
    ("records", "config"),
    ("context", "distribution", "environment"),
    ("pricing", "privacy"),
    ("emit",),
    ("process",),
    ("integrations",),
    ("verbs", "endpoint"),
    ("runtime",),
    ("testing", "packs"),
    ("cli", "demo"),
)
"""From the lowest to the highest: a module imports from its own layer and from those below."""


def test_lower_packages_know_nothing_of_higher_ones() -> None:
    level = {name: number for number, names in enumerate(LAYERS) for name in names}
    upwards = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in MODULES
        for name in imports(path)
        if name.startswith("agentobs.")
        and room(path) in level
        and level.get(name.split(".")[1], -1) > level[room(path)]
    ]
    assert not upwards


def test_packs_know_only_the_catalogue_and_plain_data() -> None:
    allowed = {"packs", "catalogue", "config", "privacy"}
    assert not [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in MODULES
        for name in imports(path)
        if room(path) == "packs" and name.startswith("agentobs.") and name.split(".")[1] not in allowed
    ]


def test_integrations_know_neither_opentelemetry_nor_the_catalogue_nor_each_other() -> None:
    families = ("clients", "frameworks", "breakers", "retries")
    for path in MODULES:
        parts = path.relative_to(PACKAGE).parts
        if parts[0] != "integrations" or len(parts) < 3:
            continue
        for name in imports(path):
            assert not name.startswith(("opentelemetry", "agentobs.emit")), (path, name)
            assert not name.startswith("agentobs.catalogue") or name.startswith("agentobs.catalogue.values"), (
                path,
                name,
            )
            other = name.split(".")[2:4] if name.startswith("agentobs.integrations.") else []
            assert not (len(other) == 2 and other[0] in families and parts[1] in families), (path, name)


def test_packs_know_of_privacy_the_table_of_patterns_only() -> None:
    known = {name for path in MODULES if room(path) == "packs" for name in imports(path)}
    assert {name for name in known if name.startswith("agentobs.privacy")} <= {
        "agentobs.privacy.patterns",
        *(f"agentobs.privacy.patterns.{name}" for name in vars(patterns)),
    }


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_agentobs_imports_nothing_heavy() -> None:
    loaded = run("import agentobs, sys; print(*sys.modules)").split()
    heavy = ("opentelemetry.sdk", "prometheus_client", "grafanalib", "yaml", "tiktoken", "openai", "anthropic", "rich")
    assert not [name for name in loaded if name.startswith(heavy)]


def test_instrument_opens_no_connection_and_starts_no_thread() -> None:
    seen = run("""
        import sys, threading
        opened = []
        sys.addaudithook(lambda event, _: opened.append(event) if event.startswith("socket.") else None)
        import agentobs
        handle = agentobs.instrument()
        print(opened, threading.enumerate() == [threading.main_thread()])
        handle.uninstrument()
        print(opened, threading.enumerate() == [threading.main_thread()])
    """)
    assert seen == "[] True\n[] True\n"


def test_instrument_has_at_most_a_dozen_options_all_by_keyword() -> None:
    parameters = inspect.signature(agentobs.instrument).parameters.values()
    assert len(parameters) <= 12
    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}


def test_public_names_are_those_of_all() -> None:
    public = {
        name for name, value in vars(agentobs).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    own = {name for name in public if getattr(agentobs, name) is not None} - {"annotations", "TYPE_CHECKING", "VERSION"}
    assert own <= set(agentobs.__all__)
    assert all(hasattr(agentobs, name) for name in agentobs.__all__)


def test_the_verbs_are_not_hidden_by_modules_of_their_names() -> None:
    names = {module.name for module in pkgutil.iter_modules(agentobs.__path__)}
    assert names & set(agentobs.__all__) == set()


def test_the_package_says_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_every_name_is_there_once() -> None:
    for rows in (catalogue.METRICS, catalogue.ATTRIBUTES, catalogue.EVENTS):
        names = [row.name for row in rows]
        assert len(names) == len(set(names))
    series = [name for metric in catalogue.METRICS for name in metric.series]
    assert len(series) == len(set(series))


def test_ids_are_never_labels() -> None:
    for metric in catalogue.METRICS:
        assert not [label.name for label in metric.labels if label.name.endswith((".id", "_id"))]


def test_no_module_imports_itself_by_way_of_others() -> None:
    names = {}
    for path in MODULES:
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(part for part in parts if part != "__init__")] = path
    graph: dict[str, set[str]] = {}
    for name, path in names.items():
        known = [other for other in imports(path, while_imported=True) if other in names]
        # `from . import module` names the package and the module; it is the module that is meant.
        graph[name] = {other for other in known if not any(more.startswith(f"{other}.") for more in known)} - {name}
    assert set(graphlib.TopologicalSorter(graph).static_order()) == set(names)


def test_no_module_takes_a_private_name_of_another() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("agentobs")):
                private = [alias.name for alias in node.names if re.match("_[a-z]", alias.name)]
                assert not private, (path, private)


_IDIOM = {"found", "held", "mend", "mended", "said"}


def test_values_are_named_by_what_they_are() -> None:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(node, "id", None) or getattr(node, "arg", None) or getattr(node, "attr", None)
            assert not isinstance(name, str) or name.strip("_").lower() not in _IDIOM, (path, name)
