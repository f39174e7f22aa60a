"""What it costs: spending, its pace and growth, runs and calls, what has no price."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..boards import COST
from ..burn import FAST, Burn, any_burning
from ..config import PackConfig
from ..figure import DOLLARS, PERCENT, Alert, Figure, Graph, Stat, Subject, Table, enough
from ..names import Label, Matcher, differs, equals
from ..panels import COUNT, PER_MINUTE, SHARE, USD, WHOLE, Column, Limit, Query
from ..recording import INTERVAL_S, WINDOW, WINDOW_S, counted, grown
from ..selection import Selection, over_all, over_range, over_time, rate_of_range, series_name
from .conditions import NO_CALLS, NO_RUNS, SUCCEEDED

_MONTH_HOURS = 720
"""30 days, as the objectives have it."""
_HOURS = {"5m": 1 / 12, "30m": 0.5, "1h": 1, "6h": 6, "3d": 72}
_NO_COST = "nothing priced yet"


def _spent(over: Selection, /, *by: Label) -> q.Expr:
    return over.growth(own.COST, *by)


def per_hour(over: Selection, /, *by: Label) -> q.Expr:
    """USD an hour, over a selection of rates."""
    return over.growth(own.COST, *by) * 3600


def even_budget(config: PackConfig) -> Limit | None:
    """USD an hour that spend the budget of 30 days in 30 days; None without a budget."""
    budget = config.thresholds.budget_usd_month
    return Limit(budget / _MONTH_HOURS) if budget else None


def _line(config: PackConfig) -> str:
    """What a graph says of its dashed line."""
    return " The dashed line is an even share of the budget." if config.thresholds.budget_usd_month else ""


def cost_rate(config: PackConfig) -> q.Recorded:
    """USD a second, by service."""
    return q.Recorded(
        "agentobs:cost_usd:rate5m",
        grown(config, own.COST, WINDOW, config.service) / WINDOW_S,
        "USD a second, first values of new series included.",
    )


def spent(config: PackConfig) -> Figure:
    """USD, by who spent them."""
    keys, over = (genai.AGENT_NAME, genai.PROVIDER, genai.REQUEST_MODEL), over_range(config)
    cost, calls = _spent(over, *keys), over.growth(own.CALLS, *keys)
    share = q.match("/", cost, _spent(over) > 0, on=(), many="left")
    return Figure(
        measure=_spent,
        unit=USD,
        empty=_NO_COST,
        stat=Stat("Spent", "USD in the time range, priced calls only.", decimals=2),
        graph=Graph(
            "Cost per hour by model",
            "USD per hour at the present pace, by the model that was asked for; priced calls only." + _line(config),
            queries=(
                Query(per_hour(over_time(config), genai.REQUEST_MODEL), series_name(config, genai.REQUEST_MODEL)),
            ),
            limit=even_budget(config),
            stack="normal",
        ),
        table=Table(
            "Top spenders",
            "Who spent what in the time range, the dearest first. Without a price: successful calls whose cost is "
            "unknown and therefore missing in the sums.",
            ((genai.AGENT_NAME, "Agent"), (genai.PROVIDER, "Provider"), (genai.REQUEST_MODEL, "Model")),
            (
                Column("Cost", cost, USD),
                Column("Share", share, SHARE, bar=True),
                Column("Calls", calls, WHOLE),
                Column("Cost of 1,000 calls", cost / (calls > 0) * 1000, USD),
                Column("Tokens", over.growth(own.TOKENS, *keys), COUNT),
                Column("Without a price", over.growth(own.UNPRICED, *keys), WHOLE),
            ),
        ),
    )


def pace(config: PackConfig) -> Figure:
    """USD an hour, with the alert on a budget that burns fast."""
    budget, over = config.thresholds.budget_usd_month, over_time(config)
    in_agents = _with_agent(over, differs(genai.AGENT_NAME, ""), genai.AGENT_NAME)
    return Figure(
        measure=per_hour,
        unit=USD,
        empty=_NO_COST,
        limit=even_budget(config),
        decimals=2,
        stat=Stat(
            "Cost per hour",
            "USD spent in the time range, for each of its hours; priced calls only."
            + (f" Red above an even share of the budget of {budget:g} USD for 30 days." if budget else ""),
            per_hour(rate_of_range(config)),
        ),
        graph=Graph(
            "Cost per hour by agent",
            "USD per hour at the present pace, by agent; priced calls only." + _line(config),
            queries=(
                Query(in_agents, series_name(config, genai.AGENT_NAME)),
                Query(_with_agent(over, equals(genai.AGENT_NAME, "")), "outside of agents"),
            ),
            stack="normal",
        ),
        alerts=(
            Alert(
                name="AgentObsBudgetBurnFast",
                expr=_over_budget(config, FAST),
                by=(),
                for_="2m",
                severity="critical",
                summary="Model calls cost so much that the budget of 30 days is gone within days.",
                description=f"All services together spend {DOLLARS} an hour; {_even(config)}.",
                meaning="Spending is 14.4 times (1 h and 5 min) or 6 times (6 h and 30 min) an even share of "
                "`thresholds.budget_usd_month`. Only priced calls count: see AgentObsUnpricedCalls for the rest.",
                impact="Money; and calls stop where the provider's account runs dry.",
                check=(
                    "Who spends it: top spenders by agent and model.",
                    "An agent in a loop has many calls a run; a context that grows has many tokens a call.",
                ),
                fix=(
                    "Stop the runaway agent, or limit its calls and tokens per run.",
                    "Set a hard limit with the provider; agentobs only watches.",
                ),
                options=("thresholds.budget_usd_month",),
            ),
        )
        if budget
        else (),
    )


def projection(config: PackConfig) -> Figure:
    """USD in 30 days at the present pace, with the alert on a budget that will not last."""
    budget = config.thresholds.budget_usd_month

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return per_hour(over, *by) * _MONTH_HOURS

    return Figure(
        measure=measure,
        unit=USD,
        empty=_NO_COST,
        limit=Limit(budget) if budget else None,
        stat=Stat(
            "30-day pace",
            "USD in 30 days if they are spent as in the time range, hours without calls included; choose a long range "
            "for a fair guess." + (f" Red above the budget of {budget:g} USD." if budget else ""),
            measure(rate_of_range(config)),
            decimals=0,
        ),
        alerts=(
            Alert(
                name="AgentObsBudgetBurnSlow",
                expr=_over_budget(config, (Burn(1, "3d", "6h"),)),
                by=(),
                for_="1h",
                severity="warning",
                summary="At the present pace model calls cost more than the budget of 30 days.",
                description=f"All services together spend {DOLLARS} an hour; {_even(config)}.",
                meaning="Over 3 days and over 6 hours, spending was above an even share of "
                "`thresholds.budget_usd_month`.",
                impact="The month ends above the budget if nothing changes.",
                check=("Has traffic grown, or the cost of a run?", "Do cache hits still work?"),
                fix=("A cheaper model for simple calls, caching, shorter prompts; or a larger budget.",),
                options=("thresholds.budget_usd_month",),
                shown="stat",
            ),
        )
        if budget
        else (),
    )


def _with_agent(over: Selection, agent: Matcher, *by: Label) -> q.Expr:
    return over.growth(own.COST, *by, where=(agent,)) * 3600


def _even(config: PackConfig) -> str:
    budget = config.thresholds.budget_usd_month
    return f"an even share of the budget of ${budget:g} for 30 days is ${budget / _MONTH_HOURS:.2f}"


def _over_budget(config: PackConfig, burns: tuple[Burn, ...]) -> q.Expr:
    """USD an hour of all services, where both windows of a burn rate spend more than it allows."""

    def hourly(window: str) -> q.Expr:
        return q.sum_by(q.over_time("sum", cost_rate(config), window)) * (INTERVAL_S / _HOURS[window])

    def one(burn: Burn) -> q.Expr:
        limit = burn.factor * config.thresholds.budget_usd_month / _MONTH_HOURS
        return (hourly(burn.long) > limit) & (hourly(burn.short) > limit)

    return any_burning(burns, one)


def against_last_week(config: PackConfig) -> Figure:
    """USD an hour beside those of a week ago, with the alert on growth."""
    limits, over = config.thresholds, over_time(config, "1h")
    hour, week, day = (counted(cost_rate(config), "1h", offset) for offset in ("", "1w", "1d"))
    growth = (hour > week * limits.cost_growth) & (hour >= limits.cost_minimum_usd_hour)
    last_week = over.growth(own.COST, offset="7d") * 3600
    return Figure(
        measure=per_hour,
        unit=USD,
        empty=_NO_COST,
        graph=Graph(
            "Cost per hour against last week",
            f"USD in the hour before, the same a week earlier, and {limits.cost_growth:g} times that, where the alert "
            "fires.",
            queries=(
                Query(per_hour(over), "this week"),
                Query(last_week, "last week"),
                Query(last_week * limits.cost_growth, "alert"),
            ),
        ),
        alerts=(
            Alert(
                name="AgentObsCostGrowth",
                # A holiday a week ago is no growth today: what is spent today as yesterday is usual.
                expr=q.match("unless", growth, hour <= day * limits.cost_growth),
                by=(config.service,),
                for_="10m",
                severity="warning",
                summary="A service costs much more than in the same hour a week ago.",
                description=f"{{0}} spent {DOLLARS} in an hour, more than {limits.cost_growth:g} times that of the same "
                "hour a week ago.",
                meaning="The cost of the last hour is more than `thresholds.cost_growth` times that of the same hour a "
                "week ago, and of the same hour a day ago where there was one, and at least "
                "`thresholds.cost_minimum_usd_hour`.",
                impact="Money, perhaps for nothing: loops and leaks in the context show here first.",
                check=(
                    "More traffic, more calls a run, more tokens a call, or a dearer model?",
                    "By agent: is it one of them?",
                ),
                fix=("A loop: stop it, limit calls per run.", "A dearer model: was it meant?"),
                options=("thresholds.cost_growth", "thresholds.cost_minimum_usd_hour"),
            ),
        ),
    )


def per_run(config: PackConfig) -> Figure:
    """USD of an agent run."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.mean(own.RUN_COST, *by)

    over = over_time(config)
    return Figure(
        measure=measure,
        unit=USD,
        empty=NO_RUNS,
        stat=Stat(
            "Per run",
            "Mean USD of an agent run in the time range, of runs whose calls are all priced.",
            decimals=4,
        ),
        graph=Graph(
            "Cost of a run",
            "USD of an agent run: median and 95th percentile, of runs whose calls are all priced.",
            queries=(Query(over.quantile(0.5, own.RUN_COST), "p50"), Query(over.quantile(0.95, own.RUN_COST), "p95")),
        ),
    )


