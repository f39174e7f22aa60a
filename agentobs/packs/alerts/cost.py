"""Alerts on money and tokens: budget, growth, unknown prices."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..config import PackConfig
from ..names import equals
from ..rules import INTERVAL_S, counted, ratio, recordings
from .model import FACTOR, PERCENT, USD, Alert
from .providers import enough
from .slo import FAST, Burn

_HOURS = {"5m": 1 / 12, "30m": 0.5, "1h": 1, "6h": 6, "3d": 72}
_MONTH_HOURS = 720
"""30 days, as the objectives have it."""


def alerts(config: PackConfig) -> tuple[Alert, ...]:
    return (*_budget(config), *_growth(config), _unpriced(config))


def _hourly(config: PackConfig, window: str) -> q.Expr:
    """USD an hour of all services."""
    return q.sum_by(q.over_time("sum", recordings(config).cost, window)) * (INTERVAL_S / _HOURS[window])


def _over_budget(config: PackConfig, burns: tuple[Burn, ...]) -> q.Expr:
    even = config.thresholds.budget_usd_month / _MONTH_HOURS
    found: q.Expr | None = None
    for burn in burns:
        limit = burn.factor * even
        one = (_hourly(config, burn.long) > limit) & (_hourly(config, burn.short) > limit)
        found = one if found is None else found | one
    assert found is not None  # noqa: S101
    return found


def _budget(config: PackConfig) -> tuple[Alert, ...]:
    budget = config.thresholds.budget_usd_month
    even = f"an even share of the budget of ${budget:g} for 30 days is ${budget / _MONTH_HOURS:.2f}"
    options = ("thresholds.budget_usd_month",)
    return (
        Alert(
            name="AgentObsBudgetBurnFast",
            expr=_over_budget(config, FAST),
            by=(),
            for_="2m",
            severity="critical",
            summary="Model calls cost so much that the budget of 30 days is gone within days.",
            description=f"All services together spend {USD} an hour; {even}.",
            meaning="Spending is 14.4 times (1 h and 5 min) or 6 times (6 h and 30 min) an even share of "
            "`thresholds.budget_usd_month`. Only priced calls count: see AgentObsUnpricedCalls for the rest.",
            impact="Money; and calls stop where the provider's account runs dry.",
            check=(
                "Who spends it: top spenders by agent and model.",
                "An agent in a loop has many calls a run; a context that grows has many tokens a call.",
            ),
            mend=(
                "Stop the runaway agent, or limit its calls and tokens per run.",
                "Set a hard limit with the provider; agentobs only watches.",
            ),
            dashboard="cost",
            panel="Cost per hour by agent",
            options=options,
        ),
        Alert(
            name="AgentObsBudgetBurnSlow",
            expr=_over_budget(config, (Burn(1, "3d", "6h"),)),
            by=(),
            for_="1h",
            severity="warning",
            summary="At the present pace model calls cost more than the budget of 30 days.",
            description=f"All services together spend {USD} an hour; {even}.",
            meaning="Over 3 days and over 6 hours, spending was above an even share of `thresholds.budget_usd_month`.",
            impact="The month ends above the budget if nothing changes.",
            check=("Has traffic grown, or the cost of a run?", "Do cache hits still work?"),
            mend=("A cheaper model for simple calls, caching, shorter prompts; or a larger budget.",),
            dashboard="cost",
            panel="30-day pace",
            options=options,
        ),
    )


def _growth(config: PackConfig) -> tuple[Alert, ...]:
    limits, recorded = config.thresholds, recordings(config)
    model = (config.service, genai.PROVIDER, genai.REQUEST_MODEL)
    hour, before = counted(recorded.cost, "1h"), counted(recorded.cost, "1h", "1w")
    per_call = ratio(recorded.model_tokens, recorded.model_calls, "1h")
    yesterday = ratio(recorded.model_tokens, recorded.model_calls, "1h", "1d")
    return (
        Alert(
            name="AgentObsCostGrowth",
            expr=(hour > before * limits.cost_growth) & (hour >= limits.cost_minimum_usd_hour),
            by=(config.service,),
            for_="10m",
            severity="warning",
            summary="A service costs much more than in the same hour a week ago.",
            description=f"{{0}} spent {USD} in an hour, more than {limits.cost_growth:g} times that of the same hour a "
            "week ago.",
            meaning="The cost of the last hour is `thresholds.cost_growth` times that of the same hour a week ago, and "
            "at least `thresholds.cost_minimum_usd_hour`.",
            impact="Money, perhaps for nothing: loops and leaks in the context show here first.",
            check=(
                "More traffic, more calls a run, more tokens a call, or a dearer model?",
                "By agent: is it one of them?",
            ),
            mend=("A loop: stop it, limit calls per run.", "A dearer model: was it meant?"),
            dashboard="cost",
            panel="Cost per hour against last week",
            options=("thresholds.cost_growth", "thresholds.cost_minimum_usd_hour"),
        ),
        Alert(
            name="AgentObsTokensPerCall",
            expr=((per_call / yesterday) > limits.tokens_growth)
            & (counted(recorded.model_calls, "1h") >= limits.minimum_calls)
            & (counted(recorded.model_calls, "1h", "1d") >= limits.minimum_calls),
            by=model,
            for_="15m",
            severity="warning",
            summary="Calls of a model use many more tokens than a day ago.",
            description=f"A call of {{2}} by {{1}} in {{0}} uses {FACTOR} times the tokens of a day ago.",
            meaning="Mean tokens of a call, input and output together, are `thresholds.tokens_growth` times those of "
            "the same hour a day ago, for a model with enough calls in both.",
            impact="Cost and latency rise; in the end the context window overflows.",
            check=(
                "Input or output? See tokens by kind.",
                "A conversation that is never cut, a tool result that is passed on whole, a new system prompt?",
            ),
            mend=("Cut or sum up the history, limit tool results, set `max_tokens`.",),
            dashboard="cost",
            panel="Tokens of a call by model",
            options=("thresholds.tokens_growth", "thresholds.minimum_calls"),
        ),
    )


def _unpriced(config: PackConfig) -> Alert:
    limits, by = config.thresholds, (config.service,)
    served = equals(own.OUTCOME, "success")
    unpriced = q.sum_by(q.rate(own.UNPRICED, "1h"), *by)
    share = q.share(unpriced, q.sum_by(q.rate(own.CALLS, "1h", served), *by))
    return Alert(
        name="AgentObsUnpricedCalls",
        expr=(share > limits.unpriced_share) & enough(own.CALLS, "1h", limits.minimum_calls, *by, where=(served,)),
        by=by,
        for_="15m",
        severity="warning",
        summary="The cost of a large share of the model calls is unknown.",
        description=f"The cost of {PERCENT} of the successful calls of {{0}} in an hour is unknown.",
        meaning="More than `thresholds.unpriced_share` of the successful calls have no cost: they are missing from every "
        "sum of money, so the true cost is higher.",
        impact="Cost panels and budget alerts show too little.",
        check=(
            "By reason: `unknown_model` has no price, `no_usage` came without token counts (streams without usage), "
            "`bad_usage` with counts that contradict each other.",
        ),
        mend=(
            "`unknown_model`: add it to your price file (`instrument(prices=...)`), or update agentobs.",
            "`no_usage`: ask the provider for usage in streams (`stream_options`).",
        ),
        dashboard="cost",
        panel="Calls without a price, by reason",
        options=("thresholds.unpriced_share", "thresholds.minimum_calls"),
    )
