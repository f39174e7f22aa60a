"""Provider and model names: from what a response says to what the table lists.

A name is looked up exactly first; only forms known to mean the same price are peeled off, and never a piece that could
tell two models apart: `gpt-4.1-2025-04-14` may become `gpt-4.1`, `gpt-4.1-foo` stays what it is and is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_NAME_CHARS = 256

PROVIDERS: dict[str, str] = {
    "az.ai.openai": "azure.ai.openai",
    "azure": "azure.ai.openai",
    "azure_openai": "azure.ai.openai",
    "az.ai.inference": "azure.ai.inference",
    "azure_ai": "azure.ai.inference",
    "bedrock": "aws.bedrock",
    "gcp.vertex_ai": "gcp.gemini",
    "gcp.gen_ai": "gcp.gemini",
    "google": "gcp.gemini",
    "gemini": "gcp.gemini",
    "vertex_ai": "gcp.gemini",
    "mistral": "mistral_ai",
    "mistralai": "mistral_ai",
    "xai": "x_ai",
    "x-ai": "x_ai",
    "moonshot": "moonshot_ai",
    "moonshotai": "moonshot_ai",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "aws.anthropic": "anthropic",
    "gcp.anthropic": "anthropic",
}
"""Other names of a provider -> the one in the table.

Vertex AI and the Gemini API share one price list there; Anthropic's own platform on AWS and Google Cloud charges its
list prices.
"""

_SNAPSHOT = re.compile(r"[-@](?:20[2-3]\d-[01]\d-[0-3]\d|20[2-3]\d[01]\d[0-3]\d|default)\Z", re.ASCII)
_BEDROCK_VERSION = re.compile(r"(?:-v\d{1,2})?(?::\d{1,2}(?::\d{1,4}k)?)?\Z", re.ASCII)
_BEDROCK_GEOGRAPHY = re.compile(r"(?:us|eu|apac|jp|au|ca|in)\.(?=[a-z0-9]+\.)", re.ASCII)
_GEMINI_REVISION = re.compile(r"-0\d\d\Z", re.ASCII)
_AZURE_FINE_TUNED = re.compile(r"\.ft-[0-9a-f-]+\Z", re.ASCII)
_CONTAINERS = ("/models/", "/inference-profile/", ":inference-profile/", "/foundation-model/", ":foundation-model/")


def provider_name(provider: str) -> str:
    """The table's name of a provider, or the given one in lower case when the table has no other for it."""
    name = provider.strip().lower()
    return PROVIDERS.get(name, name)


def priced_model(provider: str, requested: str | None, answered: str | None) -> str | None:
    """The model whose price holds: the one that answered, or on Bedrock the profile of it that was asked for.

    Bedrock's profiles (`global.`, `us.`, their ARNs) have prices of their own, and Anthropic's models there answer with
    their bare name.
    """
    if answered is None or requested is None:
        return answered or requested
    if provider == "aws.bedrock" and answered != requested and answered.lower() in requested.lower():
        return requested
    return answered


def candidates(provider: str, model: str) -> Iterator[str]:
    """Names to look up, most exact first. `provider` is the table's name. Yields nothing for an absurdly long name."""
    if len(model) > MAX_NAME_CHARS:
        return
    name = model.strip().lower()
    yield name
    bare = _without_path(provider, name)
    if bare is None:
        return
    if bare != name:
        yield bare
    if provider == "aws.bedrock":
        yield from _bedrock(bare)
        return
    bare = _fine_tuned_base(bare)
    yield bare
    family = _SNAPSHOT.sub("", bare)
    if family != bare:
        yield family
    if provider == "gcp.gemini":
        yield _GEMINI_REVISION.sub("", family)


def _without_path(provider: str, name: str) -> str | None:
    """`openai/gpt-4.1` -> `gpt-4.1`, `publishers/google/models/gemini-2.5-pro` -> `gemini-2.5-pro`.

    `None` when the path names something else, such as another vendor's model behind this provider.
    """
    for container in _CONTAINERS:
        if container in name:
            return name.rpartition(container)[2]
    if name.startswith("arn:"):
        return None
    head, slash, rest = name.partition("/")
    if not slash:
        return name
    if head == "models" or provider_name(head) == provider:
        return rest
    return rest if (provider, head) == ("gcp.gemini", "anthropic") else None


def _fine_tuned_base(name: str) -> str:
    """`ft:gpt-4.1-2025-04-14:org:name:id` and Azure's `gpt-4.1-2025-04-14.ft-<id>` -> `ft:gpt-4.1-2025-04-14`."""
    if name.startswith("ft:"):
        return ":".join(name.split(":", 2)[:2])
    base = _AZURE_FINE_TUNED.sub("", name)
    return name if base == name else f"ft:{base}"


def _bedrock(name: str) -> Iterator[str]:
    """Without version (`-v1:0`), then without geography (`us.`) and date; `global.` and `us-gov.` have own prices."""
    model = _BEDROCK_VERSION.sub("", name, count=1)
    regional = _BEDROCK_GEOGRAPHY.sub("", model, count=1)
    for form in (model, regional):
        yield form
        yield _SNAPSHOT.sub("", form)
