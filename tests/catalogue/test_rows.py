"""Rows of the catalogue are enforced: labels go by attribute, and what a row does not declare is an error."""

from __future__ import annotations

import dataclasses

import pytest

from agentobs import catalogue
from agentobs.catalogue import Attribute, Kind, Metric, Span, genai, own
from agentobs.catalogue.values import LEVELS
from agentobs.emit.sinks import Instruments

ONE = Attribute("one", "string", "The first.", bound=5)
TWO = Attribute("two", "string", "The second.", bound=5)
COUNTER = Metric("things", Kind.COUNTER, "{thing}", "Things.", (ONE, TWO))


@pytest.mark.parametrize("metric", catalogue.METRICS, ids=lambda metric: metric.name)
def test_the_order_of_a_metrics_labels_does_not_matter(metric: Metric) -> None:
    given = {label: label.values[0] if label.values else label.name for label in metric.labels}
    turned = dataclasses.replace(metric, labels=metric.labels[::-1])
    assert dict(zip(metric.labels, metric.bind(given), strict=True)) == given
    assert dict(zip(turned.labels, turned.bind(given), strict=True)) == given


def test_a_label_that_is_left_out_is_absent() -> None:
    assert COUNTER.bind({TWO: "b"}) == (None, "b")


def test_a_label_that_the_row_does_not_declare_is_an_error() -> None:
    instruments = Instruments((), frozenset({COUNTER}))
    with pytest.raises(LookupError, match=r"things does not declare agentobs\.outcome; add it to the row"):
        instruments.add(COUNTER, {ONE: "a", own.OUTCOME: "success"})
    with pytest.raises(LookupError, match="things does not declare"):
        instruments.observe(COUNTER, {own.OUTCOME: "success"})


def test_a_span_is_named_by_its_row() -> None:
    assert genai.INFERENCE.named({genai.OPERATION: "chat", genai.REQUEST_MODEL: "m"}) == "chat m"
    assert genai.INFERENCE.named({genai.OPERATION: "chat", genai.REQUEST_MODEL: None}) == "chat"


def test_a_span_cannot_be_named_after_what_it_does_not_carry() -> None:
    with pytest.raises(ValueError, match="two is no attribute of the row"):
        Span("{one} {two}", "client", "A span.", (ONE,))


def test_closed_sets_have_one_source() -> None:
    assert own.DEGRADATION.values == LEVELS
    assert set(own.ERROR_CLASS.values) <= set(own.FALLBACK_REASON.values)
