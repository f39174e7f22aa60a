"""What the installed clients can be asked for, as their own source says: each method's HTTP method, path and answer."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import Any, NamedTuple, get_args

import anthropic.resources
import openai.resources
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
    answers: tuple[Any, ...]
    """Classes of answers and of the events of a stream."""

    @property
    def usage(self) -> bool:
        """Whether an answer may report usage."""
        return any(True for answer in self.answers for _ in usage_types(answer))


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
                        yield _method(module, f"{owner.name}.{function.name}", call, function.returns)


def _method(module: ModuleType, name: str, call: ast.Call, returns: ast.expr | None) -> Method:
    assert isinstance(call.func, ast.Attribute)
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    answers = [given[key] for key in ("cast_to", "model", "stream_cls") if key in given]
    answers += [returns] if returns is not None else []
    names = {node.id for answer in answers for node in ast.walk(answer) if isinstance(node, ast.Name)}
    kinds = tuple(vars(module)[each] for each in sorted(names) if each in vars(module))
    path = next((text for node in ast.walk(call) if (text := _text(node)).startswith("/")), "")
    return Method(f"{module.__name__}.{name}", _VERBS[call.func.attr], path.partition("?")[0], kinds)


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def usage_types(kind: Any, seen: set[Any] | None = None) -> Iterator[type[BaseModel]]:
    """The classes of the usage objects in a class of answers."""
    seen = set() if seen is None else seen
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        if kind in seen:
            return
        seen.add(kind)
        for name, field in kind.model_fields.items():
            if name == "usage" or name.endswith("_usage"):
                yield from members(field.annotation)
            else:
                yield from usage_types(field.annotation, seen)
    else:
        for part in get_args(kind):
            yield from usage_types(part, seen)


def members(kind: Any) -> Iterator[type[BaseModel]]:
    """The classes in a union, whatever it is wrapped in."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind
    for part in get_args(kind):
        yield from members(part)


def starts(method: Method, prefixes: Any) -> bool:
    """Whether the path begins with one of `prefixes`, of which some are for one HTTP method only (`get /path`)."""
    for prefix in prefixes:
        verb, space, path = prefix.rpartition(" ")
        if (not space or verb == method.verb) and (method.path == path or method.path.startswith(f"{path}/")):
            return True
    return False
