"""The table of patterns: each has samples, which the process replaces and nothing else."""

from __future__ import annotations

import pytest

from agentobs.privacy import redact_text
from agentobs.privacy.patterns import PATTERNS
from tests.support.samples import SAMPLES, Sample

EACH = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.pattern}: {sample.secret[:8]}")
MARKS = {row.name: row.mark for row in PATTERNS}


def test_every_pattern_has_a_sample() -> None:
    assert {sample.pattern for sample in SAMPLES} == set(MARKS)
    assert len(MARKS) == len(PATTERNS)


@EACH
@pytest.mark.parametrize("before", ["use ", "(", "line\n"])
def test_a_secret_is_replaced_and_what_stands_before_it_stays(sample: Sample, before: str) -> None:
    redacted = redact_text(f"{before}{sample.text}, please")
    assert sample.secret not in redacted
    assert MARKS[sample.pattern] in redacted
    assert redacted.startswith(before)


@EACH
def test_the_quick_search_finds_every_sample(sample: Sample) -> None:
    (pattern,) = [row for row in PATTERNS if row.name == sample.pattern]
    text = sample.text.lower() if pattern.ignore_case else sample.text
    assert not pattern.needs or any(part in text for part in pattern.needs)
