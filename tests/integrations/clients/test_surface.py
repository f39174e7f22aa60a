"""Every method of every resource of the installed clients that runs a model or reports usage is a call, or named as none.

The clients' own source says what there is: each method's HTTP method, path and class of answer. A release that adds a
method which this package does not know fails here by its name.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from types import ModuleType
from typing import Any, NamedTuple, get_args

import anthropic.resources
import openai.resources
import pytest
from pydantic import BaseModel

from agentobs.integrations.clients import anthropic as anthropic_client
from agentobs.integrations.clients import openai as openai_client

NEWEST = {"openai": 3, "anthropic": 2}
_VERBS = {"_get": "get", "_post": "post", "_put": "put", "_patch": "patch", "_delete": "delete", "_get_api_list": "get"}


class Method(NamedTuple):
    """One method of a resource."""

    name: str
    verb: str
    path: str
    usage: bool


class Client(NamedTuple):
    """A client library: its resources, our routes, what is named as no call, and what runs no model at all."""

    resources: ModuleType
    route_of: Callable[[str, str], Any]
    not_observed: Mapping[str, str]
    runs_no_model: tuple[str, ...]


CLIENTS = {
    "openai": Client(
        openai.resources,
        openai_client.route_of,
        openai_client.NOT_OBSERVED,
        (
            "/audio/voice_consents",
            "/audio/voices",
            "/containers",
            "/content_provenance_checks",
            "/files",
            "/models",
            "/projects",
            "/safety",
            "/skills",
            "/uploads",
            "/vaults",
            "/webhook_endpoints",
            "/videos/characters",
        ),
    ),
    "anthropic": Client(
        anthropic.resources,
        anthropic_client.route_of,
        anthropic_client.NOT_OBSERVED,
        (
            "/v1/environments",
            "/v1/files",
            "/v1/memory_stores",
            "/v1/models",
            "/v1/skills",
            "/v1/tunnels",
            "/v1/user_profiles",
            "/v1/vaults",
        ),
    ),
}


def modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def methods(package: ModuleType) -> Iterator[Method]:
    """Every method that sends a request, of the synchronous resources."""
    for module in modules(package):
        tree = ast.parse(inspect.getsource(module))
        for owner in [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]:
            for function in [node for node in owner.body if isinstance(node, ast.FunctionDef)]:
                for call in [node for node in ast.walk(function) if isinstance(node, ast.Call)]:
                    if isinstance(call.func, ast.Attribute) and call.func.attr in _VERBS:
                        yield _method(module, f"{owner.name}.{function.name}", call)


def _method(module: ModuleType, name: str, call: ast.Call) -> Method:
    assert isinstance(call.func, ast.Attribute)
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    answers = [given[key] for key in ("cast_to", "model", "stream_cls") if key in given]
    names = {node.id for answer in answers for node in ast.walk(answer) if isinstance(node, ast.Name)}
    usage = any(reports_usage(vars(module).get(each), set()) for each in names)
    path = next((text for node in ast.walk(call) if (text := _text(node)).startswith("/")), "")
    return Method(f"{module.__name__}.{name}", _VERBS[call.func.attr], path.partition("?")[0], usage)


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def reports_usage(kind: Any, seen: set[Any]) -> bool:
    """Whether a class of answers, or one that is part of it, has a field for tokens that were used."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind in seen:
            return False
        seen.add(kind)
        fields = kind.model_fields
        return any(
            name in ("usage", "input_tokens", "prompt_tokens")
            or name.endswith("_usage")
            or reports_usage(field.annotation, seen)
            for name, field in fields.items()
        )
    return any(reports_usage(part, seen) for part in get_args(kind))


def starts(method: Method, prefixes: Any) -> bool:
    """Whether the path begins with one of `prefixes`, of which some are for one HTTP method only (`get /path`)."""
    for prefix in prefixes:
        verb, space, path = prefix.rpartition(" ")
        if (not space or verb == method.verb) and (method.path == path or method.path.startswith(f"{path}/")):
            return True
    return False


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
