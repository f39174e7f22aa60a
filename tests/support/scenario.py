"""Something of everything that makes a metric, and reading expositions."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import openai
import pybreaker
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

import agentobs
from tests.support import model

Series = tuple[str, frozenset[tuple[str, str]]]


def play(breaker: str = "payments") -> pybreaker.CircuitBreaker:
    """Calls of every kind and ending, and every verb, once or twice each; gives the breaker of that name, to be kept."""
    api = model.client()
    with agentobs.agent("support", conversation_id="c1"):
        for number in (1, 2, 30):
            api.chat.completions.create(**model.ask(number))
        with contextlib.suppress(openai.BadRequestError):
            api.chat.completions.create(**model.ask(model.REFUSED))
        for _ in api.chat.completions.create(**model.ask(5), stream=True):
            pass
        with api.chat.completions.create(**model.ask(77), stream=True) as left:
            next(iter(left))
        api.embeddings.create(model="text-embedding-3-small", input="x")
        with agentobs.tool("search"):
            agentobs.decision("route", "refund", confidence=0.7, confidence_source="verifier")
        agentobs.decision("route", "ask", outcome="escalated")
        with agentobs.fallback("answer", reason="timeout", origin=model.NAME, target="claude-haiku-4-5"):
            agentobs.notice("fallback")
        agentobs.feedback(label="up", value=0.9)
    with agentobs.agent("cheap"):
        api.chat.completions.create(**model.ask(8))
    model.client(_unheard_of).chat.completions.create(**model.ask(4))
    with contextlib.suppress(ValueError), agentobs.agent("failing"):
        raise ValueError
    return trip(breaker)


def _unheard_of(request: Any) -> Any:
    """The answer of a model that no price table knows."""
    answered = json.loads(model.answer(request).content)
    return model.http.Response(200, json=answered | {"model": "unheard-of"})


def trip(name: str) -> pybreaker.CircuitBreaker:
    """A breaker with a success, failures and a rejected call behind it."""
    breaker = pybreaker.CircuitBreaker(fail_max=2, name=name)
    breaker.call(int)
    for _ in range(3):
        with contextlib.suppress(ValueError, pybreaker.CircuitBreakerError):
            breaker.call(int, "no number")
    assert breaker.current_state == "open"
    return breaker


def exposition(registry: CollectorRegistry) -> str:
    """What a scrape of `registry` gets in the classic text format."""
    text: bytes = generate_latest(registry)
    return text.decode()


def series(text: str, keep: Callable[[str], bool] = lambda name: True) -> dict[Series, float]:
    """Every series of an exposition. An empty label is an absent one, `le` a number, and scope labels are left out."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = {name: value for name, value in sample.labels.items() if value and not name.startswith("otel_")}
            if "le" in labels:
                labels["le"] = str(float(labels["le"]))
            if keep(sample.name):
                key = (sample.name, frozenset(labels.items()))
                assert key not in found, f"{key} is exposed twice"
                found[key] = sample.value
    return found


def families(text: str) -> dict[str, tuple[str, str]]:
    """Type and help of each metric."""
    return {family.name: (family.type, family.documentation) for family in text_string_to_metric_families(text)}


def total(text: str, name: str, **labels: str) -> float:
    """The sum of the series of this name that have these labels."""
    wanted: Any = set(labels.items())
    return sum(value for (found, has), value in series(text).items() if found == name and wanted <= has)
