"""Runs of agents: outcome, what the user got, and what the user was told."""

from __future__ import annotations

from .. import genai
from ..model import Attribute, Event, Kind, Metric
from ..values import Level, Notice, NoticeKind, values_of
from .calls import OUTCOME
from .labels import USD_BOUNDS

DEGRADATION = Attribute(
    "agentobs.degradation.level",
    "string",
    "How much of the intended service the user got; a run has the worst level that it saw.",
    values=values_of(Level),
)
NOTICE = Attribute(
    "agentobs.notice",
    "string",
    "Whether the user of a degraded run was told; not_needed for a full one.",
    values=values_of(Notice),
)
NOTICE_KIND = Attribute(
    "agentobs.notice.kind",
    "string",
    "What the user was told.",
    values=values_of(NoticeKind),
)
RUN_CALLS = Attribute("agentobs.run.calls", "int", "Model calls of the run, those of nested agents included.")
RUN_TOOL_CALLS = Attribute("agentobs.run.tool_calls", "int", "Tool calls of the run.")
RUN_DECISIONS = Attribute("agentobs.run.decisions", "int", "Decisions of the run.")
RUN_FALLBACKS = Attribute("agentobs.run.fallbacks", "int", "Fallbacks of the run.")
RUN_UNPRICED = Attribute("agentobs.run.unpriced_calls", "int", "Model calls of the run whose cost is unknown.")
RUNS = Metric(
    "agentobs.agent.runs",
    Kind.COUNTER,
    "{run}",
    "Runs of agents by outcome and by what the user got.",
    (genai.AGENT_NAME, OUTCOME, DEGRADATION, NOTICE),
)
RUN_COST = Metric(
    "agentobs.agent.run.cost.usd",
    Kind.HISTOGRAM,
    "{USD}",
    "Cost of one run in USD, where all of its calls are priced.",
    (genai.AGENT_NAME, OUTCOME),
    USD_BOUNDS,
)
NOTICES = Metric(
    "agentobs.notices",
    Kind.COUNTER,
    "{notice}",
    "Words to the user about the service they get.",
    (genai.AGENT_NAME, NOTICE_KIND),
)
NOTICE_SHOWN = Event(
    "agentobs.notice", "INFO", "The user was told about the service they get.", (genai.AGENT_NAME, NOTICE_KIND)
)
