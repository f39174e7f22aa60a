"""Every query parses in both Prometheus versions and asks only for what the catalogue says is emitted."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest

from agentobs.catalogue import Conventions, metrics
from agentobs.packs import PackConfig
from agentobs.packs.names import NAMINGS, Naming
from tests.support.packs.boards import boards, filled, queries
from tests.support.stack import promtool

CONVENTIONS: tuple[Conventions, ...] = ("latest", "compat", "both")
VARIANTS = [PackConfig(naming=naming, conventions=each) for naming in NAMINGS for each in CONVENTIONS]


def name_of(config: PackConfig) -> str:
    return f"{config.naming}-{config.conventions}"


def rules(config: PackConfig) -> str:
    """A rule file with each query once, which is all that promtool of every version can read."""
    exprs = sorted({filled(asked.expr) for board in boards(config).values() for asked in queries(board)})
    rows = [{"record": f"query:{at}", "expr": expr} for at, expr in enumerate(exprs)]
    return json.dumps({"groups": [{"name": "queries", "rules": rows}]})


# UTF-8 names need Prometheus 3.
READERS = [
    pytest.param(version, config, id=f"{version}-{config.naming}-{config.conventions}")
    for version in (2, 3)
    for config in VARIANTS
    if version > 2 or config.naming not in ("utf8", "untranslated")
]


@pytest.mark.parametrize(("version", "config"), READERS)
def test_promtool_reads_every_query(version: int, config: PackConfig, tmp_path: Path) -> None:
    file = tmp_path / "rules.json"
    file.write_text(rules(config))
    result = promtool(version, "check", "rules", file)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("config", [PackConfig(conventions=each) for each in CONVENTIONS], ids=name_of)
def test_every_series_and_label_is_in_the_catalogue(config: PackConfig) -> None:
    known = {series: row for row in metrics(config.conventions) for series in row.series}
    exprs = [asked.expr for board in boards(config).values() for asked in queries(board)]
    variables = [
        variable["definition"]
        for board in boards(config).values()
        for variable in board["templating"]["list"]
        if variable["type"] == "query"
    ]
    for expr in itertools.chain(exprs, variables):
        bare = re.sub(r'"(\\.|[^"\\])*"', '""', expr)
        selectors = re.findall(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", bare)
        for series, matchers in selectors:
            if series == "ALERTS":
                continue
            labels = {label.label for label in known[series].labels}
            asked = {matcher.split("=")[0].split("!")[0] for matcher in matchers.split(",")}
            assert asked <= labels | {"job", "le"}, expr
        named = set(re.findall(r"\b(?:agentobs|gen_ai)_\w+", bare))
        labels_of_all = {label.label for row in known.values() for label in row.labels}
        assert named <= set(known) | labels_of_all, expr


@pytest.mark.parametrize("naming", NAMINGS)
def test_the_service_label_is_the_users_choice(naming: Naming) -> None:
    config = PackConfig(naming=naming, service_label="service_name")
    for board in boards(config).values():
        for asked in queries(board):
            assert 'service_name=~"$service' in asked.expr
            assert "job" not in re.findall(r"\w+", asked.expr)
