"""How long model calls take, whole and to the chunks of their streams."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import chance
from .. import promql as q
from ..boards import MODELS
from ..burn import FAST, SLOW, Burn, burning
from ..config import PackConfig
from ..figure import FACTOR, PERCENT, Alert, Figure, Graph, Stat, Subject
from ..names import LE, Label
from ..panels import SECONDS, Limit, Query
from ..recording import WINDOW, counted
from ..selection import Selection, over_all, over_time
from .conditions import NO_CALLS, SUCCEEDED

_NO_STREAMS = "no streams yet"


def timed_rate(config: PackConfig) -> q.Recorded:
    """Model calls a second that ended well, by service."""
    expr = over_all(config, WINDOW).growth(config.call_duration, config.service, where=config.served, part="count")
    return q.Recorded("agentobs:calls_timed:rate5m", expr, "Model calls a second that ended well.")


def slow_rate(config: PackConfig) -> q.Recorded:
    """Those of `timed_rate` that took longer than the objective allows."""
    where = (*config.served, q.at_most(config.slo.latency_s, config.call_duration))
    quick = over_all(config, WINDOW).growth(config.call_duration, config.service, where=where, part="bucket")
    return q.Recorded(
        "agentobs:calls_slow:rate5m",
        q.clamp_min(timed_rate(config).expr - quick, 0),
        "Those that took longer than slo.latency_s.",
    )


def model_rate(config: PackConfig) -> q.Recorded:
    """Successful calls a second of one model."""
    by = (config.service, genai.PROVIDER, genai.REQUEST_MODEL)
    expr = over_all(config, WINDOW).growth(own.CALLS, *by, where=SUCCEEDED)
    return q.Recorded("agentobs:model_calls:rate5m", expr, "Successful calls a second of one model.")


def model_p95(config: PackConfig) -> q.Recorded:
    """The 95th percentile of an hour's calls of one model, in seconds."""
    by = (config.service, genai.PROVIDER, genai.REQUEST_MODEL)
    expr = over_all(config, "1h").quantile(0.95, config.call_duration, *by, where=config.served)
    return q.Recorded("agentobs:call_seconds:p95_1h", expr, "95th percentile of an hour's calls of one model.")


def duration(config: PackConfig) -> Figure:
    """How long model calls take that end well, with the alerts on the budget of slow ones."""
    level = config.slo.latency

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.quantile(level, config.call_duration, *by, where=config.served)

    def slowness(burns: tuple[Burn, ...]) -> q.Expr:
        return burning(config, slow_rate(config), timed_rate(config), 1 - level, burns)

    return Figure(
        measure=measure,
        unit=SECONDS,
        empty=NO_CALLS,
        limit=Limit(config.slo.latency_s),
        stat=Stat(
            f"Latency, p{level * 100:g}",
            f"{level:.0%} of the model calls in the time range were quicker than this, of those that ended well, "
            "retries included, streams to their end. Red above the limit of the latency objective. Embeddings are not "
            "counted.",
        ),
        graph=Graph(
            "Latency",
            "Duration of model calls as the program waits for them: retries included, streams to their end. The dashed "
            "line is the limit of the latency objective; the dots are single calls that lead to their traces. "
            "Embeddings are not counted.",
            queries=over_time(config).percentiles(config.call_duration, *config.served),
        ),
        alerts=(
            Alert(
                name="AgentObsLatencyBurnFast",
                expr=slowness(FAST),
                by=(config.service,),
                for_="2m",
                severity="critical",
                summary="Model calls are so slow that the latency budget of 30 days is gone within days.",
                description=f"{PERCENT} of the model calls of {{0}} take longer than {config.slo.latency_s:g} s.",
                meaning="The share of calls that ended well but took longer than `slo.latency_s` burns the latency "
                "budget at 14.4 times (1 h and 5 min) or 6 times (6 h and 30 min) the rate that would spend it in 30 "
                "days.",
                impact="Users wait; callers with a timeout give up.",
                check=(
                    "One model or all? Slow from the first chunk on, or slow between chunks?",
                    "Are there hidden retries? They are part of the call's time.",
                    "Did prompts or answers grow? See tokens of a call.",
                ),
                fix=(
                    "Provider slow: move traffic to another model or region.",
                    "Retries: see AgentObsRetryStorm.",
                    "Longer answers: limit `max_tokens`, or stream and judge the time to the first chunk.",
                ),
                options=("slo.latency", "slo.latency_s", "slo.minimum_bad"),
            ),
            Alert(
                name="AgentObsLatencyBurnSlow",
                expr=slowness(SLOW),
                by=(config.service,),
                for_="1h",
                severity="warning",
                summary="Model calls are slow more often than the latency budget allows in the long run.",
                description=f"{PERCENT} of the model calls of {{0}} take longer than {config.slo.latency_s:g} s.",
                meaning="The share of slow calls burns the latency budget at 3 times (1 d and 2 h) or at the very rate "
                "(3 d and 6 h) that spends it in 30 days.",
                impact="No emergency, but the objective will be missed if nothing changes.",
                check=(
                    "Which model and which kind of call are slow?",
                    "Has a prompt, a tool or a model been changed in these days?",
                ),
                fix=(
                    "Shorten prompts, cache, limit answers, or choose a quicker model for these calls.",
                    "If such calls need their time, raise `slo.latency_s`.",
                ),
                options=("slo.latency", "slo.latency_s", "slo.minimum_bad"),
            ),
        ),
    )


