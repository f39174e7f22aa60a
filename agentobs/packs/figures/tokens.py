"""Tokens: how many, of which kind, how many in a call, how many from a cache."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import chance
from .. import promql as q
from ..boards import COST
from ..config import PackConfig
from ..figure import FACTOR, Alert, Figure, Graph, Stat, Subject
from ..names import Label, differs, equals
from ..panels import COUNT, SHARE, Query
from ..recording import WINDOW, counted, ratio
from ..selection import Selection, over_all, over_time, series_name
from .conditions import SUCCEEDED
from .latency import model_rate

_CACHED = (equals(own.TOKEN_KIND, "cache_read"),)
_INPUT = (differs(own.TOKEN_KIND, "output"),)
_NO_TOKENS = "no tokens yet"


def token_rate(config: PackConfig) -> q.Recorded:
    """Tokens a second of one model."""
    by = (config.service, genai.PROVIDER, genai.REQUEST_MODEL)
    expr = over_all(config, WINDOW).growth(own.TOKENS, *by)
    return q.Recorded("agentobs:model_tokens:rate5m", expr, "Tokens a second of one model.")


def used(config: PackConfig) -> Figure:
    """Tokens by kind."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.TOKENS, *by)

    keys = (own.TOKEN_KIND,)
    return Figure(
        measure=measure,
        unit=COUNT,
        empty=_NO_TOKENS,
        graph=Graph(
            "Tokens per minute",
            "Tokens a minute by kind, that providers reported: fresh input, input read from and written to caches, and "
            "output (reasoning included).",
            queries=(Query(measure(over_time(config), *keys) * 60, series_name(config, *keys)),),
            stack="normal",
        ),
    )


def per_call(config: PackConfig) -> Figure:
    """Tokens of a call, with the alert on their growth."""
    limits, by = config.thresholds, (config.service, genai.PROVIDER, genai.REQUEST_MODEL)
    calls, tokens = model_rate(config), token_rate(config)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.TOKENS, *by) / (over.growth(own.CALLS, *by, where=SUCCEEDED) > 0)

    return Figure(
        measure=measure,
        unit=COUNT,
        empty=_NO_TOKENS,
        graph=Graph(
            "Tokens of a call by model",
            "Mean tokens of a successful model call, input and output together. An alert fires where it is "
            f"{limits.tokens_growth:g} times that of the day before: a prompt or a conversation has outgrown its size.",
            by=by,
        ),
        alerts=(
            Alert(
                name="AgentObsTokensPerCall",
                expr=chance.grown(
                    ratio(tokens, calls, "1h") / ratio(tokens, calls, "1h", "1d"),
                    limits.tokens_growth,
                    counted(calls, "1h"),
                    counted(calls, "1h", "1d"),
                ),
                by=by,
                for_="15m",
                severity="warning",
                summary="Calls of a model use many more tokens than a day ago.",
                description=f"A call of {{2}} by {{1}} in {{0}} uses {FACTOR} times the tokens of a day ago.",
                meaning="Mean tokens of a call, input and output together, are `thresholds.tokens_growth` times those of "
                "the same hour a day ago, and more than chance makes of so few calls: 400 an hour show twice the tokens, "
                "100 four times, 25 seventeen times.",
                impact="Cost and latency rise; in the end the context window overflows.",
                check=(
                    "Input or output? See tokens by kind.",
                    "A conversation that is never cut, a tool result that is passed on whole, a new system prompt?",
                ),
                fix=("Cut or sum up the history, limit tool results, set `max_tokens`.",),
                options=("thresholds.tokens_growth",),
            ),
        ),
    )


def cache_hits(config: PackConfig) -> Figure:
    """Share of the input tokens that were read from a cache."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.share(over.growth(own.TOKENS, *by, where=_CACHED), over.growth(own.TOKENS, *by, where=_INPUT))

    return Figure(
        measure=measure,
        unit=SHARE,
        empty=_NO_TOKENS,
        stat=Stat(
            "Cache hits",
            "Share of the input tokens in the time range that were read from a provider's cache; they cost a fraction.",
            decimals=1,
        ),
        graph=Graph(
            "Cache hits by model",
            "Share of the input tokens that were read from the provider's cache, by model.",
            by=(genai.REQUEST_MODEL,),
            top=1,
        ),
    )


SUBJECT = Subject("tokens", "Tokens", COST, (per_call, used, cache_hits))
