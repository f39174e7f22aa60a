"""Queries say what they should, and what cannot be right is refused while it is built."""

from __future__ import annotations

import pytest

from agentobs.catalogue import genai, own
from agentobs.packs import promql as q
from agentobs.packs.names import JOB, NAMINGS, Naming, alert_value, equals, legend, like, metric_name, none_of

FAILED = equals(own.OUTCOME, "error")


@pytest.mark.parametrize(
    ("naming", "text"),
    [
        ("default", 'sum by (gen_ai_provider_name) (rate(agentobs_calls_total{agentobs_outcome="error"}[5m]))'),
        ("no-suffix", 'sum by (gen_ai_provider_name) (rate(agentobs_calls{agentobs_outcome="error"}[5m]))'),
        ("utf8", 'sum by ("gen_ai.provider.name") (rate({"agentobs.calls_total","agentobs.outcome"="error"}[5m]))'),
        ("untranslated", 'sum by ("gen_ai.provider.name") (rate({"agentobs.calls","agentobs.outcome"="error"}[5m]))'),
    ],
)
def test_one_expression_is_written_under_each_naming(naming: Naming, text: str) -> None:
    assert q.sum_by(q.rate(own.CALLS, "5m", FAILED), genai.PROVIDER).render(naming) == text


@pytest.mark.parametrize(
    ("naming", "name"),
    [
        ("default", "gen_ai_client_inference_duration_seconds_bucket"),
        ("no-suffix", "gen_ai_client_inference_duration_bucket"),
        ("utf8", "gen_ai.client.inference.duration_seconds_bucket"),
        ("untranslated", "gen_ai.client.inference.duration_bucket"),
    ],
)
def test_a_histogram_has_its_unit_and_part_in_its_name(naming: Naming, name: str) -> None:
    assert metric_name(genai.INFERENCE_DURATION, "bucket", naming) == name


def test_templates_name_a_label_under_each_naming() -> None:
    assert [alert_value(genai.PROVIDER, naming) for naming in NAMINGS] == [
        "{{ $labels.gen_ai_provider_name }}",
        "{{ $labels.gen_ai_provider_name }}",
        '{{ index $labels "gen_ai.provider.name" }}',
        '{{ index $labels "gen_ai.provider.name" }}',
    ]
    assert [legend(genai.PROVIDER, naming) for naming in NAMINGS] == [
        "{{gen_ai_provider_name}}",
        "{{gen_ai_provider_name}}",
        "{{gen_ai.provider.name}}",
        "{{gen_ai.provider.name}}",
    ]


def test_a_share_is_zero_without_its_part_and_nothing_without_its_whole() -> None:
    calls = q.sum_by(q.rate(own.CALLS, "5m"))
    failed = q.sum_by(q.rate(own.CALLS, "5m", FAILED))
    assert q.share(failed, calls).render() == (
        '(sum(rate(agentobs_calls_total{agentobs_outcome="error"}[5m])) or (sum(rate(agentobs_calls_total[5m])) * 0))'
        " / (sum(rate(agentobs_calls_total[5m])) > 0)"
    )


def test_labelled_vectors_match_on_named_labels() -> None:
    by_provider = q.sum_by(q.rate(own.COST, "5m"), genai.PROVIDER)
    assert " / on (gen_ai_provider_name) " in (by_provider / by_provider).render()
    assert (
        " / on () group_left () "
        in q.match("/", by_provider, q.sum_by(q.rate(own.COST, "5m")), on=(), many="left").render()
    )


def test_a_quantile_keeps_le_inside() -> None:
    text = q.quantile(0.95, genai.INFERENCE_DURATION, "5m", by=(genai.PROVIDER,)).render()
    assert text.startswith("histogram_quantile(0.95, sum by (gen_ai_provider_name, le) (rate(")


def test_strings_and_regular_expressions_are_escaped() -> None:
    assert 'x\\"y\\\\z\\n' in q.rate(own.COST, "5m", equals(genai.REQUEST_MODEL, 'x"y\\z\n')).render()
    assert '"a\\\\.b\\\\|c|d"' in q.rate(own.COST, "5m", none_of(genai.REQUEST_MODEL, "a.b|c", "d")).render()


def test_a_bucket_of_a_whole_number_matches_both_ways_to_write_it() -> None:
    assert q.at_most(10.24, genai.INFERENCE_DURATION).render("default") == 'le="10.24"'
    assert q.at_most(1024, genai.CALL_INPUT_TOKENS).render("default") == r'le=~"1024(\\.0)?"'


def test_a_recorded_series_has_the_labels_of_its_expression() -> None:
    calls = q.Recorded("agentobs:calls:rate5m", q.sum_by(q.rate(own.CALLS, "5m"), JOB), "Calls a second.")
    assert q.read(calls, like(JOB, "$service")).render("utf8") == 'agentobs:calls:rate5m{job=~"$service"}'
    with pytest.raises(ValueError, match="have only job"):
        q.sum_by(q.read(calls), genai.PROVIDER)


def test_what_cannot_be_right_is_refused() -> None:
    calls = q.sum_by(q.rate(own.CALLS, "5m"))
    by_provider = q.sum_by(q.rate(own.CALLS, "5m"), genai.PROVIDER)
    with pytest.raises(ValueError, match="read it through rate or increase"):
        q.read(own.CALLS)
    with pytest.raises(ValueError, match="rate is for counters"):
        q.rate(own.BREAKER_STATES, "5m")
    with pytest.raises(ValueError, match=r"agentobs\.cost\.usd has no label agentobs\.outcome"):
        q.rate(own.COST, "5m", FAILED)
    with pytest.raises(ValueError, match="never 'eror'; allowed: success, error"):
        equals(own.OUTCOME, "eror")
    with pytest.raises(ValueError, match="the series have only"):
        q.sum_by(q.rate(own.COST, "5m"), own.OUTCOME)
    with pytest.raises(ValueError, match="name what to match on"):
        by_provider / calls
    with pytest.raises(ValueError, match="no window of time; allowed"):
        q.rate(own.COST, "5 minutes")
    with pytest.raises(ValueError, match="bucket, sum or count"):
        q.rate(genai.INFERENCE_DURATION, "5m")
    with pytest.raises(ValueError, match="has no bucket at 3; allowed"):
        q.at_most(3, genai.INFERENCE_DURATION)
    with pytest.raises(ValueError, match="0 would stand for one of many"):
        q.or_zero(by_provider)
