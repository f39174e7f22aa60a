"""A scenario is a call, a way to use it and what the server answers; with and without agentobs it must be the same."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from agentobs import testing
from tests.support.loopback import Answer, Loopback

from .forms import Form
from .observation import Observation, See, observe

Make = Callable[[str, bool], Any]
"""Makes a client: `(url of the server, asynchronous)`."""


@dataclass(frozen=True)
class Scenario:
    """One row of a table of call forms.

    Attributes:
        call: the call, given the client; the same words for synchronous and asynchronous clients.
        spans: how many spans agentobs must emit for it; 0 for what is no model call.
        raises: name of the exception's class where the program gets one.
    """

    name: str
    make: Make
    call: Callable[[Any], Any]
    form: Form
    answers: Sequence[Answer]
    spans: int = 1
    raises: str | None = None

    def run(self, url: str, asynchronous: bool) -> Callable[[See], Any]:
        """The scenario as `observe` wants it, with a client of its own."""
        return self._arun(url) if asynchronous else self._run(url)

    def _run(self, url: str) -> Callable[[See], Any]:
        def scenario(see: See) -> None:
            with self.make(url, False) as client:
                self.form.sync(lambda: self.call(client), see)

        return scenario

    def _arun(self, url: str) -> Callable[[See], Any]:
        async def scenario(see: See) -> None:
            async with self.make(url, True) as client:
                await self.form.asynchronous(lambda: self.call(client), see)

        return scenario


def with_forms(
    name: str,
    make: Make,
    call: Callable[[Any], Any],
    forms: Iterable[Form],
    *answers: Answer,
    spans: int = 1,
    raises: str | None = None,
) -> list[Scenario]:
    """One scenario for each of `forms`."""
    return [Scenario(f"{name}, {form.name}", make, call, form, answers, spans, raises) for form in forms]


def parametrize(scenarios: Iterable[Scenario]) -> pytest.MarkDecorator:
    """Each scenario with a synchronous and with an asynchronous client."""
    rows = [
        pytest.param(scenario, asynchronous, id=f"{scenario.name}, {'async' if asynchronous else 'sync'}")
        for scenario in scenarios
        for asynchronous in (False, True)
    ]
    return pytest.mark.parametrize(("scenario", "asynchronous"), rows)


def check(loopback: Loopback, scenario: Scenario, asynchronous: bool) -> Observation:
    """Run the scenario with and without agentobs, and find no difference. Returns what was noticed."""
    loopback.play(*scenario.answers)
    without = observe(loopback, scenario.run(loopback.url, asynchronous))
    loopback.play(*scenario.answers)
    with testing.capture() as seen:
        observed = observe(loopback, scenario.run(loopback.url, asynchronous))
    same(without, observed)
    assert (without.raised and without.raised[0][1]) == scenario.raises, without.raised
    assert len(without.wire) == len(scenario.answers), "the script was not played to its end"
    assert len(seen.spans) == scenario.spans, [span.name for span in seen.spans]
    assert seen.value("agentobs.calls") == scenario.spans
    assert seen.value("agentobs.calls.active") == 0
    return without


def same(without: Observation, observed: Observation) -> None:
    """Find no difference between two runs."""
    assert observed.raised == without.raised
    assert observed.seen == without.seen
    assert observed.wire == without.wire
    assert observed.warned == without.warned
    assert observed.unraisable == without.unraisable
