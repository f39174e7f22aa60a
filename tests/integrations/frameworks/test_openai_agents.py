"""The OpenAI Agents SDK: its agents fill the agents' telemetry without one verb of agentobs, and notice nothing of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from agentobs import testing
from tests.support import needs
from tests.support.clients import wire
from tests.support.kept import kept
from tests.support.loopback import Answer, Loopback

agents = needs.module("agents")
CALLS = wire.answer(wire.chat(None, "tool_calls", tool_calls=[wire.TOOL_CALL]))
SAYS = wire.answer(wire.chat())
ITEM = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "status": "completed"} | wire.TOOL_CALL["function"]


class Recorder(agents.TracingProcessor):  # type: ignore[misc]
    """A processor of the program's own, which writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_trace_start(self, trace: Any) -> None:
        self.told.append(f"trace {trace.name}")

    def on_trace_end(self, trace: Any) -> None:
        self.told.append(f"end of {trace.name}")

    def on_span_start(self, span: Any) -> None:
        self.told.append(span.span_data.type)

    def on_span_end(self, span: Any) -> None:
        self.told.append(f"end of {span.span_data.type}, {span.error and span.error['message']}")

    def shutdown(self) -> None:
        """Nothing to do."""

    def force_flush(self) -> None:
        """Nothing to do."""


@pytest.fixture(autouse=True)
def recorder() -> Iterator[Recorder]:
    """The program's only processor: nothing is to be sent to OpenAI."""
    provider = agents.tracing.provider.DefaultTraceProvider()
    recorder = Recorder()
    provider.set_processors([recorder])
    agents.set_trace_provider(provider)
    yield recorder
    agents.set_trace_provider(agents.tracing.provider.DefaultTraceProvider())


@contextlib.asynccontextmanager
async def desk(
    loopback: Loopback, responses: bool = False, tool: Callable[..., Any] = wire.look_up, **more: Any
) -> Any:
    """An agent with one tool."""
    async with openai.AsyncOpenAI(base_url=f"{loopback.url}/v1", api_key="none", max_retries=1) as client:
        kind = agents.OpenAIResponsesModel if responses else agents.OpenAIChatCompletionsModel
        model = kind(wire.MODEL, client)
        yield agents.Agent(name="desk", model=model, tools=[agents.function_tool(tool)], **more)


async def run(agent: Any, stream: bool = False, **config: Any) -> Any:
    given = {"run_config": agents.RunConfig(**config)}
    if not stream:
        return (await agents.Runner.run(agent, "Where is 4711?", **given)).final_output
    result = agents.Runner.run_streamed(agent, "Where is 4711?", **given)
    async for _ in result.stream_events():
        pass
    return result.final_output


def named(seen: testing.Captured, start: str) -> list[testing.CapturedSpan]:
    return [span for span in seen.spans if span.name.startswith(start)]


def script(responses: bool, stream: bool) -> list[Answer]:
    """The answers of one run with one call of the tool."""
    if not responses and not stream:
        return [CALLS, SAYS]
    if not responses:
        return [wire.events(wire.TOOL_CHUNKS, named=False), wire.events(wire.CHAT_CHUNKS, named=False)]
    calls = wire.response(output=[ITEM])
    if not stream:
        return [wire.answer(calls), wire.answer(wire.response())]
    return [wire.events(wire.response_events(last=calls)), wire.events(wire.response_events())]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("responses", [False, True], ids=["chat", "responses"])
