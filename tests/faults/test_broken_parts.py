"""A part of the telemetry raises: the program sees what it sees without agentobs, and the error is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import openai
import pytest
from opentelemetry.sdk._logs import LogRecordProcessor
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

import agentobs
from agentobs.pricing import PriceBook
from tests.support.backend import Backend, observed
from tests.support.model import NAME, REFUSED, ask, async_client, client

pytestmark = pytest.mark.faults


class BrokenError(RuntimeError):
    """What the broken parts raise."""


class RaisesOnStart(SpanProcessor):
    def on_start(self, span: Any, parent_context: Any = None) -> None:
        raise BrokenError("on_start")


class RaisesOnEnd(SpanProcessor):
    def on_end(self, span: Any) -> None:
        raise BrokenError("on_end")


class RaisesOnEmit(LogRecordProcessor):
    def on_emit(self, log_record: Any) -> None:
        raise BrokenError("on_emit")

    def shutdown(self) -> None:
        """Nothing to stop."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True


class RaisingSampler(Sampler):
    def should_sample(self, *_: Any, **__: Any) -> Any:
        raise BrokenError("should_sample")

    def get_description(self) -> str:
        return "raises"


class RaisingExporter(SpanExporter):
    def export(self, spans: Any) -> Any:
        raise BrokenError("export")


class RaisingReader(InMemoryMetricReader):
    def _receive_metrics(self, *_: Any, **__: Any) -> None:
        raise BrokenError("receive_metrics")


def _said(raised: openai.APIStatusError) -> tuple[Any, ...]:
    chain = (raised.__cause__, raised.__context__)
    return type(raised), str(raised), raised.status_code, raised.body, [(type(error), str(error)) for error in chain]


def plain_call() -> Any:
    return client().chat.completions.create(**ask(7))


def failing_call() -> Any:
    with pytest.raises(openai.BadRequestError) as caught:
        client().chat.completions.create(**ask(REFUSED))
    return _said(caught.value)


def stream() -> Any:
    return list(client().chat.completions.create(**ask(1234, stream=True)))


def stream_left_early() -> Any:
    with client().chat.completions.create(**ask(1234, stream=True)) as chunks:
        return next(chunks)


def stream_helper() -> Any:
    with client().chat.completions.stream(**ask(1234)) as events:
        return [event.type for event in events], events.get_final_completion()


def raw_response() -> Any:
    raw = client().chat.completions.with_raw_response.create(**ask(8))
    return raw.status_code, raw.parse(), raw.text


def streamed_response() -> Any:
    with client().chat.completions.with_streaming_response.create(**ask(8)) as response:
        return list(response.iter_lines())


def embeddings() -> Any:
    return client().embeddings.create(model="text-embedding-3-small", input="x", encoding_format="float")


def verbs() -> Any:
    """Everything of agentobs that stands in the program's own code."""
    seen: list[Any] = []

    @agentobs.tool
    def double(number: int) -> int:
        return 2 * number

    @agentobs.agent("streaming")
    def words() -> Any:
        yield "one"
        yield "two"

    with agentobs.agent("support", conversation_id="c-1"):
        seen.append(double(4))
        seen.append(len(agentobs.decision("refund", "approve", confidence=0.5, confidence_source="verifier")))
        with agentobs.fallback("answer", kind="static", reason="timeout"):
            seen.append(client().chat.completions.create(**ask(5)))
        agentobs.notice("degraded")
        agentobs.feedback(label="thumbs_up", value=1)
    seen.append(list(words()))
    with pytest.raises(KeyError, match="lost"), agentobs.agent("support"), agentobs.tool("find"):
        raise KeyError("lost")
    return seen


PROGRAMS = [
    plain_call,
    failing_call,
    stream,
    stream_left_early,
    stream_helper,
    raw_response,
    streamed_response,
    embeddings,
    verbs,
]


def _no_price(*_: Any, **__: Any) -> Any:
    raise BrokenError("price")


def _no_content(*_: Any, **__: Any) -> Any:
    raise BrokenError("content")


Setup = tuple[Backend, dict[str, Any]]
FAULTS: dict[str, Callable[[], Setup]] = {
    "span processor, on_start": lambda: (Backend(processors=[RaisesOnStart()]), {}),
    "span processor, on_end": lambda: (Backend(processors=[RaisesOnEnd()]), {}),
    "sampler": lambda: (Backend(sampler=RaisingSampler()), {}),
    "log processor": lambda: (Backend(log_processors=[RaisesOnEmit()]), {}),
    "log processor under capture": lambda: (Backend(log_processors=[RaisesOnEmit()]), {"capture": "full"}),
    "span exporter": lambda: (Backend(processors=[SimpleSpanProcessor(RaisingExporter())]), {}),
    "price book": lambda: (Backend(), {}),
    "content": lambda: (Backend(), {"capture": "redacted"}),
}


