"""What it costs: pace and projection, by model and agent, caches, runs, what has no price."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..config import PackConfig
from ..names import differs, equals
from ..panels import COUNT, PER_MINUTE, SHARE, USD, WHOLE, Column, Limit, Panel, Query, Row, View, graph, stat, table
from . import figures
from .figures import NO_CALLS, NO_COST
from .scope import ALL, COST, Scope

_HOURS_A_MONTH = 720
_IN_AGENT = (differs(genai.AGENT_NAME, ""),)
_OUTSIDE = (equals(genai.AGENT_NAME, ""),)
_CACHED = (equals(own.TOKEN_KIND, "cache_read"),)
_SUCCEEDED = (equals(own.OUTCOME, "success"),)
_INPUT = (differs(own.TOKEN_KIND, "output"),)


def view(config: PackConfig) -> View:
    scope = Scope(config)
    return scope.view(
        COST,
        "Agents: cost and tokens",
        "What it costs: pace and projection, by model and agent, caches, runs, and what has no price.",
        Row(
            "",
            (
                _spent(scope),
                figures.cost_per_hour(scope),
                _projection(scope),
                _per_run(scope),
                _per_success(scope),
                _per_call(scope),
                _cache_share(scope),
                _unpriced_share(scope),
            ),
        ),
        Row("Pace", (figures.cost_by_model(scope, width=8), _by_agent(scope), _against_last_week(scope))),
        Row("Who spends", (_spenders(scope),)),
        Row("Tokens", (_tokens(scope), _tokens_per_call(scope), _cache_by_model(scope))),
        Row("Runs, and what has no price", (_run_cost(scope), _call_cost(scope), _unpriced(scope))),
    )


def _spent(scope: Scope) -> Panel:
    return stat(
        "Spent",
        "USD in the time range, priced calls only.",
        scope.total(own.COST),
        USD,
        nothing=NO_COST,
        decimals=2,
    )


def _projection(scope: Scope) -> Panel:
    budget = scope.config.thresholds.budget_usd_month
    return stat(
        "30-day pace",
        "USD in 30 days if the mean pace of the time range goes on; choose a long range for a fair guess. Red above "
        f"the budget of {budget:g} USD.",
        scope.per_hour(own.COST) * _HOURS_A_MONTH,
        USD,
        nothing=NO_COST,
        limit=Limit(budget),
        whole=False,
        calc="mean",
        decimals=0,
    )


def _per_run(scope: Scope) -> Panel:
    return stat(
        "Per run",
        "Mean USD of an agent run in the time range, of runs whose calls are all priced.",
        scope.mean(own.RUN_COST, window=ALL),
        USD,
        nothing=figures.NO_RUNS,
        decimals=4,
    )


def _per_success(scope: Scope) -> Panel:
    succeeded = scope.total(own.RUN_COST, where=_SUCCEEDED, part="count")
    return stat(
        "Per success",
        "USD of all runs in the time range for each run that succeeded: what one success costs, failures included.",
        scope.total(own.RUN_COST, part="sum") / (succeeded > 0),
        USD,
        nothing="no successful runs yet",
        decimals=4,
    )


def _per_call(scope: Scope) -> Panel:
    return stat(
        "Per call",
        "Mean USD of a priced model call in the time range.",
        scope.mean(own.CALL_COST, window=ALL),
        USD,
        nothing=NO_COST,
        decimals=4,
    )


def _cache_share(scope: Scope) -> Panel:
    return stat(
        "Cache hits",
        "Share of the input tokens in the time range that were read from a provider's cache; they cost a fraction.",
        q.share(scope.total(own.TOKENS, where=_CACHED), scope.total(own.TOKENS, where=_INPUT)),
        SHARE,
        nothing="no tokens yet",
        decimals=1,
    )


def _unpriced_share(scope: Scope) -> Panel:
    succeeded = scope.total(own.CALLS, where=_SUCCEEDED)
    return stat(
        "Unpriced",
        "Share of the successful model calls in the time range whose cost is unknown. Unknown is not free: the true "
        "cost is higher than shown here.",
        q.share(scope.total(own.UNPRICED), succeeded),
        SHARE,
        nothing=NO_CALLS,
        limit=Limit(scope.config.thresholds.unpriced_share),
        decimals=1,
    )


def _by_agent(scope: Scope) -> Panel:
    return graph(
        "Cost per hour by agent",
        "USD per hour at the present pace, by agent; priced calls only. The dashed line is an even share of the "
        "budget.",
        USD,
        Query(scope.per_hour(own.COST, genai.AGENT_NAME, where=_IN_AGENT), scope.name(genai.AGENT_NAME)),
        Query(scope.per_hour(own.COST, where=_OUTSIDE), "outside of agents"),
        nothing=NO_COST,
        limit=figures.even_budget(scope),
        stack="normal",
        width=8,
    )


def _against_last_week(scope: Scope) -> Panel:
    last_week = q.sum_by(q.rate(own.COST, "1h", *scope.limits(own.COST), offset="7d")) * 3600
    growth = scope.config.thresholds.cost_growth
    return graph(
        "Cost per hour against last week",
        f"USD in the hour before, the same a week earlier, and {growth:g} times that, where the alert fires.",
        USD,
        Query(q.sum_by(q.rate(own.COST, "1h", *scope.limits(own.COST))) * 3600, "this week"),
        Query(last_week, "last week"),
        Query(last_week * growth, "alert"),
        nothing=NO_COST,
        width=8,
    )


def _spenders(scope: Scope) -> Panel:
    keys = (genai.AGENT_NAME, genai.PROVIDER, genai.REQUEST_MODEL)
    cost, calls = scope.total(own.COST, *keys), scope.total(own.CALLS, *keys)
    share = q.match("/", cost, scope.total(own.COST) > 0, on=(), many="left")
    return table(
        "Top spenders",
        "Who spent what in the time range, the dearest first. Without a price: successful calls whose cost is unknown "
        "and therefore missing in the sums.",
        ((genai.AGENT_NAME, "Agent"), (genai.PROVIDER, "Provider"), (genai.REQUEST_MODEL, "Model")),
        Column("Cost", cost, USD),
        Column("Share", share, SHARE, bar=True),
        Column("Calls", calls, WHOLE),
        Column("Cost of 1,000 calls", cost / (calls > 0) * 1000, USD),
        Column("Tokens", scope.total(own.TOKENS, *keys), COUNT),
        Column("Without a price", scope.total(own.UNPRICED, *keys), WHOLE),
        nothing=NO_COST,
    )


def _tokens(scope: Scope) -> Panel:
    return graph(
        "Tokens per minute",
        "Tokens a minute by kind, that providers reported: fresh input, input read from and written to caches, and "
        "output (reasoning included).",
        COUNT,
        Query(scope.per_minute(own.TOKENS, own.TOKEN_KIND), scope.name(own.TOKEN_KIND)),
        nothing="no tokens yet",
        stack="normal",
        width=8,
    )


def _tokens_per_call(scope: Scope) -> Panel:
    growth = scope.config.thresholds.tokens_growth
    keys = (genai.REQUEST_MODEL,)
    return graph(
        "Tokens of a call by model",
        f"Mean tokens of a successful model call, input and output together. An alert fires where it is {growth:g} "
        "times that of the day before: a prompt or a conversation has outgrown its size.",
        COUNT,
        Query(
            scope.per_second(own.TOKENS, *keys) / (scope.per_second(own.CALLS, *keys, where=_SUCCEEDED) > 0),
            scope.name(*keys),
        ),
        nothing="no tokens yet",
        width=8,
    )


def _cache_by_model(scope: Scope) -> Panel:
    keys = (genai.REQUEST_MODEL,)
    return graph(
        "Cache hits by model",
        "Share of the input tokens that were read from the provider's cache, by model.",
        SHARE,
        Query(
            q.share(
                scope.per_second(own.TOKENS, *keys, where=_CACHED), scope.per_second(own.TOKENS, *keys, where=_INPUT)
            ),
            scope.name(*keys),
        ),
        nothing="no tokens yet",
        top=1,
        width=8,
    )


def _run_cost(scope: Scope) -> Panel:
    return graph(
        "Cost of a run",
        "USD of an agent run: median and 95th percentile, of runs whose calls are all priced.",
        USD,
        Query(scope.quantile(0.5, own.RUN_COST), "p50"),
        Query(scope.quantile(0.95, own.RUN_COST), "p95"),
        nothing=figures.NO_RUNS,
        width=8,
    )


def _call_cost(scope: Scope) -> Panel:
    return graph(
        "Cost of a call by model",
        "Mean USD of a priced model call, by model.",
        USD,
        Query(scope.mean(own.CALL_COST, genai.REQUEST_MODEL), scope.name(genai.REQUEST_MODEL)),
        nothing=NO_COST,
        width=8,
    )


def _unpriced(scope: Scope) -> Panel:
    keys = (own.UNPRICED_REASON, genai.REQUEST_MODEL)
    return graph(
        "Calls without a price, by reason",
        "Successful model calls per minute whose cost is unknown. unknown_model: add its price to your price file; "
        "no_usage: the provider sent no token counts.",
        PER_MINUTE,
        Query(scope.per_minute(own.UNPRICED, *keys), scope.name(*keys)),
        nothing="every call has a price",
        stack="normal",
        width=8,
    )
