"""Model calls: how many, how they end, what fails."""

from __future__ import annotations

from agentobs.catalogue import genai, own

from .. import promql as q
from ..boards import MODELS
from ..burn import FAST, SLOW, Burn, burning
from ..config import PackConfig
from ..figure import NUMBER, PERCENT, Alert, Figure, Graph, Stat, Subject, Table, enough
from ..names import Label, equals, none_of, one_of
from ..panels import COUNT, PER_MINUTE, SECONDS, SHARE, WHOLE, Column, Limit
from ..recording import WINDOW
from ..selection import Selection, over_all, over_range, rate_of_range
from . import retries
from .conditions import FAILED, NO_CALLS


def failed_share(over: Selection, /, *by: Label) -> q.Expr:
    """Share of the model calls that ended in an error."""
    return q.share(over.growth(own.CALLS, *by, where=FAILED), over.growth(own.CALLS, *by))


def all_rate(config: PackConfig) -> q.Recorded:
    """Model calls a second, by service."""
    expr = over_all(config, WINDOW).growth(own.CALLS, config.service)
    return q.Recorded("agentobs:calls:rate5m", expr, "Model calls a second.")


def error_rate(config: PackConfig) -> q.Recorded:
    """Failed model calls a second, by service; 0 where none failed."""
    over = over_all(config, WINDOW)
    total = over.growth(own.CALLS, config.service)
    expr = over.growth(own.CALLS, config.service, where=FAILED) | total * 0
    return q.Recorded("agentobs:calls_error:rate5m", expr, "Model calls a second that ended in an error.")


