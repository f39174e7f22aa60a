"""The figures, one file for each subject."""

from __future__ import annotations

from ..figure import Subject
from . import (
    agents,
    breakers,
    calls,
    cost,
    decisions,
    degradation,
    feedback,
    latency,
    retries,
    services,
    telemetry,
    tokens,
    tools,
)

SUBJECTS: tuple[Subject, ...] = (
    services.SUBJECT,
    agents.SUBJECT,
    tools.SUBJECT,
    calls.SUBJECT,
    latency.SUBJECT,
    retries.SUBJECT,
    breakers.SUBJECT,
    degradation.SUBJECT,
    decisions.SUBJECT,
    feedback.SUBJECT,
    cost.SUBJECT,
    tokens.SUBJECT,
    telemetry.SUBJECT,
)
"""Every subject, in the order of alerts and runbook."""
