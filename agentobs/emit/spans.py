"""Spans: where they come from, and how they are closed."""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags, Tracer

from .. import catalogue, guard
from ..catalogue import Attribute, Event, Span, genai
from ..context import carry_in
from ..records.agents import Run, SpanIds
from .providers import SignalProvider

KINDS = {"client": SpanKind.CLIENT, "internal": SpanKind.INTERNAL}
_MESSAGE_LIMIT = 500
_SUPPRESSED = "suppress_instrumentation"
_RUN = otel_context.create_key("agentobs-run")


class Parent(Protocol):
    """Something that has a span and may be inside a run: a run, a tool call, a model call."""

    @property
    def span(self) -> Any: ...
    @property
    def run(self) -> Run | None: ...


def encodable(value: Any) -> Any:
    """`value`, in a text without lone surrogates: OTLP cannot carry them and would lose the whole batch."""
    if type(value) is not str or value.isascii():
        return value
    from ..privacy.plain import clean

    return clean(value)


@functools.cache
def _declared(row: Span | Event) -> frozenset[str]:
    return frozenset(attribute.name for attribute in catalogue.declared(row))


def check(row: Span | Event, names: Iterable[str]) -> None:
    """Under test, that the catalogue's row declares the attributes of these names.

    Raises:
        LookupError: it does not.
    """
    if guard.strict:
        undeclared = sorted(set(names) - _declared(row))
        if undeclared:
            raise LookupError(
                f"{row.name} does not declare {', '.join(undeclared)}; add it to the row in the catalogue"
            )


def named(row: Span | Event, values: Mapping[Attribute, Any]) -> dict[str, Any]:
    """`values` by name, without those that are `None`."""
    attributes = {attribute.name: encodable(value) for attribute, value in values.items() if value is not None}
    check(row, attributes)
    return attributes


class Spans:
    """Starts spans with the tracer in force."""

    def __init__(self, source: SignalProvider, version: str) -> None:
        self.source = source
        self._version = version
        self._tracer = self._get_tracer()

    def _get_tracer(self) -> Tracer:
        tracer: Tracer = self.source.provider.get_tracer(catalogue.SCOPE, self._version, genai.SCHEMA_URL)
        return tracer

    def start_again(self) -> None:
        """In a forked child, use the provider that there is now."""
        self._tracer = self._get_tracer()

    def start(
        self, row: Span, values: Mapping[Attribute, Any], start_ns: int | None = None, parent: Parent | None = None
    ) -> Any:
        """A started span of this row, child of `parent` or of the current span; it is not made current.

        `None` where that fails (a span processor that raises): whatever has begun is counted all the same.
        """
        try:
            return self.start_named(encodable(row.named(values)), KINDS[row.kind], named(row, values), start_ns, parent)
        except Exception as error:  # noqa: BLE001
            guard.failed("span.start", error)
            return None

    def start_named(
        self,
        name: str,
        kind: SpanKind,
        attributes: Mapping[str, Any],
        start_ns: int | None = None,
        parent: Parent | None = None,
    ) -> Any:
        """`start` for a name and attributes that were made before."""
        if self.source.own is not None and self.source.program_took_over():
            self._tracer = self._get_tracer()
        context = None if parent is None or parent.span is None else trace.set_span_in_context(parent.span)
        return self._tracer.start_span(name, context, kind, attributes, (), start_ns)

    def adopt(self, tracer: Any, span: Any, outer_context: Any, given: Any) -> Any:
        """A tracer for a client library that traces its own calls, while our `span` already stands for the call.

        The library then makes no second span, and the trace headers that it sends by itself name ours. A client that the
        program has `given` a tracer provider of its own keeps its spans there, as children of ours.

        Without a tracer provider of the program the library's tracer hands on the context that it finds, so it must not
        find ours but `outer_context`: no header may appear that the program did not have before.
        """
        if span is None or (given is not None and given is not self.source.provider):
            return tracer
        if given is None and _proxied(tracer):
            return _Outside(tracer, outer_context)
        return _Adopter(span)


def attach(span: Any, context: Any = None) -> Any:
    """Make `span` current, in `context` or the current one; what comes back goes to `detach`."""
    return otel_context.attach(trace.set_span_in_context(span, context))


