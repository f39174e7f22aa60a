"""A rating counts once, a changed mind changes the figures, and what is withdrawn is gone."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from agentobs.testing import Captured
from tests.support.endpoint.serving import serving
from tests.support.endpoint.stores import rows
from tests.support.endpoint.twins import ASGI, SECRET, WSGI, Twin, token


def current(seen: Captured) -> dict[str, float]:
    """How many ratings hold now, by label: received plus in minus out."""
    totals: dict[str, float] = {}
    signs = {"agentobs.feedback.received": {None: 1}, "agentobs.feedback.revised": {"in": 1, "out": -1}}
    for point in seen.points:
        sign = signs.get(point.name, {}).get(point.attributes.get("agentobs.feedback.direction"))
        if sign is not None:
            label = str(point.attributes.get("gen_ai.evaluation.score.label"))
            totals[label] = totals.get(label, 0) + sign * point.value
    return {label: total for label, total in totals.items() if total}


def ratings(seen: Captured) -> float:
    """How many scores hold now."""
    name = "agentobs.feedback.revised.score"
    scores = seen.value("agentobs.feedback.score")
    scores += seen.value(name, agentobs_feedback_direction="in")
    return scores - seen.value(name, agentobs_feedback_direction="out")


def stores(tmp_path: Path) -> list[dict[str, Any]]:
    return [{}, {"store": f"sqlite:///{tmp_path}/feedback.db"}]


@pytest.mark.parametrize("with_store", [False, True])
def test_up_then_down_is_one_thumb_down(kind, seen: Captured, tmp_path: Path, with_store: bool) -> None:  # type: ignore[no-untyped-def]
    twin, made = kind(**stores(tmp_path)[with_store]), token()
    for label in ("thumbs_up", "thumbs_down"):
        assert twin.post({"token": made, "label": label}).status == 202
    assert current(seen) == {"thumbs_down": 1}
    assert ratings(seen) == 1
    assert seen.value("agentobs.feedback.received") == 1


@pytest.mark.parametrize("with_store", [False, True])
def test_a_comment_that_follows_a_click_changes_no_figure(
    kind,  # type: ignore[no-untyped-def]
    seen: Captured,
    tmp_path: Path,
    with_store: bool,
) -> None:
    twin, made = kind(**stores(tmp_path)[with_store]), token()
    twin.post({"token": made, "label": "thumbs_down"})
    twin.post({"token": made, "label": "thumbs_down", "comment": "too slow"})
    assert current(seen) == {"thumbs_down": 1}
    assert seen.value("agentobs.feedback.revised") == 0
    assert [event.attributes.get("gen_ai.evaluation.explanation") for event in seen.events] == [None, "too slow"]


@pytest.mark.parametrize("with_store", [False, True])
def test_a_rating_may_be_withdrawn_and_given_again(
    kind,  # type: ignore[no-untyped-def]
    seen: Captured,
    tmp_path: Path,
    with_store: bool,
) -> None:
    options = stores(tmp_path)[with_store]
    twin, made = kind(**options), token()
    twin.post({"token": made, "label": "thumbs_down", "comment": "my name is Bob", "correction": "Ask Bob."})
    assert twin.post({"token": made, "withdraw": True}).status == 202
    assert (current(seen), ratings(seen)) == ({}, 0)
    assert seen.events[-1].attributes["agentobs.feedback.withdrawn"] is True
    assert "gen_ai.evaluation.score.label" not in seen.events[-1].attributes
    if with_store:
        (kept,) = rows(options["store"])
        assert (kept.value, kept.label, kept.comment, kept.correction) == (None, None, None, None)
        assert kept.withdrawn_s is not None
    assert twin.post({"token": made, "label": "thumbs_up"}).status == 202
    assert (current(seen), ratings(seen)) == ({"thumbs_up": 1}, 1)
    assert seen.value("agentobs.feedback.accepted", agentobs_feedback_arrival="withdrawn") == 1


def test_a_rating_that_was_never_given_may_be_withdrawn(twin: Twin, seen: Captured) -> None:
    assert twin.post({"token": token(), "withdraw": True, "name": "stars"}).status == 202
    assert current(seen) == {}
    assert seen.value("agentobs.feedback.received") == 0


def test_a_revision_is_counted_as_whose_the_first_one_was(twin: Twin, seen: Captured) -> None:
    import agentobs

    with agentobs.agent("support") as scope:
        early = agentobs.feedback_token(secret=SECRET)
        scope.run.request_model = "gpt-4.1-mini"
        late = agentobs.feedback_token(secret=SECRET)
    twin.post({"token": early, "label": "thumbs_up"})
    twin.post({"token": late, "label": "thumbs_down"})
    models = {point.attributes.get("gen_ai.request.model") for point in seen.points if "feedback.re" in point.name}
    assert models == {None}


def test_free_labels_of_a_revision_stay_out_of_the_metrics(kind, seen: Captured) -> None:  # type: ignore[no-untyped-def]
    twin, made = kind(labels=["outdated"]), token()
    for label in ("made up", "outdated", "made up too"):
        twin.post({"token": made, "label": label})
    assert current(seen) == {"_other": 1}


# --- without a store, in several processes ---
def test_a_receipt_tells_another_process_what_was_counted(seen: Captured) -> None:
    one, other, made = ASGI(), WSGI(), token()
    first = one.post({"token": made, "label": "thumbs_up"}).json
    second = other.post({"token": made, "label": "thumbs_down", "receipt": first["receipt"]}).json
    third = one.post({"token": made, "label": "thumbs_down", "comment": "no", "receipt": second["receipt"]})
    assert third.status == 202
    assert current(seen) == {"thumbs_down": 1}
    assert [event.attributes.get("agentobs.feedback.revision", 0) for event in seen.events] == [0, 1, 2]


@pytest.mark.parametrize("receipt", ["", "x", "a.b.c"])
def test_a_receipt_that_is_none_is_not_believed(twin: Twin, seen: Captured, receipt: str) -> None:
    assert twin.post({"token": token(), "label": "thumbs_up", "receipt": receipt}).status == 202
    assert current(seen) == {"thumbs_up": 1}


def test_a_receipt_or_a_token_is_not_good_for_the_other(twin: Twin, seen: Captured) -> None:
    made = token()
    receipt = twin.post({"token": made, "label": "thumbs_up"}).json["receipt"]
    assert twin.post({"token": receipt, "label": "thumbs_up"}).problem == "forged"
    other = token()
    for wrong in (receipt, other):
        assert twin.post({"token": other, "label": "thumbs_up", "id": wrong[:5], "receipt": wrong}).status == 202
    assert current(seen) == {"thumbs_up": 3}


def test_click_and_comment_count_once_under_four_workers(tmp_path: Path) -> None:
    env = {
        "FEEDBACK_OPTIONS": json.dumps({"secret": SECRET, "per_address": 10_000}),
        "FEEDBACK_METRICS": "prometheus",
        "PROMETHEUS_MULTIPROC_DIR": str(tmp_path),
    }
    with serving("tests.support.endpoint.apps:wsgi", "gunicorn-workers", env) as port:
        base = f"http://127.0.0.1:{port}"

        def rate(number: int) -> None:
            rating = {"token": requests.get(base, timeout=30).text, "label": "thumbs_down"}
            answer = requests.post(f"{base}/feedback", json=rating, timeout=30).json()
            with_comment = {**rating, "comment": f"number {number}", "receipt": answer["receipt"]}
            assert requests.post(f"{base}/feedback", json=with_comment, timeout=30).status_code == 202

        with ThreadPoolExecutor(4) as visitors:
            list(visitors.map(rate, range(40)))
        registry = CollectorRegistry()
        MultiProcessCollector(registry, path=str(tmp_path))
        received = [metric for metric in registry.collect() if metric.name == "agentobs_feedback_received"]
    workers = {name.rpartition("_")[2] for name in os.listdir(tmp_path)}
    assert len(workers) > 2
    assert [sample.value for metric in received for sample in metric.samples if sample.name.endswith("_total")] == [40]
