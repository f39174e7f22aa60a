"""Alerts on the error budgets of the service level objectives: several windows, several burn rates.

Windows and factors are those of the SRE Workbook, chapter "Alerting on SLOs": a burn rate of 1 spends the budget of 30
days in 30 days. The short window makes an alert stop soon after the cause has stopped.
"""

from __future__ import annotations

from dataclasses import dataclass

from .. import promql as q
from ..config import PackConfig
from ..names import Recorded
from ..rules import counted, ratio, recordings
from .model import PERCENT, Alert


@dataclass(frozen=True, slots=True)
class Burn:
    """A burn rate that must be exceeded in both windows."""

    factor: float
    long: str
    short: str


FAST = (Burn(14.4, "1h", "5m"), Burn(6, "6h", "30m"))
SLOW = (Burn(3, "1d", "2h"), Burn(1, "3d", "6h"))


def _burning(config: PackConfig, bad: Recorded, all_: Recorded, budget: float, burns: tuple[Burn, ...]) -> q.Expr:
    """The share of bad calls in the long window, where both windows burn and the long one has enough calls."""
    found: q.Expr | None = None
    for burn in burns:
        # A budget of 5 % burnt 14.4 times is 72 %; no factor may ask for more than all.
        limit = min(burn.factor * budget, 0.99)
        one = ratio(bad, all_, burn.long) > limit
        one = one & (ratio(bad, all_, burn.short) > limit)
        one = one & (counted(all_, burn.long) >= config.slo.minimum_calls)
        found = one if found is None else found | one
    assert found is not None  # noqa: S101
    return found


def alerts(config: PackConfig) -> tuple[Alert, ...]:
    """Availability and latency, each with a fast and a slow burn."""
    recorded, by = recordings(config), (config.service,)
    availability, latency = 1 - config.slo.availability, 1 - config.slo.latency

    def errors(burns: tuple[Burn, ...]) -> q.Expr:
        return _burning(config, recorded.errors, recorded.calls, availability, burns)

    def slowness(burns: tuple[Burn, ...]) -> q.Expr:
        return _burning(config, recorded.slow, recorded.timed, latency, burns)

    return (
        Alert(
            name="AgentObsAvailabilityBurnFast",
            expr=errors(FAST),
            by=by,
            for_="2m",
            severity="critical",
            summary="Model calls fail so often that the error budget of 30 days is gone within days.",
            description=f"{PERCENT} of the model calls of {{0}} end in an error.",
            meaning="The share of failed model calls burns the availability budget at 14.4 times (1 h and 5 min) or 6 "
            "times (6 h and 30 min) the rate that would spend it in 30 days. Retries and fallbacks of the client "
            "library are already behind such a call: it is one that the program saw fail.",
            impact="Users get errors, or worse answers where a fallback stands behind the call.",
            check=(
                "Is it one provider or model, or all? See errors by provider and by class.",
                "`rate_limit` and `quota` are yours to mend, `overloaded` and `server_error` the provider's, `auth` and "
                "`not_found` come with a deployment.",
                "Did a deployment, a new key or a new model go out when it began?",
            ),
            mend=(
                "Provider down: move traffic to the fallback model or the other provider; open its breaker.",
                "Rate limited: lower concurrency, spread load, ask for quota.",
                "Deployment: roll back.",
            ),
            dashboard="overview",
            panel="Success",
            options=("slo.availability", "slo.minimum_calls"),
        ),
        Alert(
            name="AgentObsAvailabilityBurnSlow",
            expr=errors(SLOW),
            by=by,
            for_="1h",
            severity="warning",
            summary="Model calls fail more often than the error budget allows in the long run.",
            description=f"{PERCENT} of the model calls of {{0}} end in an error.",
            meaning="The share of failed model calls burns the availability budget at 3 times (1 d and 2 h) or at the "
            "very rate (3 d and 6 h) that spends it in 30 days.",
            impact="No outage, but the objective will be missed if nothing changes.",
            check=(
                "Which error class and which model make up most of the errors?",
                "Has it risen slowly, or been there since a certain change?",
            ),
            mend=(
                "Treat the most frequent error class first: timeouts, context windows that overflow, invalid requests.",
                "If the objective is higher than users need, lower it.",
            ),
            dashboard="models",
            panel="Errors by class",
            options=("slo.availability", "slo.minimum_calls"),
        ),
        Alert(
            name="AgentObsLatencyBurnFast",
            expr=slowness(FAST),
            by=by,
            for_="2m",
            severity="critical",
            summary="Model calls are so slow that the latency budget of 30 days is gone within days.",
            description=f"{PERCENT} of the model calls of {{0}} take longer than {config.slo.latency_s:g} s.",
            meaning="The share of calls that ended well but took longer than `slo.latency_s` burns the latency budget "
            "at 14.4 times (1 h and 5 min) or 6 times (6 h and 30 min) the rate that would spend it in 30 days.",
            impact="Users wait; callers with a timeout give up.",
            check=(
                "One model or all? Slow from the first chunk on, or slow between chunks?",
                "Are there hidden retries? They are part of the call's time.",
                "Did prompts or answers grow? See tokens of a call.",
            ),
            mend=(
                "Provider slow: move traffic to another model or region.",
                "Retries: see AgentObsRetryStorm.",
                "Longer answers: limit `max_tokens`, or stream and judge the time to the first chunk.",
            ),
            dashboard="models",
            panel="Latency",
            options=("slo.latency", "slo.latency_s", "slo.minimum_calls"),
        ),
        Alert(
            name="AgentObsLatencyBurnSlow",
            expr=slowness(SLOW),
            by=by,
            for_="1h",
            severity="warning",
            summary="Model calls are slow more often than the latency budget allows in the long run.",
            description=f"{PERCENT} of the model calls of {{0}} take longer than {config.slo.latency_s:g} s.",
            meaning="The share of slow calls burns the latency budget at 3 times (1 d and 2 h) or at the very rate (3 d "
            "and 6 h) that spends it in 30 days.",
            impact="No emergency, but the objective will be missed if nothing changes.",
            check=(
                "Which model and which kind of call are slow?",
                "Has a prompt, a tool or a model been changed in these days?",
            ),
            mend=(
                "Shorten prompts, cache, limit answers, or choose a quicker model for these calls.",
                "If such calls need their time, raise `slo.latency_s`.",
            ),
            dashboard="models",
            panel="Latency",
            options=("slo.latency", "slo.latency_s", "slo.minimum_calls"),
        ),
    )
