"""Each naming of the packs is what a real Prometheus makes of the names under the translation strategy of that naming."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from agentobs import catalogue
from agentobs.catalogue import Metric, genai, own
from agentobs.cli import main
from agentobs.packs.names import NAMINGS, Naming, label_name, metric_name
from tests.support.process.programs import run
from tests.support.stack import poll, prometheus

STRATEGIES: dict[Naming, str] = {
    "default": "UnderscoreEscapingWithSuffixes",
    "no-suffix": "UnderscoreEscapingWithoutSuffixes",
    "utf8": "NoUTF8EscapingWithSuffixes",
    "untranslated": "NoTranslation",
}
PROGRAM = """
    import agentobs
    from tests.support.scenario import play
    with agentobs.instrument() as handle:
        play()
        handle.flush()
        kept = play()
        handle.flush()
"""


def series(metric: Metric, naming: Naming) -> set[str]:
    parts = ("bucket", "sum", "count") if metric.kind is catalogue.Kind.HISTOGRAM else ("",)
    return {metric_name(metric, part, naming) for part in parts}


@pytest.mark.parametrize("naming", NAMINGS)
def test_names_are_those_of_prometheus(naming: Naming, tmp_path: Path) -> None:
    assert main(["generate", "alerts", "--naming", naming, "--out", str(tmp_path)]) == 0
    rules = yaml.safe_load((tmp_path / "alerts" / "rules.yaml").read_text())["groups"][0]["rules"]
    (calls,) = (rule["expr"] for rule in rules if rule["record"] == "agentobs:calls:rate5m")
    with prometheus(3, f"otlp: {{translation_strategy: {STRATEGIES[naming]}}}") as server:
        run(
            PROGRAM,
            OTEL_SERVICE_NAME="support",
            OTEL_EXPORTER_OTLP_METRICS_ENDPOINT=f"{server.url}/api/v1/otlp/v1/metrics",
        )
        assert poll(lambda: server.query(calls), "what a recording rule reads")[0]["metric"] == {"job": "support"}
        names = set(server.api("label/__name__/values"))
        labels = set(server.api("labels"))
    known = {name: metric for metric in catalogue.metrics() for name in series(metric, naming)}
    sent = {name for name in names if name.startswith(("agentobs", "gen_ai")) and ":" not in name}
    assert sent <= set(known)
    assert len({known[name] for name in sent}) > 25
    assert {label_name(label, naming) for name in sent for label in known[name].labels} <= labels


def test_the_table_in_the_document_is_true() -> None:
    """alerts/README.md names each strategy with its naming, and shows one metric and one label."""
    text = (Path(__file__).parents[2] / "alerts" / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w+)(?:, the default)? \| `([\w-]+)`.* \| (.*) \|$", text, re.MULTILINE)
    shown = {
        naming: f"`{metric_name(own.CALLS, '', naming)}`, `{label_name(genai.PROVIDER, naming)}`" for naming in NAMINGS
    }
    assert rows == [(STRATEGIES[naming], naming, shown[naming]) for naming in NAMINGS]
