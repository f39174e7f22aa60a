"""The configs are accepted by the real binaries and hold together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentobs.catalogue import ATTRIBUTES
from agentobs.packs.collector import CollectorOptions, files
from agentobs.privacy.patterns import SECRET_NAME
from tests.support.stack import otelcol

Written = dict[str, dict[str, Path]]


@pytest.mark.parametrize("content", ["redact", "drop"])
@pytest.mark.parametrize(
    ("names", "distribution"),
    [
        (["agent.yaml"], "core"),
        (["agent.yaml"], "contrib"),
        (["agent.yaml", "agent-queue.yaml"], "contrib"),
        (["gateway.yaml"], "contrib"),
    ],
)
def test_the_collector_validates(names: list[str], distribution: str, content: str, written: Written) -> None:
    arguments = [f"--config={written[content][name]}" for name in names]
    done = otelcol("validate", *arguments, distribution=distribution)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["agent.yaml", "gateway.yaml"])
def test_memory_limiter_is_first_in_every_pipeline_that_takes_from_outside(name: str) -> None:
    config = yaml.safe_load(files()[name])
    outside = [p for p in config["service"]["pipelines"].values() if "otlp" in p["receivers"]]
    assert len(outside) == 3
    assert {pipeline["processors"][0] for pipeline in outside} == {"memory_limiter"}


@pytest.mark.parametrize("name", ["agent.yaml", "gateway.yaml"])
def test_every_part_is_used_or_can_be_chosen_by_the_environment(name: str) -> None:
    config: dict[str, Any] = yaml.safe_load(files()[name])
    pipelines = config["service"]["pipelines"].values()
    used = {
        part for p in pipelines for kind in ("receivers", "processors", "exporters") for part in _names(p.get(kind))
    }
    used |= set(config["service"]["extensions"])
    kinds = ("extensions", "receivers", "processors", "connectors", "exporters")
    defined = {part for kind in kinds for part in config.get(kind, {})}
    chosen_by_environment = {"prometheus", "prometheus_remote_write"}
    assert used <= defined
    assert defined - used <= chosen_by_environment


def _names(parts: list[str] | str | None) -> list[str]:
    if isinstance(parts, str):
        found = re.fullmatch(r"\$\{env:\w+:-\[(.*)\]\}", parts)
        assert found, parts
        return found[1].split(", ")
    return parts or []


def test_no_attribute_of_the_catalogue_is_taken_for_a_secret() -> None:
    taken = [a.name for a in ATTRIBUTES if re.search(SECRET_NAME, a.name)]
    assert taken == []


@pytest.mark.parametrize(
    "name",
    ["password", "http.request.header.authorization", "db.api_key", "API-KEY", "user.refresh_token", "Set-Cookie"],
)
def test_names_of_secrets_are_known(name: str) -> None:
    assert re.search(SECRET_NAME, name)


def test_unknown_content_option_names_the_allowed_ones() -> None:
    with pytest.raises(ValueError, match=r"content='keep' is not allowed; allowed are redact, drop"):
        CollectorOptions(content="keep")  # type: ignore[arg-type]


def test_the_same_options_give_the_same_bytes() -> None:
    assert files() == files()


@pytest.mark.parametrize("name", ["agent.yaml", "gateway.yaml"])
def test_nothing_listens_beyond_this_machine_unless_told(name: str) -> None:
    listening = re.findall(r"\$\{env:AGENTOBS_\w*LISTEN:-([^}]+)\}", files()[name])
    assert len(listening) == 4
    assert {address.rpartition(":")[0] for address in listening} == {"127.0.0.1"}


@pytest.mark.parametrize("name", ["agent.yaml", "gateway.yaml"])
def test_metrics_leave_one_way_unless_told(name: str) -> None:
    pipelines = yaml.safe_load(files()[name])["service"]["pipelines"]
    ways = {tuple(_names(p["exporters"])) for key, p in pipelines.items() if key.startswith("metrics")}
    assert [len(exporters) for exporters in ways] == [1]
