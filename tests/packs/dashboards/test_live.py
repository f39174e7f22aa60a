"""Every query of every panel, variable and annotation on a real Prometheus, with ordinary and with hostile labels."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import pytest

from agentobs.catalogue import genai, own
from agentobs.packs import PackConfig
from agentobs.packs.figures import calls
from tests.support.packs.boards import Asked, asked, boards, filled
from tests.support.packs.program import CONFIG, scraped
from tests.support.stack import loopback, poll, prometheus
from tests.support.stack.servers import Prometheus

HOSTILE = ('say "hi"', "back\\slash", "größe 模型 🤖", "a{b}=~c", "$model", ".*", "two\nlines", "x" * 300)
BOTH = pytest.mark.parametrize("version", [2, 3])


@pytest.fixture(scope="module", params=[2, 3])
def server(request: pytest.FixtureRequest) -> Iterator[Prometheus]:
    # The empty name stands for calls outside of any agent.
    with scraped(request.param, ["gpt-5", ""]) as running:
        yield running


def needs_more(one: Asked) -> bool:
    """A query that is right to be empty here: it wants a week of history, or an alert that fires."""
    return "offset 7d" in one.expr or "ALERTS" in one.expr


@pytest.mark.parametrize("one", [pytest.param(one, id=one.where) for one in asked()])
def test_a_query_returns_data(one: Asked, server: Prometheus) -> None:
    found = server.query(filled(one.expr, interval="8s"))
    assert needs_more(one) or any(math.isfinite(float(row["value"][1])) for row in found)


def listed(server: Prometheus, definition: str) -> set[str]:
    """The values of a variable, asked for as Grafana does."""
    among, _, label = definition.removeprefix("label_values(").removesuffix(")").rpartition(", ")
    return set(server.api(f"label/{label}/values", **{"match[]": filled(among)}))


def definitions() -> dict[str, str]:
    return {row["name"]: row["definition"] for row in boards()["overview"]["templating"]["list"][1:]}


def test_variables_list_what_is_there(server: Prometheus) -> None:
    assert {name: listed(server, text) for name, text in definitions().items()} == {
        "service": {"support"},
        "agent": {"gpt-5"},
        "provider": {"gpt-5"},
        "model": {"gpt-5"},
    }


def chosen(value: str) -> str:
    """The value as Grafana 12 and later writes it into a regular expression (escaping.ts of @grafana/prometheus)."""
    value = value.replace("\\", "\\" * 4).replace('"', '\\\\\\"')
    return re.sub(r"[$^*{}\[\]'+?.()|]", r"\\\\\g<0>", value)


@BOTH
def test_hostile_names_break_no_query_and_no_list(version: int) -> None:
    with scraped(version, [*HOSTILE, ""]) as server:
        # In Prometheus 2 a dot does not match a line break: such a name is left out there, and breaks nothing.
        assert listed(server, definitions()["model"]) >= {name for name in HOSTILE if "\n" not in name}
        for one in asked():
            found = server.query(filled(one.expr, interval="8s"))
            assert found or needs_more(one), one.where
        by_model = 'count by (gen_ai_request_model) (agentobs_calls_total{gen_ai_request_model=~"%s"})'
        for name in HOSTILE:
            # Grafana does not escape a line break, so such a name can be seen but not chosen.
            if "\n" not in name:
                (row,) = server.query(by_model % chosen(name))
                assert row["metric"]["gen_ai_request_model"] == name


@BOTH
def test_ten_thousand_models_are_listed_and_drawn(version: int) -> None:
    def line(at: int) -> str:
        return f'{own.CALLS.prom}{{{genai.PROVIDER.label}="p",{genai.REQUEST_MODEL.label}="model-{at}"}} 1\n'

    many = "".join(line(at) for at in range(10_000))
    with loopback(many) as page, prometheus(version, CONFIG.format(port=page.port)) as server:
        poll(lambda: server.query(f"count_over_time({line(0).split('}')[0]}}}[1m]) > 2"), "three scrapes")
        assert len(listed(server, definitions()["model"])) == 10_000
        (curve,) = calls.by_model(PackConfig()).panel("graph", PackConfig()).queries
        assert len(server.query(filled(curve.expr.render(), interval="8s"))) == 10_000
