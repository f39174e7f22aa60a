"""Providers and models: rate, errors, duration, streams, hidden retries, rate limits."""

from __future__ import annotations

from agentobs.catalogue import Metric, genai, own

from .. import promql as q
from ..config import PackConfig
from ..names import LE, equals
from ..panels import (
    COUNT,
    PER_MINUTE,
    SECONDS,
    SHARE,
    WHOLE,
    Column,
    Limit,
    Panel,
    Query,
    Row,
    View,
    graph,
    stat,
    table,
)
from . import figures
from .figures import NO_CALLS
from .scope import ALL, MODELS, Scope, W

_NO_STREAMS = "no streams yet"


def view(config: PackConfig) -> View:
    scope = Scope(config)
    return scope.view(
        MODELS,
        "Agents: models",
        "How each provider and model serves: rate, errors, duration, streams, hidden retries, rate limits.",
        Row(
            "",
            (
                figures.success(scope),
                figures.slow_end(scope),
                _first_chunk(scope),
                figures.calls_per_minute(scope),
                _active(scope),
                _retries(scope),
                _rate_limited(scope),
                _errors(scope),
            ),
        ),
        Row("By model", (_ledger(scope),)),
        Row("Rate, errors, duration", (_rate(scope), figures.errors_by_provider(scope), _slow_models(scope))),
        Row("Latency and streams", (figures.latency(scope), _chunk_wait(scope), _chunk_speed(scope))),
        Row("Errors and retries", (_classes(scope), figures.retries_by_status(scope), figures.retries_per_call(scope))),
        Row("", (_limits(scope), _distribution(scope))),
    )


def _first_chunk(scope: Scope) -> Panel:
    return stat(
        "First chunk, p95",
        "95 % of the streams in the time range showed their first chunk within this time.",
        scope.quantile(0.95, scope.config.first_chunk, window=ALL),
        SECONDS,
        nothing=_NO_STREAMS,
    )


def _active(scope: Scope) -> Panel:
    return stat(
        "Under way now",
        "Model calls that are under way, streams that are being read included.",
        q.sum_by(scope.now(own.CALLS_ACTIVE)),
        WHOLE,
        nothing=NO_CALLS,
        whole=False,
    )


def _retries(scope: Scope) -> Panel:
    limit = scope.config.thresholds.retries_per_call
    return stat(
        "Retries per call",
        "Hidden retries for each model call in the time range. Red above the limit of the alert: the provider is in "
        "trouble, even if the calls succeed in the end.",
        q.share(scope.total(own.CALL_RETRIES), scope.total(own.CALLS)),
        COUNT,
        nothing=NO_CALLS,
        limit=Limit(limit),
        decimals=2,
    )


def _rate_limited(scope: Scope) -> Panel:
    retried = scope.total(own.CALL_RETRIES, where=figures.RETRIED_429)
    final = scope.total(own.CALLS, where=figures.RATE_LIMITED)
    return stat(
        "Rate limits hit",
        "Attempts in the time range that a provider turned away with 429: those that were retried and those that ended "
        "the call.",
        q.or_zero(retried) + q.or_zero(final),
        WHOLE,
        nothing=NO_CALLS,
    )


def _errors(scope: Scope) -> Panel:
    return stat(
        "Failed calls",
        "Model calls in the time range that ended in an error.",
        q.or_zero(scope.total(own.CALLS, where=figures.FAILED)),
        WHOLE,
        nothing=NO_CALLS,
    )


def _ledger(scope: Scope) -> Panel:
    keys = (genai.PROVIDER, genai.REQUEST_MODEL)
    calls = scope.total(own.CALLS, *keys)
    return table(
        "Providers and models",
        "Every model that was asked for in the time range. Retries are attempts that the program does not see.",
        ((genai.PROVIDER, "Provider"), (genai.REQUEST_MODEL, "Model")),
        Column("Calls", calls, WHOLE),
        Column(
            "Errors",
            q.share(scope.total(own.CALLS, *keys, where=figures.FAILED), calls),
            SHARE,
            Limit(scope.config.thresholds.error_share),
        ),
        Column("p50", _over_range(scope, 0.5, scope.config.call_duration), SECONDS),
        Column("p95", _over_range(scope, 0.95, scope.config.call_duration), SECONDS, Limit(scope.config.slo.latency_s)),
        Column("First chunk p95", _over_range(scope, 0.95, scope.config.first_chunk), SECONDS),
        Column(
            "Retries per call",
            q.share(scope.total(own.CALL_RETRIES, *keys), calls),
            COUNT,
            Limit(scope.config.thresholds.retries_per_call),
            decimals=2,
        ),
        Column("Output tokens", scope.total(own.TOKENS, *keys, where=(equals(own.TOKEN_KIND, "output"),)), COUNT),
        nothing=NO_CALLS,
    )


