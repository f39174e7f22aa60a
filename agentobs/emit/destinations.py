"""Where signals go at this moment, in words for the report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .. import environment
from .providers import SignalProvider

if TYPE_CHECKING:
    from . import Emitters

NONE_YET = "none yet"


def of(emitters: Emitters) -> dict[str, str]:
    """Destination by `spans`, `events`, `metrics`."""
    service = emitters.config.service
    return {
        "spans": of_source(emitters.traces, service),
        "events": of_source(emitters.logs, service),
        "metrics": _of_metrics(emitters, service),
    }


def of_source(source: SignalProvider, service: str | None) -> str:
    """Where the signal of `source` goes, and under which service, where that is another than ours."""
    if source.fault is not None:
        return f"none, because {source.fault}"
    disabled = environment.is_disabled(os.environ)
    if not source.active:
        return f"off ({environment.DISABLED.name}=true)" if disabled else NONE_YET
    if source.own is not None and source.provider is source.own and not source.set_by_program():
        return source.origin
    program = source.origin == "given to instrument()"
    provider = source.provider if program else source.current()
    told = source.origin if program else "set by the program"
    sent = _service_of(provider)
    if sent is not None and sent != service:
        told += f", as service {sent!r}"
    return f"{told}, which {environment.DISABLED.name}=true switches off" if disabled else told


def _service_of(provider: Any) -> str | None:
    """The service name that a provider of the SDK sends; a meter provider keeps its resource to itself."""
    resource = getattr(provider, "resource", None) or getattr(provider, "_resource", None)
    resource = resource or getattr(getattr(provider, "_sdk_config", None), "resource", None)
    attributes = getattr(resource, "attributes", None)
    return None if attributes is None else attributes.get("service.name")


def _of_metrics(emitters: Emitters, service: str | None) -> str:
    if emitters.config.metrics == "off":
        return "off"
    paths = list(_paths(emitters, service))
    if paths:
        return " and ".join(paths)
    if emitters.meters is None:
        return NONE_YET
    return of_source(emitters.meters, service)


def _paths(emitters: Emitters, service: str | None) -> Iterator[str]:
    meters, page = emitters.meters, emitters.page
    shown = emitters.scraped
    if meters is not None and meters.active:
        yield f"otel ({of_source(meters, service)})" + ("" if shown else "; nothing of them in prometheus_client")
    elif meters is not None and meters.fault is not None and shown:
        yield f"otel: {of_source(meters, service)}"
    if not shown:
        return
    if page is None:
        yield "prometheus"
    elif page.fault is None:
        yield f"prometheus (page on {page.url})"
    else:
        yield f"prometheus (no page on {page.url} from this process: {page.fault})"


def notes(emitters: Emitters) -> Iterator[str]:
    """What else is worth knowing: settings without effect, metrics of several processes that are not put together."""
    yield from environment.unread(os.environ)
    if emitters.workers_apart:
        yield emitters.workers_apart
