"""What is asked of captured breaker telemetry in tests."""

from __future__ import annotations

from typing import Any

from agentobs.testing import Captured


def value(seen: Captured, metric: str, name: str, **labels: str) -> float:
    return seen.value(f"agentobs.circuit_breaker.{metric}", agentobs_circuit_breaker_name=name, **labels)


def calls(seen: Captured, name: str) -> dict[str, float]:
    return {
        p.attributes["agentobs.circuit_breaker.outcome"]: p.value or 0
        for p in seen.points
        if p.name == "agentobs.circuit_breaker.calls"
        and p.attributes["agentobs.circuit_breaker.name"] == name
        and p.value
    }


def states(seen: Captured, name: str) -> list[str]:
    return [
        p.attributes["agentobs.circuit_breaker.state"]
        for p in seen.points
        if p.name == "agentobs.circuit_breaker.state"
        and p.attributes["agentobs.circuit_breaker.name"] == name
        and p.value
    ]


def changes(seen: Captured, name: str) -> list[tuple[Any, Any]]:
    return [
        (e.attributes.get("agentobs.circuit_breaker.previous_state"), e.attributes["agentobs.circuit_breaker.state"])
        for e in seen.events
        if e.name == "agentobs.circuit_breaker.state_change" and e.attributes["agentobs.circuit_breaker.name"] == name
    ]