def per_success(config: PackConfig) -> Figure:
    """What one success costs, failures included."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        succeeded = over.growth(own.RUN_COST, *by, where=SUCCEEDED, part="count")
        return over.growth(own.RUN_COST, *by, part="sum") / (succeeded > 0)

    return Figure(
        measure=measure,
        unit=USD,
        empty="no successful runs yet",
        decimals=4,
        stat=Stat(
            "Per success",
            "USD of all runs in the time range for each run that succeeded: what one success costs, failures included.",
        ),
    )


def per_call(config: PackConfig) -> Figure:
    """USD of a model call."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.mean(own.CALL_COST, *by)

    return Figure(
        measure=measure,
        unit=USD,
        empty=_NO_COST,
        stat=Stat("Per call", "Mean USD of a priced model call in the time range.", decimals=4),
        graph=Graph("Cost of a call by model", "Mean USD of a priced model call, by model.", by=(genai.REQUEST_MODEL,)),
    )


def unpriced(config: PackConfig) -> Figure:
    """Successful calls whose cost is unknown, with the alert on their share."""
    limits, by = config.thresholds, (config.service,)
    limit, keys = Limit(limits.unpriced_share), (own.UNPRICED_REASON, genai.REQUEST_MODEL)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.share(over.growth(own.UNPRICED, *by), over.growth(own.CALLS, *by, where=SUCCEEDED))

    return Figure(
        measure=measure,
        unit=SHARE,
        empty=NO_CALLS,
        limit=limit,
        decimals=1,
        stat=Stat(
            "Unpriced",
            "Share of the successful model calls in the time range whose cost is unknown. Unknown is not free: the "
            "true cost is higher than shown here.",
        ),
        graph=Graph(
            "Calls without a price, by reason",
            "Successful model calls per minute whose cost is unknown. unknown_model: add its price to your price file; "
            "no_usage: the provider sent no token counts.",
            queries=(Query(over_time(config).growth(own.UNPRICED, *keys) * 60, series_name(config, *keys)),),
            unit=PER_MINUTE,
            limited=False,
            empty="every call has a price",
            stack="normal",
        ),
        alerts=(
            Alert(
                name="AgentObsUnpricedCalls",
                expr=limit.past(measure(over_all(config, "1h"), *by))
                & enough(own.CALLS, "1h", limits.minimum_calls, *by, where=SUCCEEDED),
                by=by,
                for_="15m",
                severity="warning",
                summary="The cost of a large share of the model calls is unknown.",
                description=f"The cost of {PERCENT} of the successful calls of {{0}} in an hour is unknown.",
                meaning="More than `thresholds.unpriced_share` of the successful calls have no cost: they are missing "
                "from every sum of money, so the true cost is higher.",
                impact="Cost panels and budget alerts show too little.",
                check=(
                    "By reason: `unknown_model` has no price, `no_usage` came without token counts (streams without "
                    "usage), `bad_usage` with counts that contradict each other.",
                ),
                fix=(
                    "`unknown_model`: add it to your price file (`instrument(prices=...)`), or update agentobs.",
                    "`no_usage`: ask the provider for usage in streams (`stream_options`).",
                ),
                options=("thresholds.unpriced_share", "thresholds.minimum_calls"),
            ),
        ),
    )


SUBJECT = Subject(
    "cost",
    "Cost",
    COST,
    (pace, projection, against_last_week, unpriced, spent, per_run, per_success, per_call),
)