def attach_run(span: Any, run: Run) -> Any:
    """`attach` for the span of a run, `None` where it has none; the run itself rides in the context.

    Whatever carries OpenTelemetry's context to another thread carries the run along.
    """
    carry_in(_run_in_context)
    context = otel_context.set_value(_RUN, run)
    return otel_context.attach(context if span is None else trace.set_span_in_context(span, context))


def _run_in_context() -> Run | None:
    run = otel_context.get_value(_RUN)
    return run if isinstance(run, Run) else None


def threads_carry_context() -> bool:
    """Whether OpenTelemetry's own instrumentation of threads is in force."""
    module = sys.modules.get("opentelemetry.instrumentation.threading")
    instrumentor = getattr(module, "ThreadingInstrumentor", None)
    return instrumentor is not None and bool(instrumentor().is_instrumented_by_opentelemetry)


def attach_context(context: Any) -> Any:
    """Make `context` the current one; what comes back goes to `detach`."""
    return otel_context.attach(context)


# Under names of ours and without a function around them, because every call needs them.
current_context = otel_context.get_current
detach = otel_context.detach


def suppressed() -> bool:
    """Whether the program asked OpenTelemetry instrumentations to keep quiet in this context."""
    return bool(otel_context.get_value(_SUPPRESSED))


def ids_of(span: Any) -> SpanIds | None:
    """The identity of `span`, `None` where it has none."""
    context = span.get_span_context() if span is not None else None
    if context is None or not context.is_valid:
        return None
    return SpanIds(context.trace_id, context.span_id, bool(context.trace_flags.sampled))


def remote_span(trace_id: str, span_id: str, sampled: bool) -> Any:
    """A stand-in for the span of these hexadecimal ids, which is or was somewhere else."""
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return NonRecordingSpan(SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=flags))


def message_of(error: BaseException | None) -> str | None:
    """The text of an exception for a status or an event: secrets and personal data replaced, at most 500 characters."""
    if error is None:
        return None
    from ..privacy import redact_text

    text: str = encodable(redact_text(str(error)))
    return text[:_MESSAGE_LIMIT]


def fail(span: Any, error_type: str, error: BaseException | None) -> None:
    """Set the error status; the attribute `error.type` is the caller's."""
    span.set_status(StatusCode.ERROR, message_of(error) or error_type)


def close(
    row: Span,
    span: Any,
    values: Mapping[Attribute, Any],
    error_type: str | None,
    error: BaseException | None,
    end_ns: int | None = None,
) -> None:
    """Set what is known at the end, and the error status where there is an `error_type`; end the span."""
    if span is None or not span.is_recording():
        return
    try:
        attributes = named(row, values)
        if error_type is not None:
            attributes[genai.ERROR_TYPE.name] = error_type
            fail(span, error_type, error)
        span.set_attributes(attributes)
    finally:
        span.end(end_ns)


def annotate(span: Any, values: Mapping[Attribute, Any]) -> None:
    """Put what is said about a span on it, whoever made it; the catalogue's `ANNOTATIONS` lists what that may be.

    Raises:
        LookupError: another attribute.
    """
    if not span.is_recording():
        return
    undeclared = [attribute.name for attribute in values if attribute not in catalogue.own.ANNOTATIONS]
    if undeclared:
        raise LookupError(f"{', '.join(undeclared)} may not be put on any span; add it to ANNOTATIONS in the catalogue")
    span.set_attributes({key.name: encodable(value) for key, value in values.items() if value is not None})


class _Adopter:
    """A tracer whose spans are stand-ins for one of ours: they carry its context and record nothing."""

    def __init__(self, span: Any) -> None:
        self._context = span.get_span_context()

    def start_span(self, *_: Any, **__: Any) -> Any:
        return NonRecordingSpan(self._context)


class _Outside:
    """A tracer that starts its spans as if ours were not current."""

    def __init__(self, tracer: Any, context: Any) -> None:
        self._tracer = tracer
        self._context = context

    def start_span(self, name: str, *_: Any, **more: Any) -> Any:
        return self._tracer.start_span(name, **(more | {"context": self._context}))


def _proxied(tracer: Any) -> bool:
    """Whether `tracer` is the API's stand-in, and the program has not set what it stands for."""
    return (
        type(tracer).__name__ == "ProxyTracer" and type(trace.get_tracer_provider()).__name__ == "ProxyTracerProvider"
    )


def current_span() -> Any:
    """The span that is current in this context."""
    return trace.get_current_span()
