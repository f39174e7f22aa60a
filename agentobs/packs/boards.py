"""Which dashboards there are: each has a name, a title and the question that it answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Board:
    """One dashboard, without what it shows; `name` is that of its file."""

    name: str
    title: str
    description: str

    @property
    def uid(self) -> str:
        """What Grafana knows it by, in addresses too."""
        return f"agentobs-{self.name}"


OVERVIEW = Board(
    "overview",
    "Agents: overview",
    "Does my agent serve its users: runs, their duration and level, tools, model calls, cost, which alerts fire.",
)
MODELS = Board(
    "models",
    "Agents: models",
    "How each provider and model serves: rate, errors, duration, streams, hidden retries, rate limits.",
)
COST = Board(
    "cost",
    "Agents: cost and tokens",
    "What it costs: pace and projection, by model and agent, caches, runs, and what has no price.",
)
BREAKERS = Board(
    "breakers",
    "Agents: breakers and degradation",
    "What protects the agent, how near it is to tripping, and what users get when it does.",
)
DECISIONS = Board(
    "decisions",
    "Agents: decisions and feedback",
    "What the agent decides, how sure it is, and what people say of it.",
)
