"""Anthropic's client traces its own calls: with agentobs there is still one span for each, and the same trace headers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.clients import native

_NATIVE, _OURS = "com.anthropic.sdk.python", "agentobs"
_MODEL_CALLS = [
    *[f"sync {name}" for name in native.SYNC if name not in ("tools", "count tokens")],
    *[f"async {name}" for name in native.ASYNC if name != "count tokens"],
]
_UNTRACED, _UNTRACED_OURS, *_TRACED = [" ".join(native.STEPS[: taken + 1]) for taken in range(len(native.STEPS))]
orders = pytest.mark.parametrize("order", [steps for steps in _TRACED if steps.rfind("uni") < steps.rfind(" instr")])
"""The steps after which both agentobs and the program's tracer provider are there."""


@pytest.fixture(scope="module")
def traced() -> Any:
    """What the program has traced, by the steps that it had taken and by its calls."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "ANTHROPIC_"))}
    run = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", "-m", native.__name__],
        cwd=Path(__file__).parents[3],
        env=environment | {"AGENTOBS_STRICT": "true"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture
def without(traced: Any) -> Any:
    """What the same calls are without agentobs, which had been there before."""
    return traced[_TRACED[3]]


def scopes(call: Any) -> list[str]:
    return [span["scope"] for span in call["spans"]]


@orders
def test_a_call_has_one_span(traced: Any, without: Any, order: str) -> None:
    for name in _MODEL_CALLS:
        call = traced[order][name]
        assert scopes(without[name]) == [_NATIVE], name
        assert scopes(call) == [_OURS], name
        assert [call["spans"][0]["parent"]] == call["work"], name


@orders
def test_the_trace_header_is_sent_as_before_and_names_our_span(traced: Any, without: Any, order: str) -> None:
    for name in _MODEL_CALLS:
        call, before = traced[order][name], without[name]
        assert before["traceparent"] == [before["spans"][0]["header"]] * len(before["traceparent"]), name
        assert call["traceparent"] == [call["spans"][0]["header"]] * len(before["traceparent"]), name


@orders
def test_what_is_no_model_call_keeps_the_client_s_span(traced: Any, without: Any, order: str) -> None:
    for name in ("sync count tokens", "async count tokens"):
        call = traced[order][name]
        assert scopes(call) == scopes(without[name]) == [_NATIVE]
        assert call["traceparent"] == [call["spans"][0]["header"]]


@orders
def test_a_tool_runner_keeps_its_spans_and_has_our_calls_in_them(traced: Any, without: Any, order: str) -> None:
    call, before = traced[order]["sync tools"], without["sync tools"]
    assert [span["name"] for span in call["spans"] if span["scope"] == _NATIVE] == [
        span["name"] for span in before["spans"] if span["name"] != "anthropic.messages.create"
    ]
    (runner,) = [span for span in call["spans"] if span["name"] == "anthropic.messages.tool_runner"]
    ours = [span for span in call["spans"] if span["scope"] == _OURS]
    assert [span["parent"] for span in ours] == [runner["id"]] * 2


@orders
def test_a_client_with_a_tracer_provider_of_its_own_still_gets_its_span_there(traced: Any, order: str) -> None:
    call = traced[order]["own create"]
    (ours,), (own,) = call["spans"], call["own"]
    assert (ours["scope"], own["scope"]) == (_OURS, _NATIVE)
    assert own["parent"] == ours["id"]
    assert call["traceparent"] == [own["header"]]


@orders
def test_a_client_that_is_told_not_to_trace_sends_no_header(traced: Any, without: Any, order: str) -> None:
    call = traced[order]["silent create"]
    assert scopes(call) == [_OURS]
    assert call["traceparent"] == without["silent create"]["traceparent"] == [None]


def test_uninstrument_gives_clients_their_spans_back(traced: Any) -> None:
    # These clients were made, and used, while agentobs was there.
    call = traced[next(steps for steps in _TRACED if steps.endswith("uninstrument"))]
    assert [scopes(call[name]) for name in _MODEL_CALLS] == [[_NATIVE]] * len(_MODEL_CALLS)


def test_without_a_tracer_provider_no_header_appears(traced: Any) -> None:
    for steps in (_UNTRACED, _UNTRACED_OURS):
        for name, call in traced[steps].items():
            assert name == "own create" or set(call["traceparent"]) == {None}, (steps, name)