@pytest.fixture(params=FAULTS)
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Setup:
    if request.param == "price book":
        monkeypatch.setattr(PriceBook, "cost", _no_price)
    if request.param == "content":
        monkeypatch.setattr("agentobs.emit.content.content_attributes", _no_content)
        monkeypatch.setattr("agentobs.emit.content.tool_content", _no_content)
    return FAULTS[request.param]()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_the_program_sees_what_it_sees_without_agentobs(program: Callable[[], Any], broken: Setup) -> None:
    expected = program()
    backend, options = broken
    with observed(backend, **options):
        assert program() == expected


async def test_the_same_for_an_asynchronous_program(broken: Setup) -> None:
    async def program() -> Any:
        api = async_client()
        plain = await api.chat.completions.create(**ask(7))
        chunks = [chunk async for chunk in await api.chat.completions.create(**ask(1234, stream=True))]
        with pytest.raises(openai.BadRequestError) as caught:
            await api.chat.completions.create(**ask(REFUSED))
        async with agentobs.agent("support"):
            return plain, chunks, _said(caught.value)

    expected = await program()
    backend, options = broken
    with observed(backend, **options):
        assert await program() == expected


def test_calls_and_tokens_are_counted_whatever_is_broken(broken: Setup) -> None:
    backend, options = broken
    with observed(backend, **options):
        plain_call()
        stream()
        failing_call()
        assert backend.total("agentobs.calls") == 3
        assert backend.total("agentobs.calls", agentobs_outcome="error") == 1
        assert backend.total("agentobs.tokens") == 8 + 9 + 1234 % 97 + 1 + 1234 % 31 + 2
        assert backend.total("agentobs.calls.active") == 0


@pytest.mark.parametrize(
    ("fault", "stages"),
    [
        ("span processor, on_start", {"call.begin": 2}),
        ("span processor, on_end", {"call.span": 2}),
        ("sampler", {"call.begin": 2}),
        ("log processor", {"call.event": 1}),
        ("span exporter", {}),
    ],
)
def test_each_error_is_counted_by_its_stage(fault: str, stages: dict[str, int]) -> None:
    backend, options = FAULTS[fault]()
    with observed(backend, **options) as handle:
        before = handle.report().errors
        plain_call()
        failing_call()
        assert backend.own_errors() == stages
        after = handle.report().errors
    assert {
        stage: after[stage] - before.get(stage, 0) for stage in after.keys() - before.keys() | stages.keys()
    } == stages


def test_a_price_book_that_raises_leaves_the_cost_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PriceBook, "cost", _no_price)
    backend = Backend()
    with observed(backend):
        plain_call()
        assert backend.own_errors() == {"call.price": 1}
        assert backend.total("agentobs.cost.usd") == 0
    (span,) = backend.spans
    assert span.attributes is not None
    assert span.attributes["gen_ai.usage.input_tokens"] == 8
    assert "agentobs.cost.usd" not in span.attributes


@pytest.mark.parametrize("fault", ["log processor under capture", "content"])
def test_content_that_fails_takes_nothing_else_from_the_span(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if fault == "content":
        monkeypatch.setattr("agentobs.emit.content.content_attributes", _no_content)
    backend, options = FAULTS[fault]()
    with observed(backend, **options):
        plain_call()
        failing_call()
        assert backend.own_errors()["call.content"] == 2
    answered, refused = backend.spans
    assert answered.attributes is not None
    assert answered.attributes["gen_ai.usage.output_tokens"] == 9
    assert answered.attributes["gen_ai.response.model"] == NAME
    assert refused.attributes is not None
    assert refused.attributes["error.type"] == "invalid_request_error"
    assert refused.status.status_code.name == "ERROR"


def test_a_tool_whose_content_fails_still_has_its_span(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agentobs.emit.content.tool_content", _no_content)
    backend = Backend()
    with observed(backend, capture="full"):
        with agentobs.tool("find", arguments={"q": 1}):
            pass
        assert backend.own_errors() == {"tool.content": 1}
    assert [span.name for span in backend.spans] == ["execute_tool find"]


def test_what_the_healthy_parts_get_is_whole() -> None:
    """A broken processor of spans takes nothing from metrics and events."""
    backend = Backend(processors=[RaisesOnStart(), RaisesOnEnd()], sampler=ALWAYS_ON)
    with observed(backend):
        verbs()
        failing_call()
        assert backend.total("agentobs.agent.runs") == 3
        assert backend.total("agentobs.decisions") == 1
        assert backend.total("agentobs.fallbacks") == 1
        assert backend.total("agentobs.feedback.received") == 1
    assert {"agentobs.decision", "agentobs.fallback", "gen_ai.evaluation.result"} <= set(backend.events)


def test_a_metric_reader_that_raises() -> None:
    backend = Backend(reader=RaisingReader())
    expected = plain_call()
    with observed(backend) as handle:
        assert plain_call() == expected
        assert handle.flush(5.0) is False
    assert [span.name for span in backend.spans] == [f"chat {NAME}"]
