"""Circuit breakers: state, guarded calls, transitions."""

from __future__ import annotations

from ..model import Attribute, Event, Kind, Metric
from ..values import BreakerOutcome, BreakerState, values_of

BREAKER_NAME = Attribute("agentobs.circuit_breaker.name", "string", "The breaker.", bound=50)
BREAKER_STATE = Attribute(
    "agentobs.circuit_breaker.state",
    "string",
    "State of the breaker; half_open where it waits for its trial call, or makes it.",
    values=values_of(BreakerState),
)
BREAKER_PREVIOUS = Attribute("agentobs.circuit_breaker.previous_state", "string", "State before the change.")
BREAKER_OUTCOME = Attribute(
    "agentobs.circuit_breaker.outcome",
    "string",
    "What became of a guarded call; rejected ones were never made, ignored ones raised an excluded exception.",
    values=values_of(BreakerOutcome),
)
BREAKER_FAILURES = Attribute("agentobs.circuit_breaker.failures", "int", "Consecutive failures that it has counted.")
LIBRARY = Attribute("agentobs.library", "string", "The breaker's or client's library.", bound=20)
BREAKER_STATES = Metric(
    "agentobs.circuit_breaker.state",
    Kind.UP_DOWN_COUNTER,
    "{breaker}",
    "1 for the state that the breaker is in, 0 for the others.",
    (BREAKER_NAME, BREAKER_STATE),
)
BREAKER_CALLS = Metric(
    "agentobs.circuit_breaker.calls",
    Kind.COUNTER,
    "{call}",
    "Guarded calls by outcome.",
    (BREAKER_NAME, BREAKER_OUTCOME),
)
BREAKER_TRANSITIONS = Metric(
    "agentobs.circuit_breaker.transitions",
    Kind.COUNTER,
    "{transition}",
    "Changes of state by the state that was entered.",
    (BREAKER_NAME, BREAKER_STATE),
)
BREAKER_FAIL_COUNT = Metric(
    "agentobs.circuit_breaker.failures.current",
    Kind.UP_DOWN_COUNTER,
    "{failure}",
    "Consecutive failures that the breaker has counted.",
    (BREAKER_NAME,),
)
BREAKER_FAIL_LIMIT = Metric(
    "agentobs.circuit_breaker.failures.limit",
    Kind.UP_DOWN_COUNTER,
    "{failure}",
    "Consecutive failures at which the breaker opens.",
    (BREAKER_NAME,),
)
BREAKER_CHANGE = Event(
    "agentobs.circuit_breaker.state_change",
    "WARN",
    "A breaker changed its state.",
    (BREAKER_NAME, BREAKER_STATE, BREAKER_PREVIOUS, BREAKER_FAILURES, LIBRARY),
)