async def test_one_run_one_tool_two_calls(loopback: Loopback, responses: bool, stream: bool) -> None:
    loopback.play(*script(responses, stream))
    async with desk(loopback, responses) as agent:
        with testing.capture() as seen:
            said = await run(agent, stream, group_id="conversation-1")
    assert said == "In the depot."
    (whole,) = named(seen, "invoke_agent desk")
    (tool,) = named(seen, "execute_tool look_up")
    calls = named(seen, f"chat {wire.MODEL}")
    assert [span.parent_id for span in (tool, *calls)] == [whole.span_id] * 3
    attributes = whole.attributes
    assert (attributes["agentobs.run.calls"], attributes["agentobs.run.tool_calls"]) == (2, 1)
    assert (attributes["gen_ai.usage.input_tokens"], attributes["gen_ai.usage.output_tokens"]) == (22, 14)
    assert attributes["gen_ai.conversation.id"] == calls[0].attributes["gen_ai.conversation.id"] == "conversation-1"
    assert attributes["agentobs.cost.usd"] == pytest.approx(sum(call.attributes["agentobs.cost.usd"] for call in calls))
    assert seen.value("agentobs.agent.runs", agentobs_outcome="success") == seen.value("agentobs.agent.runs") == 1
    assert seen.value("agentobs.calls", gen_ai_agent_name="desk") == seen.value("agentobs.calls") == 2
    assert seen.value("gen_ai.execute_tool.duration", gen_ai_tool_name="look_up") == 1


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_the_program_notices_nothing(loopback: Loopback, recorder: Recorder, stream: bool) -> None:
    told = []
    for observed in (False, True):
        recorder.told = []
        loopback.play(*script(False, stream))
        async with desk(loopback) as agent:
            with testing.capture() if observed else contextlib.nullcontext():
                said = await run(agent, stream)
        told.append((said, recorder.told, [request.body for request in loopback.requests]))
    assert told[0] == told[1]
    assert "end of agent, None" in recorder.told


async def test_processors_that_the_program_sets_later_stand_beside_ours(loopback: Loopback) -> None:
    loopback.play(CALLS, SAYS)
    later = Recorder()
    async with desk(loopback) as agent:
        with testing.capture() as seen:
            agents.set_trace_processors([later])
            await run(agent)
    assert len(named(seen, "invoke_agent")) == 1
    assert "agent" in later.told


async def test_afterwards_the_processors_are_those_of_the_program(loopback: Loopback, recorder: Recorder) -> None:
    with testing.capture() as seen:
        pass
    loopback.play(CALLS, SAYS)
    async with desk(loopback) as agent:
        await run(agent)
    assert seen.spans == []
    several = vars(agents.tracing.get_trace_provider())["_multi_processor"]
    assert vars(several)["_processors"] == (recorder,)


async def test_a_tool_that_fails(loopback: Loopback) -> None:
    def look_up(order: str) -> str:
        raise ValueError(order)

    loopback.play(CALLS, SAYS)
    async with desk(loopback, tool=look_up) as agent:
        with testing.capture() as seen:
            await run(agent)
    (tool,) = named(seen, "execute_tool look_up")
    (whole,) = named(seen, "invoke_agent desk")
    assert (tool.status, tool.attributes["agentobs.outcome"]) == ("ERROR", "error")
    assert (whole.status, whole.attributes["agentobs.outcome"]) == ("UNSET", "success")


async def test_a_run_that_fails(loopback: Loopback) -> None:
    loopback.play(wire.error(400), CALLS)
    async with desk(loopback) as agent:
        with testing.capture() as seen:
            with pytest.raises(openai.BadRequestError):
                await run(agent)
            with pytest.raises(agents.MaxTurnsExceeded):
                await agents.Runner.run(agent, "Where is 4711?", max_turns=1)
    failed = named(seen, "invoke_agent desk")
    assert [span.attributes["agentobs.outcome"] for span in failed] == ["error", "error"]
    assert failed[0].attributes["error.type"] == "BadRequestError"


async def test_a_hand_off_is_a_decision_and_two_runs(loopback: Loopback) -> None:
    hands_over = {"id": "call_1", "type": "function", "function": {"name": "transfer_to_depot", "arguments": "{}"}}
    loopback.play(wire.answer(wire.chat(None, "tool_calls", tool_calls=[hands_over])), SAYS)
    async with desk(loopback) as agent:
        depot = agent.clone(name="depot")
        with testing.capture() as seen:
            await run(agent.clone(handoffs=[depot]))
    assert sorted(span.name for span in named(seen, "invoke_agent")) == ["invoke_agent depot", "invoke_agent desk"]
    (decision,) = [event.attributes for event in seen.events if event.name == "agentobs.decision"]
    assert (decision["agentobs.decision.kind"], decision["agentobs.decision.chosen"]) == ("handoff", "depot")
    assert decision["gen_ai.agent.name"] == "desk"


