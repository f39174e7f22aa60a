"""Services that stay as they are, drawn at random: nothing fires, at volumes at which chance looks like change."""

from __future__ import annotations

import itertools
import random
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentobs.catalogue import genai
from agentobs.packs import build
from tests.support.stack import promtool

SERVICES = range(8)
DAY_MINUTES = 1440


def totals(amounts: list[float]) -> str:
    """A counter that grows by the amounts."""
    return " ".join(f"{total:g}" for total in itertools.accumulate(amounts))


def arrivals(draw: random.Random, per_hour: float, minutes: int) -> list[int]:
    """How many came in each minute, at random."""
    counts = [0] * minutes
    at = draw.expovariate(per_hour / 60)
    while at < minutes:
        counts[int(at)] += 1
        at += draw.expovariate(per_hour / 60)
    return counts


def calls(draw: random.Random, job: str, minutes: int) -> Iterator[tuple[str, str]]:
    """Forty calls an hour of one model: durations and tokens with a long tail."""
    labels = f'job="{job}",gen_ai_provider_name="openai",gen_ai_request_model="gpt-6"'
    counts = arrivals(draw, 40, minutes)
    drawn = [[draw.lognormvariate(0.7, 1.2) for _ in range(count)] for count in counts]
    yield f'agentobs_calls_total{{{labels},agentobs_outcome="success"}}', totals([float(count) for count in counts])
    tokens = [sum(int(100 * one) for one in minute) for minute in drawn]
    yield f'agentobs_tokens_total{{{labels},agentobs_token_kind="output"}}', totals([float(t) for t in tokens])
    bounds = [*genai.CALL_SECONDS, float("inf")]
    for at, bound in enumerate(bounds):
        within = [float(sum(bisect_left(bounds, one) <= at for one in minute)) for minute in drawn]
        le = "+Inf" if at == len(genai.CALL_SECONDS) else f"{bound:g}"
        yield f'gen_ai_client_inference_duration_seconds_bucket{{{labels},le="{le}"}}', totals(within)


def decisions(draw: random.Random, job: str, minutes: int) -> Iterator[tuple[str, str]]:
    """Thirty decisions an hour, a quarter of them escalated."""
    counts = arrivals(draw, 30, minutes)
    escalated = [sum(draw.random() < 0.25 for _ in range(count)) for count in counts]
    alone = [count - part for count, part in zip(counts, escalated, strict=True)]
    for outcome, amounts in (("escalated", escalated), ("autonomous", alone)):
        name = (
            f'agentobs_decisions_total{{job="{job}",gen_ai_agent_name="triage",agentobs_decision_outcome="{outcome}"}}'
        )
        yield name, totals([float(one) for one in amounts])


def ratings(draw: random.Random, job: str, steps: int) -> Iterator[tuple[str, str]]:
    """Thirty ratings a day in steps of half an hour, four fifths of them good."""
    counts = arrivals(draw, 60 * 30 / 48, steps)
    good = [sum(draw.random() < 0.8 for _ in range(count)) for count in counts]
    labels = f'job="{job}",gen_ai_evaluation_name="thumbs",agentobs_feedback_source="end_user"'
    yield f"agentobs_feedback_score_count{{{labels}}}", totals([float(one) for one in counts])
    yield f"agentobs_feedback_score_sum{{{labels}}}", totals([float(one) for one in good])


def only(names: set[str], folder: Path) -> None:
    """The rules of these alerts, and all that are recorded."""
    for path, text in build(what="alerts").items():
        if path.endswith(".yaml"):
            content = yaml.safe_load(text)
            for group in content["groups"]:
                group["rules"] = [rule for rule in group["rules"] if rule.get("alert", "") in {"", *names}]
            (folder / Path(path).name).write_text(yaml.safe_dump(content))


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(
    ("make", "step", "steps", "since", "names"),
    [
        (calls, "1m", 2 * DAY_MINUTES, 25 * 60, {"AgentObsLatencyGrowth", "AgentObsTokensPerCall"}),
        (decisions, "1m", DAY_MINUTES, 60, {"AgentObsEscalationShare"}),
        (ratings, "30m", 10 * 48, 8 * DAY_MINUTES, {"AgentObsFeedbackDrop"}),
    ],
)
def test_nothing_fires_where_nothing_changes(
    make: Any, step: str, steps: int, since: int, names: set[str], seed: int, tmp_path: Path
) -> None:
    draw = random.Random(seed)
    minutes = steps * int(step[:-1])
    case = {
        "interval": step,
        "input_series": [
            {"series": series, "values": values}
            for service in SERVICES
            for series, values in make(draw, f"service-{service}", steps)
        ],
        "alert_rule_test": [
            {"eval_time": f"{at}m", "alertname": name} for at in range(since, minutes, 30) for name in sorted(names)
        ],
    }
    only(names, tmp_path)
    test = tmp_path / "test.yaml"
    rules = {"rule_files": ["rules.yaml", "alerts.yaml"], "evaluation_interval": step}
    test.write_text(yaml.safe_dump({**rules, "tests": [case]}, width=10_000_000))
    done = promtool(3, "test", "rules", test)
    assert done.returncode == 0, (done.stdout + done.stderr)[:3000]
