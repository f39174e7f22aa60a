"""A finished run of the demo's own plan: everything that was served was seen, and the table shows it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from rich.console import Console

from agentobs.demo import table
from agentobs.demo.session import Session


@pytest.fixture
def finished() -> Iterator[Session]:
    """A run of the demo's own plan that has done its work and is still up."""
    with Session(seconds=3.0, rate=16.0) as session:
        session.work()
        yield session


def test_what_was_served_is_what_was_seen(finished: Session) -> None:
    comparison = finished.comparison()
    assert comparison.differences == ()
    served = comparison.served
    assert comparison.seen == served
    for what in ("calls", "errors", "streams", "retries", "unpriced", "abandoned", "cache_read_tokens", "cost_usd"):
        assert served[what], f"the demo shows no {what}"
    for what in ("runs", "tool_calls", "decisions", "fallbacks", "feedback"):
        assert served[what], f"the demo shows no {what}"


def test_the_table_fits_80_columns(finished: Session, capsys: pytest.CaptureFixture[str]) -> None:
    Console(width=80).print(table.draw(finished.registry, finished.calls, title="demo"))
    drawn = capsys.readouterr().out
    assert "…" not in drawn
    for heading in ("calls", "err", "retry", "breakers", "decisions", "fallbacks", "feedback", "p50/95 ms"):
        assert heading in drawn


def test_percentiles() -> None:
    assert table.percentile([], 0.5) is None
    assert table.percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert table.percentile([1.0, 2.0], 0.95) == 2.0