def _over_range(scope: Scope, level: float, metric: Metric) -> q.Expr:
    where = scope.config.served if metric is scope.config.call_duration else ()
    return scope.quantile(level, metric, genai.PROVIDER, genai.REQUEST_MODEL, where=where, window=ALL)


def _rate(scope: Scope) -> Panel:
    keys = (genai.PROVIDER, genai.REQUEST_MODEL)
    return graph(
        "Calls by model",
        "Model calls per minute, by provider and model.",
        PER_MINUTE,
        Query(scope.per_minute(own.CALLS, *keys), scope.name(*keys)),
        nothing=NO_CALLS,
        stack="normal",
        width=8,
    )


def _slow_models(scope: Scope) -> Panel:
    expr = scope.quantile(0.95, scope.config.call_duration, genai.REQUEST_MODEL, where=scope.config.served)
    return graph(
        "Latency p95 by model",
        "95th percentile of the duration of model calls, by model. The dashed line is the limit of the latency "
        "objective; the dots are single calls that lead to their traces.",
        SECONDS,
        Query(expr, scope.name(genai.REQUEST_MODEL), exemplars=True),
        nothing=NO_CALLS,
        limit=Limit(scope.config.slo.latency_s),
        width=8,
    )


def _chunk_wait(scope: Scope) -> Panel:
    return graph(
        "Time to first chunk",
        "How long users look at nothing: from the call to the first chunk of its stream, by model, 95th percentile.",
        SECONDS,
        Query(
            scope.quantile(0.95, scope.config.first_chunk, genai.REQUEST_MODEL),
            scope.name(genai.REQUEST_MODEL),
            exemplars=True,
        ),
        nothing=_NO_STREAMS,
        width=8,
    )


def _chunk_speed(scope: Scope) -> Panel:
    return graph(
        "Time between chunks",
        "How fluently streams write: mean time between chunks after the first, by model. Under about 0.1 s reads as "
        "flowing.",
        SECONDS,
        Query(scope.mean(scope.config.per_chunk, genai.REQUEST_MODEL), scope.name(genai.REQUEST_MODEL)),
        nothing=_NO_STREAMS,
        width=8,
    )


def _classes(scope: Scope) -> Panel:
    return graph(
        "Errors by class",
        "Failed model calls per minute, by what went wrong; the classes are the same for all providers.",
        PER_MINUTE,
        Query(
            scope.per_minute(own.CALLS, own.ERROR_CLASS, where=figures.FAILED),
            scope.name(own.ERROR_CLASS),
        ),
        nothing="no errors",
        stack="normal",
        width=8,
    )


def _limits(scope: Scope) -> Panel:
    return graph(
        "Rate limits by provider",
        "Attempts per minute that a provider turned away with 429: those that were retried and those that ended the "
        "call.",
        PER_MINUTE,
        Query(figures.rate_limits(scope, genai.PROVIDER), scope.name(genai.PROVIDER)),
        nothing="no rate limits hit",
        stack="normal",
        width=8,
    )


def _distribution(scope: Scope) -> Panel:
    duration = scope.config.call_duration
    buckets = q.rate(duration, W, *scope.limits(duration), *scope.config.served, part="bucket")
    return Panel(
        kind="heatmap",
        title="Latency distribution",
        description="How long model calls take: the darker or brighter a cell, the more calls of that duration. Two "
        "bands mean two kinds of calls, or retries.",
        unit=SECONDS,
        width=16,
        height=8,
        nothing=NO_CALLS,
        queries=(Query(q.sum_by(buckets, LE), "{{le}}", exemplars=True),),
    )
