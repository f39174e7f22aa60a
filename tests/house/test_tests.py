"""The rules of the tests themselves that a machine can see."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

import agentobs

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
SUPPORT = TESTS / "support"
FILES = sorted(path for path in TESTS.rglob("*.py") if not {".cache", "__pycache__"} & set(path.parts))
CASES = [path for path in FILES if path.name.startswith("test_")]

BESIDE_THE_PACKAGES = {"support", "house", "faults", "benchmarks", "examples"}
"""What stands in tests/ and tests no package: what tests share, rules of the repository, faults in every part, speed."""

WAITS = SUPPORT / "polling.py"
"""The one file that may sleep."""

PACED = TESTS / "benchmarks" / "feedback.py"
"""Asks so many times a second, to measure."""

NEEDS = SUPPORT / "needs.py"
"""The one file that skips."""

NOT_PRIVATE = {"_replace", "_asdict", "_fields", "_make"}
"""Public methods of named tuples."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def named(path: Path) -> str:
    return path.relative_to(TESTS).as_posix()


def called(call: ast.Call) -> str:
    return ast.unparse(call.func)


def offenders(paths: Iterable[Path], rule: Callable[[Path], Iterable[str]]) -> dict[str, list[str]]:
    """What breaks a rule, by file."""
    return {named(path): found for path in paths if (found := list(rule(path)))}


def test_folders_are_those_of_the_packages() -> None:
    package = Path(agentobs.__file__).parent
    tops = {path.relative_to(TESTS).parts[0].removesuffix(".py").removeprefix("test_") for path in FILES} - {"conftest"}
    assert {top for top in tops - BESIDE_THE_PACKAGES if not [*package.glob(top), *package.glob(f"{top}.py")]} == set()


def test_what_tests_share_stands_in_one_folder() -> None:
    beside = [path for path in FILES if SUPPORT not in path.parents and TESTS / "benchmarks" not in path.parents]
    assert [named(path) for path in beside if not path.name.startswith("test_") and path.name != "conftest.py"] == []


# ---------------------------------------------------------------------------------------------------- waiting


def sleeps(tree: ast.AST) -> Iterator[str]:
    """Calls that let time pass, in the code and in programs that stand in it as text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node).rpartition(".")[2] == "sleep":
            if [ast.unparse(argument) for argument in node.args] != ["0"]:
                yield ast.unparse(node)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from re.findall(r"\.sleep\((?!0\)).*", node.value)


def test_nothing_sleeps() -> None:
    assert offenders([path for path in FILES if path not in (WAITS, PACED)], lambda path: sleeps(parsed(path))) == {}


# ---------------------------------------------------------------------------------------------------- skips


def skips(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call) and called(node) in ("pytest.skip", "pytest.importorskip"):
            yield ast.unparse(node)


def test_skips_say_what_is_missing_and_the_cure() -> None:
    """By `tests.support.needs`, which gives every reason the form that the summary of a run shows."""
    assert offenders([path for path in FILES if path != NEEDS], skips) == {}


# ---------------------------------------------------------------------------------------------------- assertions


def asserts(test: Function) -> bool:
    """Whether a test can fail by what it finds: it asserts, expects an error, polls, or calls a check by that name."""
    for node in ast.walk(test):
        if isinstance(node, ast.Assert):
            return True
        if isinstance(node, ast.Call):
            name = called(node).rpartition(".")[2]
            if name.startswith(("assert", "check", "poll")) or called(node) in ("pytest.raises", "pytest.warns"):
                return True
    return False


def without_assertions(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, Function) and node.name.startswith("test_") and not asserts(node):
            yield node.name


def test_every_test_asserts() -> None:
    assert offenders(CASES, without_assertions) == {}


# ---------------------------------------------------------------------------------------------------- private names


@cache
def private_names() -> frozenset[str]:
    """Every name of agentobs that begins with one underscore."""
    names: set[str] = set()
    for path in Path(agentobs.__file__).parent.rglob("*.py"):
        for node in ast.walk(parsed(path)):
            if isinstance(node, Function | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.attr)
        module = [node for node in parsed(path).body if isinstance(node, ast.Assign | ast.AnnAssign)]
        names |= {node.id for part in module for node in ast.walk(part) if isinstance(node, ast.Name)}
    return frozenset(name for name in names if re.match(r"_[^_]", name)) - NOT_PRIVATE


def of_others(tree: ast.Module) -> set[str]:
    """Names that a file has from libraries: what is private there is no business of this rule."""
    result = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            result |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] not in ("agentobs", "tests"):
            result |= {alias.asname or alias.name for alias in node.names}
    return result - {"agentobs"}


def root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def touched(path: Path) -> Iterator[str]:
    """Private names of agentobs that a file reads, imports or replaces."""
    tree, private = parsed(path), private_names()
    others = of_others(tree) | {"self", "cls"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in private and root(node) not in others:
            yield ast.unparse(node)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("agentobs"):
            dotted = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            yield from (name for name in dotted if re.match(r"_[^_]", name))
        elif (
            isinstance(node, ast.Call)
            and called(node).rpartition(".")[2] in ("setattr", "delattr", "getattr")
            and root(node.args[0]) not in others
        ):
            texts = [a.value for a in node.args[:2] if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            yield from (text for text in texts if text.rpartition(".")[2] in private)


def test_nothing_private_is_touched() -> None:
    assert offenders(FILES, touched) == {}


# ---------------------------------------------------------------------------------------------------- helpers


def helpers(path: Path) -> Iterator[Function]:
    """The functions of a file that are no tests, without the trivial ones."""
    for node in parsed(path).body:
        if isinstance(node, Function) and not node.name.startswith("test_") and len(ast.dump(node)) > 400:
            yield node


def test_no_helper_stands_there_twice() -> None:
    where = defaultdict(set)
    for path in FILES:
        for node in helpers(path):
            where["\n".join(map(ast.dump, node.body))].add(f"{named(path)}: {node.name}")
    assert [sorted(places) for places in where.values() if len({place.split(":")[0] for place in places}) > 1] == []


def test_nothing_that_tests_share_is_unused() -> None:
    words = Counter(word for path in FILES for word in re.findall(r"\w+", path.read_text(encoding="utf-8")))
    shared = [node.name for path in FILES if SUPPORT in path.parents and path not in CASES for node in helpers(path)]
    assert [name for name in shared if words[name] < 2] == []


def test_imports_of_what_tests_share_lead_somewhere() -> None:
    modules = {path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".") for path in FILES}
    modules |= {module.removesuffix(".__init__") for module in modules} | {"tests"}
    for path in FILES:
        imported = [node.module or "" for node in ast.walk(parsed(path)) if isinstance(node, ast.ImportFrom)]
        assert {name for name in imported if re.match(r"tests\b", name)} <= modules, named(path)
