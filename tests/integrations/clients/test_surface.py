"""Every method of every resource of the installed clients that runs a model or reports usage is a call, or named as none.

A release that adds a method which this package does not know fails here by its name.
"""

from __future__ import annotations

from importlib.metadata import version

import pytest

from tests.support.clients.surface import CLIENTS, NEWEST, methods, starts


@pytest.mark.parametrize("library", CLIENTS)
def test_what_runs_a_model_or_reports_usage_is_a_call_or_named_as_none(library: str) -> None:
    client = CLIENTS[library]
    found = list(methods(client.resources))
    unknown = [
        f"{method.name}: {method.verb} {method.path}"
        for method in found
        if (method.usage or method.verb == "post")
        and client.route_of(method.verb, method.path) is None
        and not starts(method, client.not_observed)
        and (method.usage or not starts(method, client.runs_no_model))
    ]
    assert not unknown
    assert len(found) > 100, "the source of the client is not read as it was"


@pytest.mark.parametrize("library", CLIENTS)
def test_what_is_named_as_none_exists_and_is_none(library: str) -> None:
    client = CLIENTS[library]
    found = list(methods(client.resources))
    assert all(reason for reason in client.not_observed.values())
    missing = [prefix for prefix in client.not_observed if not any(starts(each, [prefix]) for each in found)]
    # An older release has not yet what the newest one has.
    assert not missing or int(version(library).partition(".")[0]) < NEWEST[library]
    assert not [
        method.name
        for method in found
        if starts(method, client.not_observed) and client.route_of(method.verb, method.path)
    ]


@pytest.mark.parametrize(
    ("library", "path"),
    [
        ("openai", "/responses/compact"),
        ("openai", "/decisions"),
        ("openai", "/videos"),
        ("openai", "/videos/{video_id}/remix"),
        ("openai", "/responses/{response_id}/cancel"),
        ("anthropic", "/v1/messages"),
    ],
)
def test_it_is_a_call(library: str, path: str) -> None:
    assert CLIENTS[library].route_of("post", path) is not None
