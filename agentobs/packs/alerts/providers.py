"""Alerts on providers and models: errors, latency against its own past, hidden retries."""

from __future__ import annotations

from agentobs.catalogue import Metric, genai, own

from .. import promql as q
from ..config import PackConfig
from ..names import Label, Matcher, equals
from ..rules import counted, recordings
from .model import FACTOR, PERCENT, Alert


def enough(metric: Metric, window: str, minimum: float, *by: Label, where: tuple[Matcher, ...] = ()) -> q.Expr:
    """Where a counter grew by at least `minimum` in the window."""
    return q.sum_by(q.increase(metric, window, *where), *by) >= minimum


def alerts(config: PackConfig) -> tuple[Alert, ...]:
    limits, recorded = config.thresholds, recordings(config)
    provider = (config.service, genai.PROVIDER)
    model = (config.service, genai.PROVIDER, genai.REQUEST_MODEL)

    failed = q.sum_by(q.rate(own.CALLS, "10m", equals(own.OUTCOME, "error")), *provider)
    called = q.sum_by(q.rate(own.CALLS, "10m"), *provider)
    retried = q.sum_by(q.rate(own.CALL_RETRIES, "10m"), *provider)
    busy = enough(own.CALLS, "10m", limits.minimum_calls, *provider)

    slower = q.read(recorded.latency_p95) / q.read(recorded.latency_p95, offset="1d")
    busy_model = counted(recorded.model_calls, "1h") >= limits.minimum_calls
    busy_yesterday = counted(recorded.model_calls, "1h", "1d") >= limits.minimum_calls

    return (
        Alert(
            name="AgentObsProviderErrors",
            expr=(q.share(failed, called) > limits.error_share) & busy,
            by=provider,
            for_="5m",
            severity="warning",
            summary="A provider fails a large share of the model calls.",
            description=f"{PERCENT} of the calls of {{0}} to {{1}} in 10 minutes ended in an error.",
            meaning="More than `thresholds.error_share` of the calls to one provider end in an error after all hidden "
            "retries. A breaker that counts consecutive failures does not open when every second call fails; this "
            "alert sees that.",
            impact="Users of what needs this provider get errors or fallbacks.",
            check=(
                "The provider's status page, and the classes of the errors.",
                "Do all models of the provider fail, or one?",
            ),
            mend=(
                "Move traffic to another provider or model until it is over.",
                "`rate_limit`: lower concurrency or ask for quota. `auth`: the key has expired or was revoked.",
            ),
            dashboard="models",
            panel="Error share by provider",
            options=("thresholds.error_share", "thresholds.minimum_calls"),
        ),
        Alert(
            name="AgentObsLatencyGrowth",
            expr=(slower > limits.latency_growth) & busy_model & busy_yesterday,
            by=model,
            for_="15m",
            severity="warning",
            summary="A model answers much more slowly than a day ago.",
            description=f"The 95th percentile of {{2}} by {{1}} in {{0}} is {FACTOR} times that of a day ago.",
            meaning="The 95th percentile of the calls of an hour is `thresholds.latency_growth` times that of the same "
            "hour a day ago, for a model with enough calls in both.",
            impact="Users wait longer than they are used to, though the latency objective may still be met.",
            check=(
                "Did answers grow? See tokens of a call, and the time between chunks.",
                "Is it slow before the first chunk? Then it is the provider, retries or longer prompts.",
            ),
            mend=(
                "Provider slow: another model or region.",
                "Prompts or answers grew: undo the change, or limit them.",
            ),
            dashboard="models",
            panel="Latency p95 by model",
            options=("thresholds.latency_growth", "thresholds.minimum_calls"),
        ),
        Alert(
            name="AgentObsRetryStorm",
            expr=(q.share(retried, called) > limits.retries_per_call) & busy,
            by=provider,
            for_="5m",
            severity="warning",
            summary="The client library retries a large share of the model calls.",
            description=f"{{0}} makes {FACTOR} hidden retries for each call to {{1}}.",
            meaning="Client libraries retry by themselves and say nothing; here they do so more than "
            "`thresholds.retries_per_call` times for each call.",
            impact="Calls take longer, rate limits are hit harder, and when retries no longer help the calls fail.",
            check=(
                "What the failed attempts got: 429 is your own rate, 500 to 529 the provider, `timeout` your limit.",
                "Do several layers retry (client library, framework, your code)? They multiply.",
            ),
            mend=(
                "429: lower concurrency, honour `retry-after`, ask for quota.",
                "Leave retrying to one layer: `max_retries=0` in the others.",
            ),
            dashboard="models",
            panel="Hidden retries by status",
            options=("thresholds.retries_per_call", "thresholds.minimum_calls"),
        ),
    )