def duration_by_model(config: PackConfig) -> Figure:
    """The slow end of each model's calls, with the alert on its growth."""
    limits, by = config.thresholds, (config.service, genai.PROVIDER, genai.REQUEST_MODEL)
    calls, p95 = model_rate(config), model_p95(config)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.quantile(0.95, config.call_duration, *by, where=config.served)

    return Figure(
        measure=measure,
        unit=SECONDS,
        empty=NO_CALLS,
        limit=Limit(config.slo.latency_s),
        graph=Graph(
            "Latency p95 by model",
            "95th percentile of the duration of model calls, by model. The dashed line is the limit of the latency "
            "objective; the dots are single calls that lead to their traces.",
            by=by,
            exemplars=True,
        ),
        alerts=(
            Alert(
                name="AgentObsLatencyGrowth",
                expr=chance.grown(
                    q.read(p95) / q.read(p95, offset="1d"),
                    limits.latency_growth,
                    counted(calls, "1h"),
                    counted(calls, "1h", "1d"),
                ),
                by=by,
                for_="15m",
                severity="warning",
                summary="A model answers much more slowly than a day ago.",
                description=f"The 95th percentile of {{2}} by {{1}} in {{0}} is {FACTOR} times that of a day ago.",
                meaning="The 95th percentile of the calls of an hour is `thresholds.latency_growth` times that of the "
                "same hour a day ago, and more than chance makes of so few calls: 400 an hour show twice the time, 100 "
                "four times, 25 seventeen times.",
                impact="Users wait longer than they are used to, though the latency objective may still be met.",
                check=(
                    "Did answers grow? See tokens of a call, and the time between chunks.",
                    "Is it slow before the first chunk? Then it is the provider, retries or longer prompts.",
                ),
                fix=(
                    "Provider slow: another model or region.",
                    "Prompts or answers grew: undo the change, or limit them.",
                ),
                options=("thresholds.latency_growth",),
            ),
        ),
    )


def distribution(config: PackConfig) -> Figure:
    """How many calls took how long."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(config.call_duration, *by, LE, where=config.served, part="bucket")

    return Figure(
        measure=measure,
        unit=SECONDS,
        empty=NO_CALLS,
        graph=Graph(
            "Latency distribution",
            "How long model calls take: the darker or brighter a cell, the more calls of that duration. Two bands mean "
            "two kinds of calls, or retries.",
            queries=(Query(measure(over_time(config)), "{{le}}", exemplars=True),),
            type="heatmap",
        ),
    )


def first_chunk(config: PackConfig) -> Figure:
    """How long users look at nothing."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.quantile(0.95, config.first_chunk, *by)

    return Figure(
        measure=measure,
        unit=SECONDS,
        empty=_NO_STREAMS,
        stat=Stat(
            "First chunk, p95",
            "95 % of the streams in the time range showed their first chunk within this time.",
        ),
        graph=Graph(
            "Time to first chunk",
            "How long users look at nothing: from the call to the first chunk of its stream, by model, 95th percentile.",
            by=(genai.REQUEST_MODEL,),
            exemplars=True,
        ),
    )


def per_chunk(config: PackConfig) -> Figure:
    """How fluently streams write."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.mean(config.per_chunk, *by)

    return Figure(
        measure=measure,
        unit=SECONDS,
        empty=_NO_STREAMS,
        graph=Graph(
            "Time between chunks",
            "How fluently streams write: mean time between chunks after the first, by model. Under about 0.1 s reads "
            "as flowing.",
            by=(genai.REQUEST_MODEL,),
        ),
    )


SUBJECT = Subject(
    "latency",
    "Latency and streams",
    MODELS,
    (duration, duration_by_model, distribution, first_chunk, per_chunk),
)