def availability(config: PackConfig) -> Figure:
    """Share of the model calls that did not fail, with the alerts on its error budget."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.match("-", q.Number(1), failed_share(over, *by))

    def errors(burns: tuple[Burn, ...]) -> q.Expr:
        return burning(config, error_rate(config), all_rate(config), 1 - config.slo.availability, burns)

    return Figure(
        measure=measure,
        unit=SHARE,
        empty=NO_CALLS,
        limit=Limit(config.slo.availability, "below"),
        stat=Stat(
            "Model calls answered",
            "Share of model calls in the time range that did not end in an error, after the client's own retries. Red "
            "below the availability objective.",
            decimals=2,
        ),
        alerts=(
            Alert(
                name="AgentObsAvailabilityBurnFast",
                expr=errors(FAST),
                by=(config.service,),
                for_="2m",
                severity="critical",
                summary="Model calls fail so often that the error budget of 30 days is gone within days.",
                description=f"{PERCENT} of the model calls of {{0}} end in an error.",
                meaning="The share of failed model calls burns the availability budget at 14.4 times (1 h and 5 min) or "
                "6 times (6 h and 30 min) the rate that would spend it in 30 days. Retries and fallbacks of the client "
                "library are already behind such a call: it is one that the program saw fail.",
                impact="Users get errors, or worse answers where a fallback stands behind the call.",
                check=(
                    "Is it one provider or model, or all? See error share by provider, and errors by class.",
                    "`rate_limit` and `quota` are yours to fix, `overloaded` and `server_error` the provider's, `auth` "
                    "and `not_found` come with a deployment.",
                    "Did a deployment, a new key or a new model go out when it began?",
                ),
                fix=(
                    "Provider down: move traffic to the fallback model or the other provider; open its breaker.",
                    "Rate limited: lower concurrency, spread load, ask for quota.",
                    "Deployment: roll back.",
                ),
                options=("slo.availability", "slo.minimum_bad"),
                shown="stat",
            ),
            Alert(
                name="AgentObsAvailabilityBurnSlow",
                expr=errors(SLOW),
                by=(config.service,),
                for_="1h",
                severity="warning",
                summary="Model calls fail more often than the error budget allows in the long run.",
                description=f"{PERCENT} of the model calls of {{0}} end in an error.",
                meaning="The share of failed model calls burns the availability budget at 3 times (1 d and 2 h) or at "
                "the very rate (3 d and 6 h) that spends it in 30 days.",
                impact="No outage, but the objective will be missed if nothing changes.",
                check=(
                    "Which error class and which model make up most of the errors?",
                    "Has it risen slowly, or been there since a certain change?",
                ),
                fix=(
                    "Treat the most frequent error class first: timeouts, context windows that overflow, invalid "
                    "requests.",
                    "If the objective is higher than users need, lower it.",
                ),
                options=("slo.availability", "slo.minimum_bad"),
                shown="stat",
            ),
        ),
    )


_OURS = ("auth", "quota", "not_found", "invalid_request", "context_window", "content_filter")
"""Classes of errors that the request is to blame for, its key or its account, and not the provider."""


def provider_errors(config: PackConfig) -> Figure:
    """Share of the model calls that failed by the provider's fault or the network's."""
    limits, by = config.thresholds, (config.service, genai.PROVIDER)
    limit = Limit(limits.error_share)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        theirs = over.growth(own.CALLS, *by, where=(*FAILED, none_of(own.ERROR_CLASS, *_OURS)))
        return q.share(theirs, over.growth(own.CALLS, *by))

    return Figure(
        measure=measure,
        unit=SHARE,
        empty=NO_CALLS,
        limit=limit,
        graph=Graph(
            "Error share by provider",
            "Share of the model calls that failed by the fault of the provider or of the network, by service and "
            "provider. The dashed line is the limit of the alert.",
            by=by,
        ),
        alerts=(
            Alert(
                name="AgentObsProviderErrors",
                # The short window keeps a failure of two minutes quiet, which retries and breakers are for.
                expr=limit.past(measure(over_all(config, "10m"), *by))
                & limit.past(measure(over_all(config, "3m"), *by))
                & enough(own.CALLS, "10m", limits.minimum_calls, *by),
                by=by,
                for_="5m",
                severity="warning",
                summary="A provider fails a large share of the model calls.",
                description=f"{PERCENT} of the calls of {{0}} to {{1}} in 10 minutes failed by the provider's fault.",
                meaning="More than `thresholds.error_share` of the calls to one provider end in an error after all "
                "hidden retries, and in one that the request is not to blame for. A breaker that counts consecutive "
                "failures does not open when every second call fails; this alert sees that.",
                impact="Users of what needs this provider get errors or fallbacks.",
                check=(
                    "The provider's status page, and the classes of the errors.",
                    "Do all models of the provider fail, or one?",
                ),
                fix=(
                    "Move traffic to another provider or model until it is over.",
                    "`rate_limit`: lower concurrency or ask for quota.",
                ),
                options=("thresholds.error_share", "thresholds.minimum_calls"),
            ),
        ),
    )


def request_errors(config: PackConfig) -> Figure:
    """Share of the model calls that failed by our own fault."""
    limits, by = config.thresholds, (config.service, genai.PROVIDER)
    limit = Limit(limits.error_share)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        ours = over.growth(own.CALLS, *by, where=(*FAILED, one_of(own.ERROR_CLASS, *_OURS)))
        return q.share(ours, over.growth(own.CALLS, *by))

    return Figure(
        measure=measure,
        unit=SHARE,
        empty=NO_CALLS,
        limit=limit,
        graph=Graph(
            "Refused requests by provider",
            "Share of the model calls that the provider refused for what was asked, or for who asked: invalid requests, "
            "overflown context windows, unknown models, keys, quotas, content filters. The dashed line is the limit of "
            "the alert.",
            by=by,
        ),
        alerts=(
            Alert(
                name="AgentObsRequestErrors",
                expr=limit.past(measure(over_all(config, "10m"), *by))
                & limit.past(measure(over_all(config, "3m"), *by))
                & enough(own.CALLS, "10m", limits.minimum_calls, *by),
                by=by,
                for_="5m",
                severity="warning",
                summary="A provider refuses a large share of the requests.",
                description=f"{PERCENT} of the calls of {{0}} to {{1}} in 10 minutes were refused for what was asked or "
                "who asked.",
                meaning="More than `thresholds.error_share` of the calls end in an error of the classes `auth`, `quota`, "
                "`not_found`, `invalid_request`, `context_window` or `content_filter`. The provider is well; another "
                "one, or a retry, would not help.",
                impact="Users of what sends these requests get errors or fallbacks.",
                check=("Which class? See errors by class.", "Did a deployment, a new key or a new model go out?"),
                fix=(
                    "`auth`: the key has expired or was revoked. `quota`: raise it. `not_found`: the model's name.",
                    "`invalid_request`: roll back. `context_window`: cut the history.",
                ),
                options=("thresholds.error_share", "thresholds.minimum_calls"),
            ),
        ),
    )


def errors(config: PackConfig) -> Figure:
    """Failed model calls."""

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return over.growth(own.CALLS, *by, where=FAILED)

    return Figure(
        measure=measure,
        unit=WHOLE,
        empty=NO_CALLS,
        stat=Stat(
            "Failed calls",
            "Model calls in the time range that ended in an error.",
            q.or_zero(measure(over_range(config))),
        ),
        graph=Graph(
            "Errors by class",
            "Failed model calls per minute, by what went wrong; the classes are the same for all providers.",
            by=(own.ERROR_CLASS,),
            unit=PER_MINUTE,
            empty="no errors",
            stack="normal",
        ),
    )


def _ended(over: Selection, /, *by: Label) -> q.Expr:
    return over.growth(own.CALLS, *by)


def ended(config: PackConfig) -> Figure:
    """Model calls that ended, however they did."""
    return Figure(
        measure=_ended,
        unit=WHOLE,
        empty=NO_CALLS,
        stat=Stat(
            "Model calls",
            "Model calls that ended in the time range, for each of its minutes.",
            _ended(rate_of_range(config)) * 60,
            unit=PER_MINUTE,
        ),
        graph=Graph(
            "Model calls by outcome",
            "Model calls per minute by how they ended. Abandoned: the program left a stream before its end.",
            by=(own.OUTCOME,),
            unit=PER_MINUTE,
            stack="normal",
        ),
    )


def by_model(config: PackConfig) -> Figure:
    """Model calls that ended, by provider and model, with what else is known of each model."""
    keys, over = (genai.PROVIDER, genai.REQUEST_MODEL), over_range(config)
    served, first_chunk = config.served, config.first_chunk
    output = over.growth(own.TOKENS, *keys, where=(equals(own.TOKEN_KIND, "output"),))
    slow = Limit(config.slo.latency_s)
    return Figure(
        measure=_ended,
        unit=WHOLE,
        empty=NO_CALLS,
        graph=Graph(
            "Calls by model",
            "Model calls per minute, by provider and model.",
            by=keys,
            unit=PER_MINUTE,
            stack="normal",
        ),
        table=Table(
            "Providers and models",
            "Every model that was asked for in the time range. Retries are attempts that the program does not see.",
            ((genai.PROVIDER, "Provider"), (genai.REQUEST_MODEL, "Model")),
            (
                Column("Calls", _ended(over, *keys), WHOLE),
                Column("Errors", failed_share(over, *keys), SHARE, Limit(config.thresholds.error_share)),
                Column("p50", over.quantile(0.5, config.call_duration, *keys, where=served), SECONDS),
                Column("p95", over.quantile(0.95, config.call_duration, *keys, where=served), SECONDS, slow),
                Column("First chunk p95", over.quantile(0.95, first_chunk, *keys), SECONDS),
                retries.per_call(config).column("Retries per call", config, *keys, decimals=2),
                Column("Output tokens", output, COUNT),
            ),
        ),
    )


def active(config: PackConfig) -> Figure:
    """Model calls that are under way, with the alert on those that do not end."""
    limits, by = config.thresholds, (config.service,)

    def measure(over: Selection, /, *by: Label) -> q.Expr:
        return q.sum_by(over.gauge(own.CALLS_ACTIVE), *by)

    least = q.sum_by(q.over_time("min", own.CALLS_ACTIVE, "30m"), *by)
    # Seconds of ended calls in a second are the mean number of calls that were under way (Little's law).
    ended_ = q.sum_by(q.rate(config.call_duration, "1h", part="sum"), *by) | least * 0
    return Figure(
        measure=measure,
        unit=WHOLE,
        empty=NO_CALLS,
        stat=Stat(
            "Under way now",
            "Model calls that are under way now, streams that are being read included.",
            curve=True,
        ),
        graph=Graph(
            "Calls under way",
            "Model calls that are under way, streams that are being read included, by service. What rises and does not "
            "fall again hangs.",
            by=by,
        ),
        alerts=(
            Alert(
                name="AgentObsCallsHanging",
                expr=q.match(">", least, ended_ * 2 + limits.hanging_calls),
                by=by,
                for_="5m",
                severity="warning",
                summary="Model calls are under way that do not come to an end.",
                description=f"At least {NUMBER} model calls of {{0}} have been under way at any time of 30 minutes, many "
                "more than those that end can explain.",
                meaning="The number of calls under way never fell below twice what duration and rate of the ended calls "
                "of an hour account for, and `thresholds.hanging_calls` more. Calls that hang end nowhere: neither "
                "errors nor latency show them.",
                impact="Users wait for ever; threads, connections and memory are held until the process has none left.",
                check=(
                    "Do the calls have a timeout? The clients' default is ten minutes, for each attempt.",
                    "Are streams opened and neither read to their end nor closed?",
                ),
                fix=("Restart the processes; set `timeout`, and close streams that are left early.",),
                options=("thresholds.hanging_calls",),
            ),
        ),
    )


SUBJECT = Subject(
    "calls",
    "Model calls",
    MODELS,
    (availability, provider_errors, request_errors, errors, ended, by_model, active),
)
