"""`fit` keeps the JSON text of anything within a number of bytes, and valid."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from agentobs.privacy import fit, redact, render

LETTERS = 'ab0 "\\\n\t\u2028é漢🙂\ud800\udc00'


def anything(draw: random.Random, depth: int) -> Any:
    kind = draw.random()
    if depth == 0 or kind < 0.4:
        if kind < 0.1:
            return draw.choice([None, True, 1, -3.5e300, 10 ** draw.randint(0, 60), float("nan"), b"ab"])
        return text(draw, int(draw.expovariate(1 / 30)))
    if kind < 0.7:
        return [anything(draw, depth - 1) for _ in range(int(draw.expovariate(1 / 4)))]
    return {text(draw, draw.randint(0, 9)): anything(draw, depth - 1) for _ in range(int(draw.expovariate(1 / 3)))}


def text(draw: random.Random, length: int) -> str:
    return "".join(draw.choices(LETTERS, k=length))


def test_whatever_it_is_it_fits_and_stays_json() -> None:
    draw = random.Random(20261123)
    for _ in range(10_000):
        value, limit_bytes = anything(draw, 3), draw.choice([4, 5, 8, 20, 50, 120, 300, 1_000])
        fitted = fit(value, limit_bytes)
        written = render(fitted)
        assert len(written.encode()) <= limit_bytes
        assert json.loads(written) == fitted
        assert fit(fitted, limit_bytes) == fitted


def test_what_fits_is_not_touched() -> None:
    value = {"a": ["x" * 90, 1, None]}
    assert fit(value, len(render(value))) == value
    assert fit(value, len(render(value)) - 1) != value


def test_the_longest_text_is_shortened_first_and_says_by_how_much() -> None:
    fitted = fit({"long": "x" * 10_000, "short": "y" * 100}, 600)
    assert fitted["short"] == "y" * 100
    kept, _, rest = fitted["long"].partition("…")
    assert len(kept) > 400
    assert rest == f"[{10_000 - len(kept)} more characters]"


def test_a_text_that_is_shortened_again_counts_all_it_lost() -> None:
    twice = fit(fit("x" * 10_000, 600), 200)
    kept, _, rest = twice.partition("…")
    assert rest == f"[{10_000 - len(kept)} more characters]"


def test_the_oldest_items_go_before_the_newest_become_unreadable() -> None:
    fitted = fit([f"{number}: " + "x" * 1_000 for number in range(100)], 2_000)
    assert fitted[-1].startswith("99: xxx")
    assert fitted[0] == f"[{101 - len(fitted)} older items left out]"
    assert all(len(item) > 150 for item in fitted[1:])


def test_short_items_stay_whole_when_older_ones_go() -> None:
    fitted = fit(list(range(1_000)), 200)
    assert fitted[1:] == list(range(1_001 - len(fitted), 1_000))


def test_an_object_keeps_its_first_entries() -> None:
    fitted = fit({f"name_{number}": "x" * 50 for number in range(100)}, 500)
    assert list(fitted)[:3] == ["name_0", "name_1", "name_2"]
    assert fitted["…"] == f"[{101 - len(fitted)} entries left out]"


def test_a_secret_is_whole_when_it_is_searched_for() -> None:
    value = {"text": "x" * 80 + " sk-proj-abcDEF123456789abcDEF1234567890 " + "y" * 500}
    for limit_bytes in range(80, 200):
        assert "sk-proj" not in render(fit(redact(value), limit_bytes))


@pytest.mark.parametrize("limit_bytes", [-1, 0, 3])
def test_a_limit_that_nothing_fits_is_an_error(limit_bytes: int) -> None:
    with pytest.raises(ValueError, match=f"limit_bytes={limit_bytes} is not allowed; allowed is 4 and more"):
        fit("x", limit_bytes)