async def test_a_guardrail_that_trips_is_a_decision(loopback: Loopback) -> None:
    @agents.input_guardrail(run_in_parallel=False)  # type: ignore[untyped-decorator]
    def polite(context: Any, agent: Any, said: Any) -> Any:
        return agents.GuardrailFunctionOutput(None, tripwire_triggered=True)

    loopback.play()
    async with desk(loopback, input_guardrails=[polite]) as agent:
        with testing.capture() as seen, pytest.raises(agents.InputGuardrailTripwireTriggered):
            await run(agent)
    (decision,) = [event.attributes for event in seen.events if event.name == "agentobs.decision"]
    assert (decision["agentobs.decision.kind"], decision["agentobs.decision.policy"]) == ("guardrail", "polite")
    assert (decision["agentobs.decision.chosen"], decision["agentobs.decision.outcome"]) == ("tripped", "blocked")


async def test_an_agent_that_is_a_tool_runs_inside_it(loopback: Loopback) -> None:
    asks = {"id": "call_1", "type": "function", "function": {"name": "depot", "arguments": '{"input": "4711"}'}}
    loopback.play(wire.answer(wire.chat(None, "tool_calls", tool_calls=[asks])), SAYS, SAYS)
    async with desk(loopback) as agent:
        depot = agent.clone(name="depot").as_tool("depot", "Knows.")
        with testing.capture() as seen:
            await run(agent.clone(tools=[depot]))
    outer, inner = seen.span("invoke_agent desk"), seen.span("invoke_agent depot")
    assert inner.parent_id == seen.span("execute_tool depot").span_id
    assert (outer.attributes["agentobs.run.calls"], inner.attributes["agentobs.run.calls"]) == (3, 1)


async def test_a_model_that_no_client_tells_of_is_reported_by_the_sdk_s_own_count(loopback: Loopback) -> None:
    class Canned(agents.Model):  # type: ignore[misc]
        async def get_response(self, *args: Any, **kwargs: Any) -> Any:
            with agents.generation_span(model="canned-1") as span:
                span.span_data.usage = {"input_tokens": 3, "output_tokens": 4}
            text = {"type": "output_text", "text": "In the depot.", "annotations": []}
            said = openai.types.responses.ResponseOutputMessage.model_validate(
                {"id": "m-1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
            )
            return agents.ModelResponse(output=[said], usage=agents.Usage(), response_id=None)

        def stream_response(self, *args: Any, **kwargs: Any) -> Any:
            raise NotImplementedError

    with testing.capture() as seen:
        assert await run(agents.Agent(name="desk", model=Canned())) == "In the depot."
    call, whole = seen.span("chat canned-1"), seen.span("invoke_agent desk")
    assert call.parent_id == whole.span_id
    assert (call.attributes["gen_ai.usage.input_tokens"], call.attributes["gen_ai.usage.output_tokens"]) == (3, 4)
    assert whole.attributes["agentobs.run.calls"] == 1


async def test_without_the_sdk_s_tracing_only_calls_are_seen(loopback: Loopback) -> None:
    loopback.play(CALLS, SAYS)
    async with desk(loopback) as agent:
        with testing.capture() as seen:
            await run(agent, tracing_disabled=True)
    assert [span.name for span in seen.spans] == [f"chat {wire.MODEL}"] * 2


async def test_content_is_captured_where_it_is_asked_for(loopback: Loopback) -> None:
    for content, known in (("none", None), ("full", '{"order":"4711"}')):
        loopback.play(CALLS, SAYS)
        async with desk(loopback) as agent:
            with testing.capture(content=content) as seen:
                await run(agent)
        assert seen.span("execute_tool look_up").attributes.get("gen_ai.tool.call.arguments") == known


async def test_nothing_is_kept_of_runs_that_are_over(loopback: Loopback) -> None:
    async with desk(loopback) as agent:
        with testing.capture():
            counts = []
            for _ in range(10):
                loopback.play(CALLS, SAYS)
                await run(agent)
                counts.append(kept())
    assert len(set(counts[1:])) == 1
