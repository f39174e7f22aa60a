"""Conditions and words that several subjects share."""

from __future__ import annotations

from agentobs.catalogue import own

from ..names import equals

FAILED = (equals(own.OUTCOME, "error"),)
SUCCEEDED = (equals(own.OUTCOME, "success"),)

NO_CALLS = "no calls yet"
NO_RUNS = "no agent runs yet"
